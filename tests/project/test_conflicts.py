"""Which revisions contradict what their readers had not seen."""

from dataclasses import replace

import pytest

from fixtures.revisions import decision, word
from omentum.project.conflicts import conflict_of
from omentum.records import ReaderAnswer


@pytest.mark.parametrize(
    ("before", "new", "conflict"),
    [
        ([], word(9, "f9", "ben"), None),
        ([word(1, "f1")], word(9, "f9", "ben", base="f1"), None),
        ([word(1, "f1")], word(9, "f9", "ben", base="shown"), 1),
        ([word(1, "f1")], word(9, "f9", "ben", base=None), 1),
        ([word(1, "f1")], word(9, "f9", "ben", base="older network"), 1),
        ([word(1, "f1")], word(9, "shown", "ben", base="shown"), 1),
        ([word(1, "f1")], word(9, "f1", "ben", base="shown"), None),
        ([word(1, "f1")], word(9, "f9", "anna", base="shown"), None),
        ([word(1, "shown")], word(9, "f9", "ben", base="shown"), None),
        ([word(1, "f1"), word(2, "f1", "carl", base="f1")], word(9, "f9", "ben", base="f1"), None),
        ([word(1, "f1"), word(2, "f2", "ben", base="f1")], word(9, "f9", "ben", base="f1"), None),
        ([word(1, "f1"), word(2, "f2", "ben", base="f1")], word(9, "f9", "ben", base="shown"), 1),
        ([word(1, "f1"), word(2, "f2", "ben", conflicts_with=1)], word(9, "f9", "carl", base="f1"), None),
        ([word(1, "f1"), word(2, "f2", "ben", base="f1")], word(9, "f1", "ben", base="shown"), None),
    ],
    ids=[
        "the first word",
        "on what stands",
        "on what was shown before another bettered it",
        "on a base that nobody kept",
        "on what an earlier network made",
        "it accepts what another bettered",
        "the same mask",
        "their own earlier word",
        "another only accepted",
        "another accepted what it is based on",
        "only their own word came after its base",
        "another's word and their own came after its base",
        "a conflict in between is no word",
        "they take back their own word for another's",
    ],
)
def test_a_hand_in_contradicts_what_another_bettered_and_its_reader_had_not_seen(before, new, conflict):
    found = conflict_of(new, before, [])
    assert (found and found.number) == conflict


def test_independent_readings_contradict_each_other_wherever_they_differ():
    first = word(1, "f1")
    other_task = word(2, "f2", "ben", base="f1", task_number=2)
    new = word(9, "f9", "carl")
    assert conflict_of(new, [first], [], is_blinded=True) == first
    assert conflict_of(new, [word(1, "shown")], [], is_blinded=True).number == 1, "it only accepted"
    assert conflict_of(replace(new, sha256="f1"), [first], [], is_blinded=True) is None
    of_another_task = [replace(first, task_number=2), other_task]
    assert conflict_of(new, of_another_task, [], is_blinded=True) == other_task, "it is bettered all the same"
    agrees = word(3, "f3", "dora", base="f1", task_number=2)
    assert conflict_of(replace(new, sha256="f1"), [first, agrees], [], is_blinded=True) == agrees


def test_what_was_accepted_before_bases_were_kept_bettered_nothing():
    older = word(1, "f1", base=None, says=ReaderAnswer.ACCEPTED)
    assert conflict_of(word(9, "f9", "ben", base=None), [older], []) is None


def test_what_a_person_decided_is_contradicted_by_any_other_mask():
    first, second = word(1, "f1"), word(2, "f2", base="f1")
    decided = [decision(1)]
    assert conflict_of(word(9, "f9", base="f1"), [first, second], decided) == first
    assert conflict_of(word(9, "f1", "ben", base="f2"), [first, second], decided) is None
