"""Whatever readers and deciders do in whatever order, the mask that stands is the one that must.

A state machine drives the review service; beside it a small model of its own says what must stand.
"""

import pytest
from hypothesis import settings

from fixtures.review_machine import ORGANS, Reviewing

TestReviewing = Reviewing.TestCase
TestReviewing.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)


@pytest.fixture(autouse=True, scope="module")
def _made(reviewed):
    Reviewing.made = reviewed


@pytest.fixture(params=[1, 2], ids=["one reading", "two readings"])
def machine(request):
    """The machine, to be driven by hand: anna and then ben have seen the liver."""
    made = Reviewing()
    made.begin(request.param)
    yield made
    made.teardown()


def test_an_acceptance_and_a_change_disagree_only_where_two_independent_readings_were_wanted(machine):
    machine.accept(1)
    if len(machine.seen) > len(ORGANS):
        machine.hand_in(3, "two")
        assert machine.model["liver"].undecided
    else:
        machine.hand_in_unasked("ben", "liver", "two")
        assert not machine.model["liver"].undecided
    machine.what_stands_must()


def test_a_mask_that_is_held_back_stands_once_it_is_confirmed_and_is_then_learned(machine):
    machine.hand_in(1, "wrong")
    assert machine.model["liver"].is_held()
    machine.what_stands_must()
    machine.confirm("liver")
    machine.what_stands_must()
    machine.tune_and_begin_a_round("wrong")
    machine.what_stands_must()


def test_a_decision_that_is_taken_again_answers_what_came_in_since(machine):
    machine.adjudicate_by_hand_in("carl", "liver", "nothing")
    machine.adjudicate("liver", 0)
    machine.hand_in_unasked("anna", "liver", "three")
    assert machine.model["liver"].undecided
    machine.what_stands_must()
    machine.adjudicate("liver", 0)
    machine.what_stands_must()


def test_the_model_itself_knows_a_conflict(reviewed):
    model = reviewed.models()["liver"]
    first = model.word(1, "f1", "shown", "anna", 1)
    model.words.append(first)
    late = model.word(2, "f2", "shown", "ben", 1)
    assert model.contradicts(late, is_blinded=False)
    assert not model.contradicts(model.word(2, "f2", "f1", "ben", 1), is_blinded=False)
