from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.measures.plausibility.atlas import place_of
from omentum.measures.plausibility.rules import RULES, findings
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.seeded_errors import ERRORS
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

NAMED_BY = {
    "sides swapped": "swapped_sides",
    "on the other side": "wrong_side",
    "both on one side": "wrong_side",
    "dropped": "missing",
    "vessel dropped": "missing",
    "moved along the body": "wrong_place",
    "far ball added": "far_piece",
    "shrunk to a seventh": "volume",
    "split in two": "pieces",
    "specks strewn": "pieces",
    "air or fat inside": "density",
    "cut by a plane": "cut_plane",
    "whole CT turned": "orientation",
}


def told(found):
    return sorted((one.rule, str(one), int(one.where.sum())) for one in found)


def test_right_masks_are_not_named(truth, asked):
    assert told(asked(truth)) == []


@pytest.mark.parametrize(("error", "rule"), NAMED_BY.items())
def test_a_seeded_error_is_named_by_its_rule(error, rule, wrong, asked):
    made = wrong(error)
    found = [one for one in asked(made) if one.rule == rule]
    assert {one.organ for one in found} & set(made.wrong), told(asked(made))


def test_every_rule_has_a_seeded_error():
    elsewhere = {"holes", "extreme_volume"}  # a hole of known size is punched below; test_holding.py
    assert set(RULES) == set(NAMED_BY.values()) | elsewhere
    assert set(NAMED_BY) <= set(ERRORS)


def test_a_hole_is_named_and_marked(truth, asked):
    labels = truth.labels.copy()
    liver = np.argwhere(labels == organ("liver").index)
    x, y, z = _deepest(labels == organ("liver").index, liver)
    hole = np.zeros(labels.shape, dtype=bool)
    hole[x - 3 : x + 4, y - 3 : y + 4, z - 3 : z + 4] = True
    labels[hole] = 0
    (found,) = [one for one in asked(replace(truth, labels=labels)) if one.rule == "holes"]
    assert found.organ == "liver"
    assert (found.where == hole[found.box]).all()
    assert found.where.sum() == hole.sum()


def test_what_another_organ_fills_is_no_hole(truth, asked):
    labels = truth.labels.copy()
    x, y, z = _deepest(labels == organ("liver").index, np.argwhere(labels == organ("liver").index))
    labels[x - 3 : x + 4, y - 3 : y + 4, z - 3 : z + 4] = organ("pancreas").index
    assert not [one for one in asked(replace(truth, labels=labels)) if one.rule == "holes"]


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
@pytest.mark.parametrize("error", ["sides swapped", "cut by a plane"])
def test_the_order_of_the_array_changes_nothing(error, orientation, wrong, asked):
    made = wrong(error)
    options = {"without": ["density"]}
    assert told(asked(made, orientation, **options)) == told(asked(made, **options))


@pytest.mark.parametrize(("spleen_side", "is_mirrored"), [(26, True), (12, False)])
def test_a_mirrored_liver_that_a_network_calls_spleen_is_a_mirrored_ct(spleen_side, is_mirrored):
    labels = np.zeros((100, 80, 80), dtype=np.uint8)  # x to the right, 4 mm, the midline at 50

    def block(name, x, y, z, side):
        labels[x : x + side, y : y + side, z : z + side] = organ(name).index

    block("kidney_right", 66, 20, 20, 12)
    block("kidney_left", 22, 20, 20, 12)
    block("spleen", 18, 25, 40, spleen_side)
    block("liver", 48, 45, 40, 15)
    masks = MaskSet.from_labels(labels, Geometry(labels.shape, np.diag([4.0, 4.0, 4.0, 1.0])), LABELLED)
    told = [one.said for one in findings(masks) if one.rule == "orientation"]
    assert (
        told
        == ["the whole CT seems to be mirrored left to right: liver and spleen lie on the left"] * is_mirrored
    )


def test_a_turned_ct_silences_the_rules_of_places(wrong, asked):
    rules = {one.rule for one in asked(wrong("whole CT turned"))}
    assert not rules & {"swapped_sides", "wrong_side", "wrong_place", "far_piece", "missing"}


def test_findings_lie_in_the_grid_and_have_voxels_and_a_severity(wrong, asked, truth):
    for error in ERRORS:
        for one in asked(wrong(error)):
            assert one.where.any()
            assert one.where.shape == truth.labels[one.box].shape
            assert 0 < one.severity <= 1
            assert 0 < one.share <= 1
            assert one.rule in RULES


def test_a_missing_organ_takes_no_more_of_its_place_than_its_volume(truth, asked):
    labels = truth.labels.copy()
    labels[labels == organ("gall_bladder").index] = 0
    (one,) = [one for one in asked(replace(truth, labels=labels)) if one.rule == "missing"]
    around_ml = one.where.sum() * truth.geometry.voxel_ml
    assert one.share * around_ml == pytest.approx(place_of("gall_bladder").volume_ml)
    assert one.share < 0.6


def test_rules_can_be_left_out(wrong, asked):
    assert asked(wrong("sides swapped"), without=RULES) == []


def test_an_unknown_rule_is_refused(truth, asked):
    with pytest.raises(ConfigError, match="guesswork"):
        asked(truth, without=["guesswork"])


def test_without_a_ct_density_is_silent(wrong):
    made = wrong("air or fat inside")
    masks = MaskSet.from_labels(made.labels, made.geometry, SUBSETS["abdomenatlas-1.0"])
    assert not [one for one in findings(masks) if one.rule == "density"]


def test_unknown_organs_are_not_missing(truth):
    masks = MaskSet.from_labels(truth.labels, truth.geometry, ["liver", "spleen", "kidney_left", "stomach"])
    assert findings(masks, truth.hu) == []


def test_only_one_organ_is_quiet(truth):
    assert findings(MaskSet.from_labels(truth.labels, truth.geometry, ["liver"]), truth.hu) == []


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 4), (8, 8, 8), (40, 40, 1)])
@pytest.mark.filterwarnings("error")
def test_empty_and_tiny_masks_do_not_stop_the_rules(shape):
    geometry, names = Geometry(shape, np.diag([3.0, 3.0, 3.0, 1.0])), SUBSETS["abdomenatlas-1.0"]
    hu = np.zeros(shape, dtype=np.float32)
    empty = np.zeros(shape, dtype=np.uint8)
    assert findings(MaskSet.from_labels(empty, geometry, names), hu) == []
    rng = np.random.default_rng(0)
    indices = [0, *(organ(name).index for name in names)]
    noise = rng.choice(indices, size=shape).astype(np.uint8)
    for one in findings(MaskSet.from_labels(noise, geometry, names), hu):
        assert np.isfinite(one.severity)


def test_one_slice_organs_and_broken_voxels_do_not_stop_the_rules(truth):
    labels = np.zeros_like(truth.labels)
    middle = truth.labels.shape[2] // 2
    labels[:, :, middle] = truth.labels[:, :, middle]
    hu = np.full(labels.shape, np.nan, dtype=np.float32)
    for one in findings(MaskSet.from_labels(labels, truth.geometry, SUBSETS["abdomenatlas-1.0"]), hu):
        assert np.isfinite(one.severity)


def _deepest(mask, inside):
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(mask)
    assert depth.max() > 8, inside.shape
    return np.unravel_index(depth.argmax(), depth.shape)


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "SAR"])
def test_a_cut_names_the_side_on_which_it_lies(truth, asked, orientation):
    labels = truth.labels.copy()
    upright = Volume(labels, truth.geometry).reoriented("RAS")
    liver = upright.voxels == organ("liver").index
    middle = int(np.median(np.nonzero(liver)[2]))
    liver[:, :, :middle] = False
    cut = Volume(np.where(liver, 0, upright.voxels), upright.geometry).reoriented(truth.geometry.orientation)
    found = asked(replace(truth, labels=cut.voxels), orientation)
    said = [str(one) for one in found if one.rule == "cut_plane"]
    assert len(said) == 1
    assert said[0].endswith("on its upper side")
