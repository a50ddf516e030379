from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.errors import ProjectError, UnknownCaseError
from omentum.records import Audit, TaskKind, TaskState
from omentum.store.store import Store


@pytest.fixture
def audit() -> Audit:
    return Audit(
        round_number=1,
        network="starter",
        weights_sha256="w" * 64,
        seed=2**63 - 1,
        frame={"a": ("liver", "spleen"), "b": ("liver",)},
        n_cases_drawn=2,
        drawn=(("b", "liver"), ("a", "spleen")),
        time=datetime(2026, 11, 25, 9, 30, tzinfo=UTC),
    )


def test_a_draw_comes_back_as_it_was_kept(busy_store, audit, tmp_path):
    assert busy_store.audits.of_round(1) is None
    assert busy_store.audits.keep(audit) == audit
    with Store.open("sqlite:///omentum.db", tmp_path) as again:
        assert again.audits.of_round(1) == audit
        assert again.audits.all() == [audit]
    assert audit.n_organs == 3


def test_until_a_task_of_it_went_out_a_draw_can_be_replaced(busy_store, audit, task_of):
    busy_store.audits.keep(audit)
    busy_store.tasks.replace(1, [task_of("b", kind=TaskKind.AUDIT)])
    other = replace(audit, seed=5, drawn=(("a", "liver"),))
    assert busy_store.audits.keep(other) == other
    assert busy_store.audits.all() == [other]


@pytest.mark.parametrize("state", [TaskState.CLAIMED, TaskState.DONE])
def test_once_a_task_of_it_went_out_the_first_draw_stands(busy_store, audit, task_of, state):
    busy_store.audits.keep(audit)
    tasks = [
        task_of(case_id, rank, organ, kind=TaskKind.AUDIT)
        for rank, (case_id, organ) in enumerate(audit.drawn, start=1)
    ]
    of_liver, _ = busy_store.tasks.replace(1, tasks)
    busy_store.tasks.set_state([of_liver.number], state)
    assert busy_store.audits.keep(replace(audit, seed=5, drawn=(("a", "liver"),))) == audit
    assert busy_store.audits.all() == [audit]


def test_each_round_has_a_draw_of_its_own(busy_store, audit):
    busy_store.audits.keep(audit)
    busy_store.rounds.finish(1)
    busy_store.rounds.start("starter-r1")
    second = replace(audit, round_number=2, network="starter-r1")
    busy_store.audits.keep(second)
    assert busy_store.audits.all() == [audit, second]


def test_a_draw_of_no_round_or_of_unknown_cases_is_refused(busy_store, audit):
    with pytest.raises(ProjectError, match="no round 7"):
        busy_store.audits.keep(replace(audit, round_number=7))
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.audits.keep(replace(audit, frame={"z": ("liver",)}))
