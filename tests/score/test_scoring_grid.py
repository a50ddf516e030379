import numpy as np
import pytest

from omentum.measures.canonical_grid import CANONICAL_MM, canonical, masks_on
from omentum.score.scoring_grid import thumbnail, voxel_owners
from omentum.volumes.boxes import whole
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet


def middle_mm(grid):
    return grid.to_mm((np.array(grid.shape) - 1) / 2)


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_canonical_voxels_are_cubes_about_the_same_middle_in_every_orientation(scan, orientation):
    turned = scan.geometry.reoriented(orientation)
    grid = canonical(turned)
    assert grid.spacing_mm == pytest.approx((CANONICAL_MM,) * 3)
    assert grid.orientation == orientation
    np.testing.assert_allclose(middle_mm(grid), middle_mm(scan.geometry), atol=1e-9)
    back = grid.reoriented(scan.geometry.orientation)
    assert back.same_grid(canonical(scan.geometry))


def test_canonical_grid_covers_the_view_to_half_a_voxel(scan):
    grid = canonical(scan.geometry)
    sides_mm = np.array(scan.geometry.shape) * scan.geometry.spacing_mm
    assert np.abs(np.array(grid.shape) * CANONICAL_MM - sides_mm).max() <= CANONICAL_MM / 2


def test_a_view_thinner_than_a_canonical_voxel_keeps_one(scan):
    assert canonical(Geometry((40, 40, 1), np.eye(4))).shape == (16, 16, 1)


def test_masks_on_their_own_canonical_grid_stay_as_they_are():
    grid = Geometry((6, 6, 6), np.diag([CANONICAL_MM] * 3 + [1.0]))
    mask = np.random.default_rng(0).random(grid.shape) > 0.5
    masks = MaskSet.build(grid, ["liver"], [("liver", mask)])
    np.testing.assert_array_equal(masks_on(masks, canonical(grid)).mask("liver"), mask)


def test_volumes_stay_as_they_are_on_the_canonical_grid(scan):
    volumes_ml = scan.gridded().masks.volumes_ml()
    for name, mask in scan.masks.items():
        assert volumes_ml[name] == pytest.approx(mask.sum() * scan.geometry.voxel_ml, rel=0.03)


def test_an_empty_organ_has_no_box_and_one_that_is_there_has(scan):
    boxes = scan.gridded().boxes
    assert boxes["kidney_right"] is None
    assert boxes["liver"] is not None


def test_alone_keeps_the_main_network_only(scan):
    gridded = scan.gridded()
    alone = gridded.alone()
    assert (len(gridded.probabilities), len(alone.probabilities)) == (2, 1)
    assert alone.probabilities[0] is gridded.probabilities[0]
    assert alone.masks is gridded.masks


def test_without_a_ct_there_are_no_densities_and_no_thumbnail(scan, scan_of):
    blind = scan_of(scan.geometry, scan.masks, scan.networks, None).gridded()
    assert blind.hu is None
    assert thumbnail(blind.hu) == ""


def test_claims_hold_the_greatest_of_each_voxel_and_the_greatest_of_all_others(scan_of):
    rng = np.random.default_rng(1)
    grid = Geometry((8, 7, 6), np.diag([CANONICAL_MM] * 3 + [1.0]))
    names = ("spleen", "liver", "pancreas")
    networks = [{name: rng.integers(3, 256, grid.shape).astype(np.uint8) for name in names} for _ in range(2)]
    masks = {name: networks[0][name] > 127 for name in names}
    gridded = scan_of(grid, masks, networks, None).gridded()
    owners = voxel_owners(gridded)
    of_organs = {name: np.maximum(networks[0][name], networks[1][name]) for name in names}
    full = whole(grid.shape)
    np.testing.assert_array_equal(owners.first, np.maximum.reduce(list(of_organs.values())))
    for name in names:
        others = np.maximum.reduce([one for other, one in of_organs.items() if other != name])
        np.testing.assert_array_equal(owners.of_others(name, full), others)
        sole = of_organs[name] > others
        assert (owners.owner[sole] == organ(name).index).all()


def test_thumbnails_of_one_scan_are_alike_and_of_another_are_not(scan):
    rng = np.random.default_rng(0)
    hu = scan.hu.astype(np.float32)
    first, noisy, other = (
        np.frombuffer(bytes.fromhex(thumbnail(one)), dtype=np.uint8).astype(int)
        for one in (hu, hu + rng.normal(0, 5, hu.shape), hu[::-1])
    )
    assert first.size == 6**3
    assert np.abs(first - noisy).max() <= 2
    assert np.abs(first - other).max() > 10


def test_a_thumbnail_of_a_ct_smaller_than_six_voxels_is_taken_too():
    assert len(thumbnail(np.zeros((4, 9, 1), dtype=np.float32))) == 2 * 4 * 6 * 1
