from dataclasses import replace

import numpy as np
import pytest

from omentum.measures.plausibility.atlas import place_of
from omentum.measures.plausibility.rules import findings
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet


def held(found):
    return {(one.rule, one.organ) for one in found if one.holds}


def block(name, side, *, start=5):
    """Make masks of one organ: a cube of so many 5 mm voxels in a view of 60 of them."""
    labels = np.zeros((60, 60, 60), dtype=np.uint8)
    labels[start : start + side, start : start + side, start : start + side] = organ(name).index
    return MaskSet.from_labels(labels, Geometry(labels.shape, np.diag([5.0, 5.0, 5.0, 1.0])), [name])


def rules_of(masks):
    return {one.rule: one for one in findings(masks, without=["cut_plane"])}


def test_swapped_sides_hold_both_masks_back(wrong, asked):
    made = wrong("sides swapped")
    kinds = {"kidney_left", "kidney_right"}
    assert held(asked(made)) == {("swapped_sides", name) for name in kinds & set(made.wrong)} != set()


def test_an_organ_on_the_other_side_is_held_back(wrong, asked):
    made = next(
        made
        for made in (wrong("on the other side", seed) for seed in range(10))
        if "stomach" not in made.wrong
    )
    assert {name for rule, name in held(asked(made)) if rule == "wrong_side"} == set(made.wrong)


def test_a_small_piece_on_the_other_side_is_named_and_not_held_back(truth, asked):
    labels = truth.labels.copy()
    at = np.argwhere(labels == organ("liver").index)
    x, y, z = at.mean(axis=0).astype(int)
    labels[x - 3 : x + 4, y - 3 : y + 4, z - 3 : z + 4] = organ("spleen").index
    (one,) = [one for one in asked(replace(truth, labels=labels)) if one.rule == "wrong_side"]
    assert (one.organ, one.holds) == ("spleen", False)


def test_a_stomach_on_the_other_side_is_never_held_back(truth, asked):
    labels, stomach = truth.labels.copy(), organ("stomach").index
    labels[labels == stomach] = 0
    labels[np.flip(truth.labels, axis=0) == stomach] = stomach
    found = [one for one in asked(replace(truth, labels=labels)) if one.rule == "wrong_side"]
    assert [(one.organ, one.holds) for one in found] == [("stomach", False)]


@pytest.mark.parametrize(
    ("side", "rule"), [(10, "extreme_volume"), (12, "volume"), (50, "extreme_volume"), (36, "volume")]
)
def test_a_tenth_and_ten_times_the_usual_volume_hold_a_mask_back(side, rule):
    found = rules_of(block("liver", side))
    assert set(found) == {rule}
    assert found[rule].holds == (rule == "extreme_volume")
    assert found[rule].where.any()


@pytest.mark.parametrize("name", ["gall_bladder", "stomach"])
def test_gall_bladder_and_stomach_may_be_tiny_and_not_huge(name):
    usual = place_of(name).volume_ml
    side = int(np.ceil((10.01 * usual / 0.125) ** (1 / 3)))
    assert "extreme_volume" in rules_of(block(name, side))
    assert "extreme_volume" not in rules_of(block(name, 1))


def test_an_organ_that_the_view_cuts_may_be_small_but_not_ten_times_too_large():
    assert "extreme_volume" not in rules_of(block("liver", 8, start=0))
    assert "extreme_volume" in rules_of(block("spleen", 54, start=0))


def test_organs_without_a_usual_volume_have_no_extreme_one():
    assert "extreme_volume" not in rules_of(block("celiac_trunk", 30))


def test_an_empty_mask_is_absent_and_not_extreme(truth, asked):
    labels = np.where(truth.labels == organ("liver").index, 0, truth.labels)
    assert {one.rule for one in asked(replace(truth, labels=labels))} == {"missing"}
