"""Left stays left: every way in which a mask moves between grids, over all 48 orientations, by organ name."""

import numpy as np
import pytest

from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.mask_files import read_masks, write_masks, write_organ_files, write_painted
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti
from omentum.volumes.probabilities import ProbabilityMaps, read_probabilities, write_probabilities
from omentum.volumes.resample import resampled, resampled_anyhow, upsampled_mask
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume

every_orientation = pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)


@pytest.fixture
def stored(patient, orientation):
    """The patient as stored by a scanner with that orientation."""
    turned = Volume(patient.codes, patient.geometry).reoriented(orientation)
    return MaskSet(turned.voxels, patient.sets, patient.organs, turned.geometry)


@pytest.fixture
def check(patient, centroid_mm):
    """Compare an organ on any grid with where the patient has it, in mm; and say left and right aloud."""

    def compare(name, mask, geometry, within_mm=1e-6):
        found = centroid_mm(mask, geometry)
        np.testing.assert_allclose(found, centroid_mm(patient.mask(name), patient.geometry), atol=within_mm)
        if name.endswith("_left"):
            assert found[0] < -5
        if name.endswith("_right") or name == "liver":
            assert found[0] > 5

    return compare


@every_orientation
def test_turning_the_axes(stored, check):
    for target in ("RAS", "LPS", "SAL"):
        for name in stored.organs:
            turned = Volume(stored.mask(name), stored.geometry).reoriented(target)
            check(name, turned.voxels, turned.geometry)


@every_orientation
def test_files_of_every_kind(tmp_path, stored, check):
    write_masks(tmp_path / "masks.nii.gz", stored)
    write_painted(tmp_path / "labels.nii.gz", stored)
    write_organ_files(tmp_path, stored)
    coded, painted = read_masks(tmp_path / "masks.nii.gz"), read_nifti(tmp_path / "labels.nii.gz")
    from_paint = MaskSet.from_labels(painted.voxels, painted.geometry, stored.organs)
    for name in stored.organs:
        alone = read_mask(tmp_path / f"{name}.nii.gz", stored.geometry)
        check(name, coded.mask(name), coded.geometry, within_mm=1e-4)
        check(name, from_paint.mask(name), from_paint.geometry, within_mm=1e-4)
        check(name, alone.voxels == 1, alone.geometry)


@every_orientation
def test_another_spacing(stored, check):
    for spacing_mm in ((1.0, 1.3, 1.1), (3.0, 2.0, 2.5)):
        grid = stored.geometry.spaced(spacing_mm)
        for name in stored.organs:
            mask = upsampled_mask(stored.mask(name), stored.geometry, grid, 0.45)
            check(name, mask, grid, within_mm=1.5)
            check(name, resampled(mask, grid, stored.geometry) > 0.45, stored.geometry, within_mm=1.5)


@every_orientation
def test_a_tilted_grid(ras_grid, stored, check):
    cosine, sine = np.cos(0.3), np.sin(0.3)
    tilted = ras_grid.affine.copy()
    tilted[:3] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ ras_grid.affine[:3]
    grid = Geometry(ras_grid.shape, tilted).reoriented("PLI")
    for name in stored.organs:
        values = stored.mask(name).astype(np.float32)
        check(name, resampled_anyhow(values, stored.geometry, grid, outside=0) > 0.5, grid, within_mm=1.0)


@every_orientation
def test_probabilities_in_boxes(tmp_path, stored, check):
    network = stored.geometry.spaced((1.5, 1.5, 1.5))
    parts = {}
    for name in stored.organs:
        values = np.rint(255 * resampled(stored.mask(name), stored.geometry, network)).astype(np.uint8)
        ends = np.argwhere(values)
        x, y, z = (slice(int(a), int(b) + 1) for a, b in zip(ends.min(axis=0), ends.max(axis=0), strict=True))
        parts[name] = BoxedArray((x, y, z), values[x, y, z])
    write_probabilities(tmp_path / "p.zarr.zip", ProbabilityMaps(network, stored.organs, parts))
    maps = read_probabilities(tmp_path / "p.zarr.zip")
    decided = []
    for name in stored.organs:
        box, probability = maps.on_grid(name, stored.geometry)
        decided.append((name, BoxedArray(box, probability > 0.5)))
    masks = MaskSet.build(stored.geometry, stored.organs, decided)
    for name in stored.organs:
        check(name, masks.mask(name), stored.geometry, within_mm=1.5)


@every_orientation
def test_a_network_that_works_in_its_own_orientation(stored, check):
    canonical = Volume(stored.codes, stored.geometry).reoriented("RAS")
    masks = MaskSet(canonical.voxels, stored.sets, stored.organs, canonical.geometry)
    again = MaskSet.build(
        canonical.geometry, masks.organs, [(name, masks.mask(name)) for name in masks.organs]
    )
    back = Volume(again.codes, again.geometry).reoriented(stored.geometry.orientation)
    assert back.geometry.same_grid(stored.geometry)
    there = MaskSet(back.voxels, again.sets, again.organs, stored.geometry)
    for name in stored.organs:
        np.testing.assert_array_equal(there.mask(name), stored.mask(name))
        check(name, there.mask(name), stored.geometry)
