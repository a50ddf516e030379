import json

import numpy as np
import pytest

from omentum.abdomenatlas.postprocess_lungs import odd_slices
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import ORGANS
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

CASES = ["basic", "no_lungs_no_pancreas", "one_lung", "right_and_speck", "left_and_speck", "joined"]
NAMES = [row.name for row in ORGANS[:32]]


@pytest.fixture(scope="module", params=CASES)
def reference(request, shared):
    """Raw masks, the published result and its painted map of one case; whether it is listed as an anomaly."""
    folder = shared / "reference/postprocess"
    expected = json.loads((folder / "expected.json").read_text())[request.param]
    raw, result = np.load(folder / "inputs.npz"), np.load(folder / "outputs.npz")
    shape = expected["shape"]

    def unpacked(packed):
        return np.unpackbits(packed)[: np.prod(shape)].reshape(shape).astype(bool)

    painted = result[f"{request.param}/pseudo_label"]
    listed = bool(expected["anomaly_csv"])
    return unpacked(raw[request.param]), unpacked(result[request.param]), painted, listed


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SAL", "IPR"])
def test_reference_masks_come_out_voxel_for_voxel_however_they_are_stored(reference, clean, orientation):
    raw, expected, painted, listed = reference
    grid = Geometry(painted.shape, np.diag([1.5, 1.5, 1.5, 1.0]))
    stored = {name: Volume(mask, grid).reoriented(orientation) for name, mask in zip(NAMES, raw, strict=True)}
    turned = stored["liver"].geometry
    cleaned, result = clean({n: v.voxels for n, v in stored.items()}, turned, recipe="published")
    for name, theirs in zip(NAMES, expected, strict=True):
        ours = Volume(cleaned[name], turned).reoriented("RAS").voxels
        assert (ours == theirs).all(), name
    parts = result.parts.items()
    label_map = MaskSet.build(turned, NAMES, parts).painted()
    assert (Volume(label_map, turned).reoriented("RAS").voxels == painted).all()
    assert bool(result.notes) == listed


def windowed(values, behind, ahead):
    return [values[max(i - behind, 0) : i + ahead + 1] for i in range(len(values))]


@pytest.mark.parametrize("seed", range(4))
def test_odd_slices_stand_out_from_both_windows(seed):
    rng = np.random.default_rng(seed)
    area = rng.integers(800, 1000, 60)
    area[rng.integers(0, 60, 3)] += 900
    area[[0, 1, 30]] = 0
    there = [place for place in range(60) if area[place] > 0]
    values = [float(area[place]) for place in there]
    odd = set()
    for place, value, wide, near in zip(
        there, values, windowed(values, 10, 9), windowed(values, 3, 3), strict=True
    ):
        mean = sum(wide) / len(wide)
        spread = (sum((other - mean) ** 2 for other in wide) / (len(wide) - 1)) ** 0.5
        if value > mean + 2 * spread and value > sum(near) / len(near) + 200:
            odd.add(place)
    assert odd
    assert set(np.flatnonzero(odd_slices(area)).tolist()) == odd


def test_single_slice_is_not_odd():
    assert not odd_slices(np.array([0, 5000, 0])).any()


def test_lungs_joined_in_one_slice_lose_that_slice(grid, block, clean):
    left, right = block((4, 24), (5, 30), (16, 48)), block((34, 56), (5, 30), (16, 48))
    slab = block((4, 56), (1, 39), (15, 16))
    speck = block((1, 2), (1, 2), (1, 2))
    cleaned, result = clean({"lung_left": left | slab | speck, "lung_right": right}, grid, recipe="published")
    assert (cleaned["lung_left"] == left).all()
    assert (cleaned["lung_right"] == right).all()
    assert result.notes == ("lungs: odd slices were emptied to separate them, 1 in all",)


def test_lungs_that_erosion_uses_up_end_as_they_were_with_a_note(grid, block, clean):
    ball = block((20, 40), (10, 30), (10, 30))
    speck = block((2, 3), (2, 3), (2, 3))
    cleaned, result = clean({"lung_left": ball | speck, "lung_right": ball}, grid, recipe="published")
    assert (cleaned["lung_right"] == ball).all()
    assert (cleaned["lung_left"] == speck).all()
    assert "could not be separated" in result.notes[0]


def test_voxels_as_near_to_one_lung_as_to_the_other_are_lost(grid, block, clean):
    left, right = block((6, 26), (5, 30), (20, 40)), block((33, 53), (5, 30), (20, 40))
    bridge = block((26, 33), (16, 17), (30, 31))
    speck = block((2, 3), (2, 3), (2, 3))
    cleaned, _ = clean({"lung_left": left | bridge | speck, "lung_right": right}, grid, recipe="published")
    lost = (left | right | bridge) & ~cleaned["lung_left"] & ~cleaned["lung_right"]
    assert np.argwhere(lost).tolist() == [[29, 16, 30]]
    assert (cleaned["lung_left"] & left == left).all()


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_the_patient_s_result_is_the_same_in_every_orientation(patient, grid, clean, orientation):
    plain, _ = clean(patient, grid, recipe="published")
    stored = {name: Volume(mask, grid).reoriented(orientation) for name, mask in patient.items()}
    turned = stored["liver"].geometry
    cleaned, _ = clean({n: v.voxels for n, v in stored.items()}, turned, recipe="published")
    for name, mask in cleaned.items():
        assert (Volume(mask, turned).reoriented("RAS").voxels == plain[name]).all(), name
