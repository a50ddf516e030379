"""A case has one name in every table, and an erased one is in none."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import Text, select

from omentum.errors import ProjectError, UnknownCaseError
from omentum.records import (
    Arrival,
    Audit,
    CaseScore,
    Decision,
    DecisionKind,
    LabelVersion,
    NetworkRecord,
    OrganScore,
    Prediction,
    Task,
)
from omentum.store.base import TableBase
from omentum.store.mentions import Mentions
from omentum.store.tasks import pool_of

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture
def full_store(each_store, case_of, revision_of, tmp_path):
    """A store in which case `a_1` stands in every table, and case `a_10` mentions it."""
    store = each_store
    store.cases.add_all([case_of("a_1", patient_id="a_1"), case_of("a_10", patient_id="a_1")])
    store.arrivals.keep(Arrival(case_id="a_10", same_voxels_as="a_1", likely_patient_of="a_1"))
    store.arrivals.keep(Arrival(case_id="a_1", voxels="v1"))
    path = tmp_path / "cases/a_1/original_label.nii.gz"
    store.labels.add(LabelVersion(case_id="a_1", path=path, sha256="0", organs=("liver",), time=NOW))
    folder = tmp_path / "cases/a_1/networks/starter"
    made = Prediction(case_id="a_1", network="starter", weights_sha256="w", folder=folder, organs=("liver",))
    store.predictions.keep(made, {"liver": "1"})
    store.ledger.mark_done("predict starter", "a_1")
    store.ledger.mark_failed("predict starter", "a_10", "it is a copy of /scans/a_1.nii.gz")
    organ = OrganScore(
        organ="liver", attention_voxels=1, attention_ml=1.0, priority=1.0, reasons=("unlike a_1",)
    )
    scores = [CaseScore(case_id=name, score=1.0, organs=(organ,)) for name in ("a_1", "a_10")]
    store.scores.replace(1, scores)
    (task, _) = store.tasks.replace(
        1,
        [
            Task(round_number=1, case_id=name, organ="liver", rank=k, attention_ml=1.0)
            for k, name in enumerate(("a_1", "a_10"))
        ],
    )
    frame = {"a_1": ("liver",), "a_10": ("liver",)}
    store.audits.keep(
        Audit(
            round_number=1,
            network="starter",
            weights_sha256="w",
            seed=1,
            frame=frame,
            n_cases_drawn=1,
            drawn=(("a_1", "liver"),),
            time=NOW,
        )
    )
    revision = revision_of(
        case_id="a_1", task_number=task.number, path=tmp_path / "cases/a_1/revisions/liver/f00.nii.gz"
    )
    store.revisions.add(revision)
    store.decisions.add(
        Decision(case_id="a_1", organ="liver", kind=DecisionKind.PREFER, revision_number=1, by="r", time=NOW)
    )
    store.networks.add(NetworkRecord(name="starter-r1", folder=None, weights_sha256="w"))
    store.networks.add(NetworkRecord(name="starter-r2", folder=None, weights_sha256="w", parent="starter-r1"))
    store.learned_masks.keep("starter-r1", {("a_1", "liver"): "f00"})
    return store


def mentions_of(store, name):
    """Give the columns of all tables in which a name stands as a whole word."""
    looked = Mentions((name,), "", others=("a_10",), inside_texts=True)
    found = []
    with store._database.reading() as session:
        for table in TableBase.metadata.sorted_tables:
            for column in table.c:
                values = session.scalars(select(column.cast(Text))).all()
                if any(looked.are_in(value) for value in values if value):
                    found.append(f"{table.name}.{column.name}")
    return found


def test_a_renamed_case_has_its_new_name_in_every_table(full_store, tmp_path):
    store = full_store
    before = {name.partition(".")[0] for name in mentions_of(store, "a_1")}
    store.case_rows.rename("a_1", "b_1")
    # Where it came from is as it was, and so are texts for people.
    assert set(mentions_of(store, "a_1")) == {
        "cases.source",
        "former_names.name",
        "ledger.reason",
        "organ_scores.reasons",
    }
    assert {name.partition(".")[0] for name in mentions_of(store, "b_1")} >= before - {"facts"}
    case = store.cases.get("b_1")
    assert case.ct_path == tmp_path / "cases/b_1/ct.nii.gz"
    assert case.original_label_path == store.labels.of_case("b_1")[0].path
    (revision,) = store.revisions.of_case("b_1")
    assert revision.path == tmp_path / "cases/b_1/revisions/liver/f00.nii.gz"
    assert store.audits.of_round(1).frame.keys() == {"b_1", "a_10"}
    assert store.audits.of_round(1).drawn == (("b_1", "liver"),)
    assert store.cases.get("a_10").patient_id == case.patient_id == "b_1"
    assert store.ledger.done_keys("predict starter") == {"b_1"}
    assert store.former_names.all() == {"a_1": "b_1"}
    store.case_rows.rename("b_1", "a_1")
    assert store.former_names.all() == {"b_1": "a_1"}


def test_a_name_that_a_case_has_or_had_is_not_given_again(full_store):
    full_store.case_rows.rename("a_1", "b_1")
    for taken in ("a_10", "a_1"):
        with pytest.raises(ProjectError, match="choose another"):
            full_store.case_rows.rename("c", taken)
    with pytest.raises(UnknownCaseError):
        full_store.case_rows.rename("nobody", "d")


def test_an_erased_case_stands_in_no_table(full_store):
    store = full_store
    assert store.learned_masks.networks_of_case("a_1") == ("starter-r1", "starter-r2")
    n_leases = len(store.leases.free(pool_of(1)))
    store.case_rows.erase("a_1", Mentions(("a_1",), "p-0", others=("a_10",), inside_texts=True))
    assert mentions_of(store, "a_1") == []
    assert {case.case_id for case in store.cases.every()} == {"a", "a_10", "b", "c"}
    assert store.audits.of_round(1).drawn == (("p-0", "liver"),)
    assert store.audits.of_round(1).frame.keys() == {"p-0", "a_10"}
    assert len(store.leases.free(pool_of(1))) == n_leases - 1
    assert [score.case_id for score in store.scores.of_round(1)] == ["a_10"]
    (failure,) = store.ledger.failures("predict starter")
    assert (failure.key, failure.reason) == ("a_10", "it is a copy of /scans/p-0.nii.gz")
    store.scrub()


def test_scores_are_of_cases_that_take_part(full_store):
    full_store.cases.exclude("a_1", "motion")
    assert [score.case_id for score in full_store.scores.of_round(1)] == ["a_10"]
