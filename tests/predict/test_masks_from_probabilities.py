"""Masks by hand: whole volumes, cleaned with scipy, interpolated without boxes, then compared with a half."""

import numpy as np
import pytest
from scipy import ndimage

from omentum.predict.inference_config import InferenceConfig
from omentum.predict.masks_from_probabilities import decide_masks
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.resample import resampled
from omentum.volumes.volume import Volume

CUBE = np.ones((3, 3, 3))
SMALL = Geometry((30, 26, 22), np.diag([4.0, 4.0, 4.0, 1.0]))


def maps_of(grid=SMALL, **organs):
    """Keep whole volumes; a box is only a saving. An organ may be known and nowhere."""
    parts = {name: BoxedArray.whole(values) for name, values in organs.items() if values is not None}
    return ProbabilityMaps(grid, tuple(organs), parts)


def ct_of(spacing_mm, offset_mm=0.0, grid=SMALL):
    """The same field of view at another spacing, or a bit beside it."""
    affine = np.diag([*spacing_mm, 1.0])
    affine[:3, 3] = np.array(spacing_mm) / 2 - 2 + offset_mm
    return Geometry(
        tuple(int(side * 4 // step) for side, step in zip(grid.shape, spacing_mm, strict=True)), affine
    )


def largest(mask, k=1):
    labels, n_pieces = ndimage.label(mask, CUBE)
    sizes = ndimage.sum_labels(mask, labels, np.arange(1, n_pieces + 1))
    return np.isin(labels, 1 + np.argsort(-sizes, kind="stable")[:k]) & mask


def filled(mask, most_voxels):
    labels, n_holes = ndimage.label(~mask)
    outer = {*labels[[0, -1]].flat, *labels[:, [0, -1]].flat, *labels[..., [0, -1]].flat}
    sizes = np.bincount(labels.ravel())
    holes = [n for n in range(1, n_holes + 1) if n not in outer and sizes[n] <= most_voxels]
    return mask | np.isin(labels, holes)


def cleaned(values, name="liver"):
    """Give what an organ of one piece is decided from: 0 where it was taken, sure where it was filled."""
    likely = values > 127
    kept = filled(largest(likely), organ(name).max_hole_ml / 0.064)
    return np.where(likely & ~kept, 0, np.where(kept & ~likely, 255, values)).astype(np.uint8)


def over_a_half(values, ct, grid=SMALL):
    return resampled(values, grid, ct) > 127.5


def put(values, box, value=255):
    values[tuple(slice(*side) for side in box)] = value
    return values


def empty(grid=SMALL):
    return np.zeros(grid.shape, dtype=np.uint8)


@pytest.mark.parametrize("spacing_mm", [(4.0, 4.0, 4.0), (1.5, 1.5, 5.0), (3.0, 4.0, 13.0), (9.0, 7.0, 10.0)])
@pytest.mark.parametrize("seed", range(4))
def test_masks_are_where_the_interpolated_probability_is_over_a_half(spacing_mm, seed):
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(SMALL.shape), rng.uniform(1.0, 2.5))
    values = np.clip((smooth - smooth.mean()) / smooth.std() * 90 + 100, 0, 255).astype(np.uint8)
    values[:7], values[24:], values[:, :5] = 0, 0, 0
    maps, ct = maps_of(liver=values), ct_of(spacing_mm)
    by_hand = over_a_half(cleaned(values), ct)
    assert np.array_equal(decide_masks(maps, ct, InferenceConfig()).masks.mask("liver"), largest(by_hand))
    box, probability = maps.on_grid("liver", ct)
    assert np.array_equal(probability > 0.5, over_a_half(values, ct)[box])


def test_without_any_rule_masks_are_the_interpolated_probability_alone():
    rng = np.random.default_rng(5)
    values = (ndimage.gaussian_filter(rng.random(SMALL.shape), 1) * 255).astype(np.uint8)
    every_rule = ("specks", "sides", "lungs", "largest", "hosts", "count", "veins", "holes")
    ct = ct_of((3.0, 2.5, 5.0))
    by_hand = over_a_half(values, ct)
    assert ndimage.label(by_hand, CUBE)[1] > 5
    made = decide_masks(maps_of(liver=values), ct, InferenceConfig(without=every_rule))
    assert np.array_equal(made.masks.mask("liver"), by_hand)
    assert made.removed_ml == {}


@pytest.mark.parametrize("step_mm", [4.0, 7.0, 13.0])
@pytest.mark.parametrize("width", range(7))
def test_an_organ_is_not_thickened_by_what_lies_around_it_where_the_ct_is_coarse(step_mm, width):
    small = Geometry((40, 40, 40), np.diag([4.0, 4.0, 4.0, 1.0]))
    values = np.zeros(small.shape, dtype=np.uint8)
    values[tuple([slice(18 - width, 22 + width)] * 3)] = 126
    values[18:22, 18:22, 19:21] = 255
    for offset_mm in np.linspace(-2, 2, 5) * step_mm / 4:
        affine = np.diag([step_mm, step_mm, step_mm, 1.0])
        affine[:3, 3] = step_mm / 2 - 2 + offset_mm
        ct = Geometry(tuple([int(160 // step_mm)] * 3), affine)
        mask = decide_masks(maps_of(small, liver=values), ct, InferenceConfig()).masks.mask("liver")
        assert np.array_equal(mask, largest(over_a_half(values, ct, small)))


@pytest.mark.parametrize("spacing_mm", [(4.0, 4.0, 4.0), (1.7, 1.7, 2.5), (5.0, 6.0, 9.0)])
def test_what_a_rule_took_away_does_not_come_back_by_interpolation(spacing_mm):
    """A second liver, with a rim that is just not likely, lies one voxel from the first."""
    values = put(
        put(put(empty(), [(3, 14), (3, 16), (3, 16)]), [(14, 21), (4, 11), (5, 12)], 127),
        [(15, 20), (5, 10), (6, 11)],
    )
    first = put(empty(), [(3, 14), (3, 16), (3, 16)])
    rim = put(put(empty(), [(14, 21), (4, 11), (5, 12)], 127), [(15, 20), (5, 10), (6, 11)], 0)
    ct = ct_of(spacing_mm, offset_mm=0.7)
    made = decide_masks(maps_of(liver=values), ct, InferenceConfig())
    assert np.array_equal(made.masks.mask("liver"), over_a_half(np.maximum(first, rim), ct))
    both = decide_masks(maps_of(liver=values), ct, InferenceConfig(without=("largest",)))
    assert np.array_equal(both.masks.mask("liver"), over_a_half(values, ct))
    assert both.masks.mask("liver").sum() > made.masks.mask("liver").sum()
    assert made.removed_ml == {"liver": {"largest": pytest.approx(125 * 0.064)}}


@pytest.mark.parametrize("inside", [0, 60, 127])
@pytest.mark.parametrize("spacing_mm", [(4.0, 4.0, 4.0), (1.5, 1.5, 5.0)])
def test_a_hole_that_was_filled_is_filled_on_the_cts_grid(spacing_mm, inside):
    solid = put(empty(), [(4, 18), (4, 18), (4, 16)])
    hollow = put(solid.copy(), [(8, 11), (8, 11), (8, 11)], inside)
    ct = ct_of(spacing_mm)
    made = decide_masks(maps_of(liver=hollow), ct, InferenceConfig())
    assert np.array_equal(made.masks.mask("liver"), over_a_half(solid, ct))
    assert made.removed_ml == {"liver": {"holes": pytest.approx(-27 * 0.064)}}
    left = decide_masks(maps_of(liver=hollow), ct, InferenceConfig(without=("holes",)))
    assert np.array_equal(left.masks.mask("liver"), over_a_half(hollow, ct))
    assert not np.array_equal(left.masks.mask("liver"), made.masks.mask("liver"))


@pytest.mark.parametrize("spacing_mm", [(4.0, 4.0, 4.0), (1.5, 1.5, 5.0), (4.5, 4.5, 6.0)])
def test_an_organ_whose_poles_a_lesion_divides_keeps_both_on_the_cts_grid(spacing_mm):
    poles = put(put(empty(), [(5, 12), (5, 12), (2, 9)]), [(5, 12), (5, 12), (13, 19)])
    lesion = put(empty(), [(5, 12), (5, 12), (9, 13)])
    ct = ct_of(spacing_mm)
    maps = maps_of(kidney_left=poles, kidney_tumor=lesion)
    masks = decide_masks(maps, ct, InferenceConfig()).masks
    assert np.array_equal(masks.mask("kidney_left"), over_a_half(poles, ct))
    assert np.array_equal(masks.mask("kidney_tumor"), over_a_half(lesion, ct))
    assert ndimage.label(masks.mask("kidney_left"), CUBE)[1] == 2
    alone = decide_masks(maps_of(kidney_left=poles), ct, InferenceConfig()).masks
    assert np.array_equal(alone.mask("kidney_left"), largest(over_a_half(poles, ct)))


def test_what_interpolation_cuts_off_goes_unless_pieces_may_stay():
    """Two livers are joined by one thin bridge, of which half a voxel beside the grid nothing is left."""
    values = put(put(empty(), [(3, 12), (5, 15), (5, 15)]), [(15, 20), (7, 12), (7, 12)])
    values[12:15, 9, 9] = 130
    assert ndimage.label(values > 127, CUBE)[1] == 1
    ct = ct_of((4.0, 4.0, 4.0), offset_mm=2.0)
    by_hand = over_a_half(values, ct)
    assert ndimage.label(by_hand, CUBE)[1] == 2
    made = decide_masks(maps_of(liver=values), ct, InferenceConfig())
    assert np.array_equal(made.masks.mask("liver"), largest(by_hand))
    assert made.removed_ml == {}, "nothing was taken on the grid of the probabilities"
    left = decide_masks(maps_of(liver=values), ct, InferenceConfig(without=("largest",)))
    assert np.array_equal(left.masks.mask("liver"), by_hand)
    vessels = decide_masks(maps_of(hepatic_vessel=values), ct, InferenceConfig())
    assert np.array_equal(vessels.masks.mask("hepatic_vessel"), by_hand), "of which any number is right"


def test_lesions_may_have_several_pieces_on_the_cts_grid():
    liver = put(empty(), [(2, 28), (2, 24), (2, 20)])
    tumours = empty()
    for x in (4, 10, 16, 22):
        put(tumours, [(x, x + 3), (5, 8), (5, 8)])
    ct = ct_of((2.0, 2.0, 3.0))
    masks = decide_masks(maps_of(liver=liver, liver_tumor=tumours), ct, InferenceConfig()).masks
    assert np.array_equal(masks.mask("liver_tumor"), over_a_half(tumours, ct))
    assert ndimage.label(masks.mask("liver_tumor"), CUBE)[1] == 4


def test_a_far_speck_goes_and_organs_that_are_nowhere_are_known_and_empty():
    clean = put(empty(), [(3, 9), (3, 9), (3, 9)])
    values = clean.copy()
    values[28, 24, 20] = 255
    unlikely = put(empty(), [(3, 9), (3, 9), (3, 9)], 127)
    ct = ct_of((2.0, 2.0, 2.0))
    made = decide_masks(maps_of(liver=values, pancreas=None, spleen=unlikely), ct, InferenceConfig())
    assert made.masks.organs == ("spleen", "liver", "pancreas")
    assert np.array_equal(made.masks.mask("liver"), over_a_half(clean, ct))
    assert not made.masks.mask("spleen").any()
    assert not made.masks.mask("pancreas").any()
    assert made.removed_ml == {"liver": {"specks": pytest.approx(0.064)}}


def test_notes_of_the_rules_are_passed_on():
    tumour = put(empty(), [(3, 9), (3, 9), (3, 9)])
    (note,) = decide_masks(maps_of(liver_tumor=tumour), SMALL, InferenceConfig()).notes
    assert note.startswith("liver_tumor: no liver was found")
    assert decide_masks(maps_of(liver_tumor=tumour), SMALL, InferenceConfig(without=("hosts",))).notes == ()


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[::5])
def test_a_turned_case_gives_the_turned_masks(orientation):
    rng = np.random.default_rng(11)
    values = (ndimage.gaussian_filter(rng.random(SMALL.shape), 2) * 255).astype(np.uint8)
    ct = ct_of((2.5, 3.0, 5.0))
    mask = decide_masks(maps_of(liver=values), ct, InferenceConfig()).masks.mask("liver")
    assert mask.any()
    turned = Volume(values, SMALL).reoriented(orientation)
    small, there = turned.geometry, ct.reoriented(orientation)
    made = decide_masks(
        maps_of(small, liver=np.ascontiguousarray(turned.voxels)), there, InferenceConfig()
    ).masks.mask("liver")
    assert np.array_equal(made, Volume(mask, ct).reoriented(orientation).voxels)
