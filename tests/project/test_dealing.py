"""Tasks are dealt to readers by their rules."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from omentum.project.dealing import Dealer, deal_tasks
from omentum.records import Task, TaskKind
from omentum.records.assignments import Assignment
from omentum.records.people import Person, Role
from omentum.review.assignments import add_rule, remove_rule
from omentum.review.claims import claim, claim_next, claim_task, free_tasks
from omentum.review.hand_in import HandIn, hand_in
from omentum.store.tasks import pool_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def rule(reader, organ=None, share=None):
    return Assignment(reader=reader, organ=organ, share=share, time=NOW)


def task(rank, organ, case_id="a", **more):
    return Task(
        round_number=1, case_id=case_id, organ=organ, rank=rank, attention_ml=1.0, network="synthetic", **more
    )


@pytest.fixture
def ten(atlas):
    """Ten cases with a liver each, then two spleens."""
    atlas.add(*"abcdefghij")
    rows = [("liver", one) for one in "abcdefghij"] + [("spleen", "a"), ("spleen", "b")]
    tasks = [task(rank, organ, case_id) for rank, (organ, case_id) in enumerate(rows, start=1)]
    atlas.workspace.store.tasks.replace(1, tasks)
    return atlas.workspace


def dealt(project):
    slots = project.store.leases.slots(pool_of(1))
    return [one.reserved_for for one in slots]


def test_shares_are_kept_at_every_place_of_the_queue():
    dealer = Dealer([rule("anna", share=0.5), rule("ben", share=0.3)])
    got = [dealer.next_reader("liver") for _ in range(100)]
    for n in range(10, 101, 10):
        counts = Counter(got[:n])
        assert (counts["anna"], counts["ben"], counts[None]) == (n / 2, n * 0.3, n * 0.2)


def test_an_organ_with_a_rule_goes_to_its_readers_and_the_rest_by_shares(ten):
    add_rule(ten, "anna", organ_name="spleen")
    add_rule(ten, "ben", share=0.3)
    assert Counter(dealt(ten)[:10]) == {"ben": 3, None: 7}
    assert dealt(ten)[10:] == ["anna", "anna"]
    assert [one.organ for one in free_tasks(ten, "anna")] == ["spleen", "spleen"], "no rule gives her a liver"
    assert {one.organ for one in free_tasks(ten, "carl")} == {"liver"}
    assert len(free_tasks(ten, "carl")) == 7


def test_what_was_dealt_comes_first_then_what_nobody_has_a_rule_for(ten):
    add_rule(ten, "ben", share=0.3)
    own = [place for place, one in enumerate(dealt(ten), start=1) if one == "ben"]
    assert [one.rank for one in free_tasks(ten, "ben")][: len(own)] == own
    assert len(free_tasks(ten, "ben")) == 12
    assert claim_next(ten, "ben").rank == own[0]
    exported = claim(ten, "ben", 2)
    assert {one.rank for one in exported} == set(own[:2])


def test_what_a_reader_has_counts_when_tasks_are_dealt_anew(ten):
    claim(ten, "ben", 6)
    add_rule(ten, "ben", share=0.5)
    add_rule(ten, "anna", share=0.5)
    assert Counter(dealt(ten)) == {None: 6, "anna": 6}, "six of twelve are ben's already"


def test_a_new_queue_is_dealt_anew_and_a_persons_assignment_stays(ten):
    add_rule(ten, "anna", share=1.0)
    ten.store.tasks.reserve([3], "carl")
    ten.store.tasks.replace(1, [task(1, "liver", "j"), task(2, "spleen", "a")])
    deal_tasks(ten)
    kept = {one.case_id + " " + one.organ: one for one in ten.store.tasks.of_round(1)}
    assert set(kept) == {"j liver", "a spleen", "c liver"}, "what was only dealt is no reason to keep a task"
    reserved = {one.key: one.reserved_for for one in ten.store.leases.slots(pool_of(1))}
    assert reserved[str(kept["c liver"].number)] == "carl"
    assert reserved[str(kept["j liver"].number)] == "anna"


def test_without_rules_every_task_is_anyones_again(ten):
    made = add_rule(ten, "anna", share=1.0)
    remove_rule(ten, made.number)
    assert set(dealt(ten)) == {None}


def test_a_task_whose_reader_let_the_time_end_is_passed_on(ten):
    add_rule(ten, "anna", share=1.0)
    claimed = claim_next(ten, "anna", lasting=timedelta(0))
    assert [one.number for one in free_tasks(ten, "ben")] == [claimed.number]
    assert claim_next(ten, "anna").number == claimed.number, "it is still hers while nobody took it"


def test_tasks_of_a_disabled_person_are_passed_on(ten):
    people = ten.store.people
    for name in ("ben", "anna"):
        roles = (Role.ADMIN,) if name == "ben" else (Role.READER,)
        people.add(Person(name=name, roles=roles, time=NOW, sessions_from=NOW), by="owner")
    add_rule(ten, "anna", share=1.0)
    assert free_tasks(ten, "ben") == []
    people.change(
        Person(name="anna", roles=(Role.READER,), is_disabled=True, time=NOW, sessions_from=NOW), by="ben"
    )
    assert len(free_tasks(ten, "ben")) == 12
    deal_tasks(ten)
    assert set(dealt(ten)) == {None}


def test_two_readings_of_a_task_are_dealt_to_two_readers(ten):
    ten.store.tasks.want_readings(1, 2)
    add_rule(ten, "anna", share=0.5)
    add_rule(ten, "ben", share=0.5)
    both = {one.reserved_for for one in ten.store.leases.slots(pool_of(1)) if one.key == "1"}
    assert both == {"anna", "ben"}
    assert claim_task(ten, 1, "ben").number == 1, "the second slot is his though the first is free"


@pytest.mark.parametrize("more", [{"n_readings": 2}, {"kind": TaskKind.AUDIT}, {"kind": TaskKind.HELD_OUT}])
def test_no_reader_gets_an_independent_reading_of_an_organ_that_he_drew(atlas, more):
    from omentum.errors import ClaimedError

    atlas.add("a")
    mask = atlas.box((3, 19), (3, 17), (2, 17))
    atlas.predict("a", {"liver": mask})
    project = atlas.workspace
    mask[3] = False
    hand_in(project, [HandIn(case_id="a", organ="liver", mask=mask, reader="anna")])
    project.store.tasks.replace(1, [task(1, "liver", **more)])
    add_rule(project, "anna", organ_name="liver")
    assert set(dealt(project)) == {None}
    assert (free_tasks(project, "anna"), claim_next(project, "anna"), claim(project, "anna")) == (
        [],
        None,
        [],
    )
    with pytest.raises(ClaimedError, match="anna revised liver in a before"):
        claim_task(project, 1, "anna")
    assert claim_next(project, "ben").number == 1


def test_a_rule_that_cannot_hold_is_refused(ten):
    from omentum.errors import ConfigError

    add_rule(ten, "anna", share=0.7)
    for reader, options, said in (
        ("ben", {}, "give an organ, a share"),
        ("ben", {"share": 0.4}, "leave 0.3"),
        ("anna", {"share": 0.1}, "rule 1 is about tasks of any organ already"),
        ("ben", {"share": 1.5}, "at most 1"),
    ):
        with pytest.raises(ConfigError, match=said):
            add_rule(ten, reader, **options)
