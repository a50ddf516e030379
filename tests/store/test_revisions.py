"""Revisions are kept, each once, for good."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from omentum.errors import ProjectError, UnknownCaseError

NOON = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)


def test_a_revision_comes_out_as_it_went_in(busy_store, revision_of):
    said = revision_of()
    unsaid = revision_of(organ="spleen", minutes=None, dice_to_before=None, time=NOON)
    for revision in (said, unsaid):
        assert busy_store.revisions.add(revision) == revision
    assert busy_store.revisions.all() == [said, unsaid]


def test_the_same_mask_in_the_same_round_is_kept_once_and_gives_the_first(busy_store, revision_of):
    first = busy_store.revisions.add(revision_of(reader="reader-1"))
    assert busy_store.revisions.add(revision_of(reader="reader-2", time=NOON)) == first
    assert busy_store.revisions.all() == [first]


def test_the_same_mask_in_another_round_is_another_revision(busy_store, revision_of):
    busy_store.revisions.add(revision_of())
    busy_store.rounds.finish(1)
    busy_store.rounds.start("starter-r1")
    busy_store.revisions.add(revision_of(round_number=2))
    assert [revision.round_number for revision in busy_store.revisions.all()] == [1, 2]


def test_revisions_of_a_case_leave_out_the_others(busy_store, revision_of):
    busy_store.revisions.add(revision_of())
    busy_store.revisions.add(revision_of(case_id="b"))
    assert [revision.case_id for revision in busy_store.revisions.of_case("b")] == ["b"]
    assert busy_store.revisions.of_case("c") == []


def test_the_latest_is_that_of_the_latest_time_whichever_was_added_last(busy_store, revision_of):
    busy_store.revisions.add(revision_of(sha256="late", time=NOON))
    busy_store.revisions.add(revision_of(sha256="early", time=NOON - timedelta(hours=1)))
    busy_store.revisions.add(revision_of(sha256="other", organ="spleen", time=NOON))
    latest = busy_store.revisions.latest()
    assert {key: revision.sha256 for key, revision in latest.items()} == {
        ("a", "liver"): "late",
        ("a", "spleen"): "other",
    }


def test_of_two_at_the_same_time_the_latest_is_the_one_added_last(busy_store, revision_of):
    for sha256 in ("f", "a", "c"):
        busy_store.revisions.add(revision_of(sha256=sha256, time=NOON))
    assert busy_store.revisions.latest()["a", "liver"].sha256 == "c"


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
