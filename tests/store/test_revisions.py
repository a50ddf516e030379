"""Revisions are kept in the order in which they came, for good."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from omentum.errors import ProjectError, UnknownCaseError
from omentum.records import MaskFinding, MaskSource, ReaderAnswer

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
FINDING = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0, holds=True, error_ml=9.5)


def test_a_revision_comes_out_as_it_went_in(each_store, revision_of, task_of):
    (task,) = each_store.tasks.replace(1, [task_of()])
    said = revision_of(
        task_number=task.number,
        conflicts_with=7,
        findings=(FINDING,),
        comment="the left lobe was missing",
        origin="12-34",
        base_source=MaskSource.ORIGINAL,
        time=NOON,
    )
    unknown = dict.fromkeys(
        ("base_sha256", "base_source", "added_ml", "removed_ml", "dice_to_base", "minutes")
    )
    unsaid = revision_of(organ="spleen", says=ReaderAnswer.ABSENT, network="", **unknown)
    first, second = each_store.revisions.add(said), each_store.revisions.add(unsaid)
    assert (first, second) == (replace(said, number=first.number), replace(unsaid, number=second.number))
    assert each_store.revisions.all() == [first, second]
    assert each_store.revisions.of_task(task.number) == [first]
    assert each_store.revisions.get(second.number) == second
    assert each_store.revisions.get(99) is None


def test_they_come_in_the_order_in_which_they_were_handed_in_whatever_their_times(busy_store, revision_of):
    hours = (0, -2, -1)
    added = [
        busy_store.revisions.add(revision_of(sha256=f"f{hour}", time=NOON + timedelta(hours=hour)))
        for hour in hours
    ]
    assert busy_store.revisions.of_organ("a", "liver") == added


def test_the_same_mask_from_another_reader_is_another_word(busy_store, revision_of):
    first = busy_store.revisions.add(revision_of(reader="reader-1"))
    second = busy_store.revisions.add(revision_of(reader="reader-2", time=NOON))
    assert busy_store.revisions.all() == [first, second]


def test_a_selection_leaves_out_the_others(busy_store, revision_of):
    busy_store.rounds.turn(1, "starter-r1")
    for changes in ({}, {"case_id": "b"}, {"organ": "spleen"}, {"round_number": 2}):
        busy_store.revisions.add(revision_of(**changes))
    numbers = {one.number for one in busy_store.revisions.all()}
    assert {one.case_id for one in busy_store.revisions.of_case("a")} == {"a"}
    assert [one.case_id for one in busy_store.revisions.of_case("b")] == ["b"]
    assert busy_store.revisions.of_case("c") == []
    assert [one.organ for one in busy_store.revisions.of_organ("a", "spleen")] == ["spleen"]
    assert [one.round_number for one in busy_store.revisions.of_round(2)] == [2]
    assert len(numbers) == 4


def test_findings_are_kept_once_the_rules_have_looked(busy_store, revision_of):
    one = busy_store.revisions.add(revision_of())
    busy_store.revisions.keep_findings(one.number, [FINDING])
    assert busy_store.revisions.all() == [replace(one, findings=(FINDING,))]


def test_a_time_of_another_zone_is_the_same_moment_in_utc(busy_store, revision_of):
    berlin = timezone(timedelta(hours=1))
    busy_store.revisions.add(revision_of(time=NOON.astimezone(berlin)))
    (kept,) = busy_store.revisions.all()
    assert kept.time == NOON
    assert kept.time.tzinfo is UTC


def test_a_time_without_a_zone_is_our_bug(busy_store, revision_of):
    with pytest.raises(Exception, match="has no time zone"):
        busy_store.revisions.add(revision_of(time=NOON.replace(tzinfo=None)))
    assert busy_store.revisions.all() == []


def test_a_revision_needs_a_case_and_a_round_that_exist(busy_store, revision_of):
    with pytest.raises(UnknownCaseError):
        busy_store.revisions.add(revision_of(case_id="z"))
    with pytest.raises(ProjectError, match="no round 7"):
        busy_store.revisions.add(revision_of(round_number=7))
