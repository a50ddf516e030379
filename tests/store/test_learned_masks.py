"""It is known which mask of each organ a network has learned."""

import pytest

from omentum.records import NetworkRecord

LIVER, SPLEEN, OTHER = ("a", "liver"), ("a", "spleen"), ("b", "liver")


@pytest.fixture
def tuned_twice(busy_store):
    for name, parent in (("starter-r1", "starter"), ("starter-r2", "starter-r1"), ("other", None)):
        busy_store.networks.add(NetworkRecord(name=name, folder=None, weights_sha256=name, parent=parent))
    return busy_store


def test_a_network_knows_what_those_before_it_learned_and_its_own_lesson_counts(tuned_twice):
    tuned_twice.learned_masks.keep("starter-r1", {LIVER: "f00", SPLEEN: "f01"})
    tuned_twice.learned_masks.keep("starter-r2", {LIVER: "f02", OTHER: "f03"})
    assert tuned_twice.learned_masks.of_network("starter-r1") == {LIVER: "f00", SPLEEN: "f01"}
    assert tuned_twice.learned_masks.of_network("starter-r2") == {LIVER: "f02", SPLEEN: "f01", OTHER: "f03"}
    assert tuned_twice.learned_masks.of_network("other") == {}
    assert tuned_twice.learned_masks.of_network("starter") == {}, "it came with the program"


def test_what_is_kept_again_of_a_network_takes_the_place_of_what_was_kept(tuned_twice):
    tuned_twice.learned_masks.keep("other", {LIVER: "f00", SPLEEN: "f01"})
    tuned_twice.learned_masks.keep("other", {LIVER: "f02"})
    assert tuned_twice.learned_masks.of_network("other") == {LIVER: "f02"}
    tuned_twice.learned_masks.keep("other", {})
    assert tuned_twice.learned_masks.of_network("other") == {}
