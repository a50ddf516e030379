"""What readers miss of planted errors is counted, and widens the bound of the audit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from fixtures.catch import trial_of
from omentum.app.catch_table import catch_table
from omentum.app.dashboard import dashboard
from omentum.evaluate.audit import audit_result
from omentum.evaluate.catch_misses import miss_rates, misses_by_reader
from omentum.measures.missed_errors import Misses
from omentum.records import Audit, MaskSource, ReaderAnswer, Revision, Task, TaskKind
from omentum.records.catch_trials import CatchReading

AUDITED = [f"audited-{place:02d}" for place in range(60)]


@pytest.fixture
def project(caught):
    return caught.workspace


@pytest.fixture
def read(project):
    """Function: note that a reader found, or missed, so many planted errors."""
    _, first = trial_of(project)
    numbers = count(1)

    def note(reader: str, n_found: int, n_missed: int, **changes) -> None:
        for place in range(n_found + n_missed):
            task = Task(
                round_number=1,
                case_id=first.case_id,
                organ="liver",
                rank=0,
                attention_ml=1.0,
                kind=TaskKind.CATCH,
            )
            number = project.store.tasks.add(task).number
            plain = replace(first, task_number=number, is_major=True, number=None)
            trial = project.store.catch_trials.add(replace(plain, **changes))
            answer = CatchReading(
                trial_number=trial.number,
                case_id=trial.case_id,
                reader=reader,
                says=ReaderAnswer.REVISED,
                path=trial.path,
                sha256=str(next(numbers)),
                is_found=place < n_found,
                left_ml=0.0,
                minutes=2.0,
                added_ml=0.0,
                removed_ml=0.0,
                dice_to_base=0.5,
                time=datetime.now(UTC),
            )
            project.store.catch_readings.add(answer)

    return note


@pytest.fixture
def audit(project, caught, tmp_path):
    """Function: note an audit of sixty cases, all found right, read by these readers in turn."""

    def note(*readers: str) -> None:
        caught.add(*AUDITED)
        for case_id in AUDITED:
            caught.predict(case_id, {})
        now = datetime.now(UTC)
        frame = dict.fromkeys(AUDITED, ("liver",))
        project.store.audits.keep(
            Audit(
                round_number=1,
                network="synthetic",
                weights_sha256="w" * 64,
                seed=1,
                frame=frame,
                n_cases_drawn=60,
                drawn=tuple((case_id, "liver") for case_id in AUDITED),
                time=now,
            )
        )
        for place, case_id in enumerate(AUDITED):
            revision = Revision(
                case_id=case_id,
                organ="liver",
                path=tmp_path / "atlas" / "cases" / case_id / "liver.nii.gz",
                sha256=case_id,
                round_number=1,
                reader=readers[place % len(readers)],
                says=ReaderAnswer.ACCEPTED,
                base_source=MaskSource.PREDICTED,
                added_ml=0.0,
                removed_ml=0.0,
                dice_to_base=1.0,
                network="synthetic",
                time=now,
            )
            project.store.revisions.add(revision)

    return note


def test_each_reader_has_a_rate_on_major_errors_with_its_exact_interval(project, read):
    read("anna", n_found=9, n_missed=1)
    read("anna", n_found=0, n_missed=5, is_major=False)
    read("ben", n_found=4, n_missed=0)
    assert misses_by_reader(project) == {"anna": Misses(n_shown=10, n_missed=1), "ben": Misses(n_shown=4)}
    anna, ben = miss_rates(misses_by_reader(project))
    assert (anna.reader, anna.share, ben.share) == ("anna", 0.1, 0.0)
    assert anna.interval == pytest.approx((0.0025, 0.445), abs=1e-3)
    assert ben.interval[0] == 0.0


def test_the_last_answer_to_a_trial_counts_and_none_of_who_knew_the_mask(project, read):
    read("anna", n_found=0, n_missed=1)
    (before,) = project.store.catch_readings.all()
    project.store.catch_readings.add(replace(before, is_found=True, sha256="again"))
    project.store.catch_readings.add(replace(before, reader="zoe", time=before.time + timedelta(hours=1)))
    assert misses_by_reader(project) == {"anna": Misses(n_shown=1, n_missed=0)}


def test_without_a_trial_the_bound_is_as_it_was_and_says_that_misses_are_not_in_it(project, audit):
    audit("anna")
    result = audit_result(project, 1)
    assert result.share == result.seen_share
    assert result.missed_share is None
    assert "; major errors that readers missed are not in it)" in result.statement


def test_with_trials_the_bound_takes_in_what_readers_miss_and_says_both(project, audit, read):
    audit("anna")
    read("anna", n_found=38, n_missed=2)
    result = audit_result(project, 1)
    assert result.seen_share == 0.0  # all sixty were drawn
    assert 0.05 < result.share < 0.09
    assert 0.1 < result.missed_share < 0.25
    assert "by what readers saw alone 0.0 %, and by catch trials they miss at most" in result.statement
    assert result.statement.startswith("with 95 % confidence at most 7.5 % of the 60 organs")


def test_a_reader_of_the_audit_without_trials_counts_as_missing_all(project, audit, read):
    audit("anna", "ben")
    read("anna", n_found=400, n_missed=0)
    result = audit_result(project, 1)
    assert result.missed_share == pytest.approx(0.5, abs=0.01)
    read("ben", n_found=400, n_missed=0)
    assert audit_result(project, 1).share < result.share / 1.5


def test_readers_who_missed_everything_leave_no_bound_below_all(project, audit, read):
    audit("anna")
    read("anna", n_found=0, n_missed=30)
    assert audit_result(project, 1).share == 1.0


def test_the_dashboard_tells_of_earlier_rounds_alone_and_counts_answers_as_work(project, caught, read):
    read("anna", n_found=3, n_missed=1)
    assert catch_table(project) is None
    anna = next(one for one in dashboard(project).readers if one.reader == "anna")
    assert (anna.n_revisions, anna.minutes, anna.minutes_in_round) == (5, 8.0, 8.0)
    caught.next_round("synthetic-r1")
    table = catch_table(project)
    assert [row[:4] for row in table.rows] == [("anna", 4, 1, 0.25)]
    low, high = table.rows[0][4]
    assert low < 0.25 < high
    assert [one.kind for one in table.columns] == ["text", "number", "number", "share", "interval"]
