"""Label maps of real people as distances: right in mm, on the right side, whatever the array's order."""

import json
import re
from importlib import resources

import numpy as np
import pytest
from scipy.spatial import cKDTree

from omentum.errors import ConfigError
from omentum.phantoms.anatomy_map import TOTALSEGMENTATOR, map_anatomy, read_anatomy
from omentum.phantoms.glands import kidneys, spleen
from omentum.phantoms.liver import liver
from omentum.phantoms.mapped import PAINTED
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

MIDDLE_AND_RADII = {
    "spleen": ((-103, 2, 40), (18, 22, 32)),
    "stomach": ((-55, 75, 30), (32, 30, 32)),
    "pancreas": ((-5, 62, -42), (40, 14, 13)),
    "kidney_left": ((-73, 10, -9), (19, 18, 36)),
    "kidney_right": ((70, 2, -20), (24, 18, 36)),
}
"""Ellipsoids of the toy person that nothing else covers."""


@pytest.fixture(scope="module")
def table() -> dict[str, list[int]]:
    return json.loads(
        resources.files("omentum.phantoms").joinpath("totalsegmentator_117.json").read_text("utf-8")
    )


@pytest.fixture(scope="module")
def coarse(toy):
    return toy().map((8.0, 8.0, 8.0))


def own_mm(part, shift) -> np.ndarray:
    """Places of a part's nodes in the toy's own mm."""
    at = [
        origin + step * np.arange(side)
        for origin, step, side in zip(part.origin_mm - shift, part.step_mm, part.distance.shape, strict=True)
    ]
    return np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)


def shift_of(found) -> np.ndarray:
    """From the toy's own mm to the atlas, by its aorta, which stands at (-20, 24), and its lower end."""
    return np.array([*(found.parts["aorta"].centre_mm[:2] - (-20, 24)), found.low_mm + 140])


def distance_to_ellipsoid(places, middle, radii) -> np.ndarray:
    """Distance to the nearest of many points on its surface, with the sign of its formula."""
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, 240), np.linspace(0, np.pi, 120))
    ball = np.stack([np.sin(rise) * np.cos(turn), np.sin(rise) * np.sin(turn), np.cos(rise)], axis=-1)
    apart, _ = cKDTree(ball.reshape(-1, 3) * radii + middle).query(places)
    return np.where((((places - middle) / radii) ** 2).sum(axis=-1) < 1, -apart, apart)


@pytest.mark.parametrize(
    ("spacing_mm", "orientation"),
    [((4.0, 4.0, 4.0), "RAS"), ((2.0, 3.0, 5.0), "SAL"), ((1.5, 4.0, 4.0), "LPS")],
)
def test_distances_are_those_of_the_ellipsoids_within_a_voxel(toy, spacing_mm, orientation):
    found = toy().map(spacing_mm, orientation)
    for tissue, (middle, radii) in MIDDLE_AND_RADII.items():
        part = found.parts[tissue]
        exact = distance_to_ellipsoid(own_mm(part, shift_of(found)), np.array(middle), np.array(radii))
        near = np.abs(exact) < 10
        error = part.distance[near] - exact[near]
        assert np.abs(error).max() < max(spacing_mm), tissue
        assert np.abs(error).mean() < 0.3 * max(spacing_mm), tissue
        assert part.distance.dtype == np.float32


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_the_arrays_order_and_direction_do_not_matter(toy, coarse, orientation):
    found = toy().map((8.0, 8.0, 8.0), orientation)
    assert (found.sha256, found.low_mm, found.high_mm) == (coarse.sha256, coarse.low_mm, coarse.high_mm)
    assert found.parts.keys() == coarse.parts.keys()
    for mine, its in zip(
        [*found.parts.values(), found.body], [*coarse.parts.values(), coarse.body], strict=True
    ):
        assert (mine.distance == its.distance).all()
        assert mine.origin_mm == pytest.approx(its.origin_mm, abs=1e-9)
        assert mine.step_mm == pytest.approx(its.step_mm)


def test_x_grows_to_the_patients_right(toy_map):
    for right in ("liver", "kidney_right", "lung_right", "postcava", "gall_bladder"):
        assert toy_map.parts[right].centre_mm[0] > 10, right
    for left in ("spleen", "kidney_left", "lung_left", "aorta", "stomach"):
        assert toy_map.parts[left].centre_mm[0] < -10, left


def test_wherever_a_person_lay_the_organs_come_to_where_made_patients_have_them(toy, bodies):
    found = toy(moved_mm=(34.0, -52.0, 1200.0)).map()
    made = {"kidney_left": [], "kidney_right": [], "liver": [], "spleen": []}
    for body in bodies:
        whole = body.changed(missing_kidney=None, small_kidney=None)
        structures = [
            *kidneys(whole.space, whole.patient, whole.tissues),
            *liver(whole.space, whole.torso, whole.patient, whole.tissues),
            *spleen(whole.space, whole.torso, whole.patient, whole.tissues),
        ]
        for name, centres in made.items():
            shown = name.replace("_", " ")
            centres.append(whole.middle_mm(next(s for s in structures if s.name in (name, shown))))
    apart = [found.parts[name].centre_mm - np.mean(centres, axis=0) for name, centres in made.items()]
    assert np.abs(np.mean(apart, axis=0)).max() < 10
    assert np.linalg.norm(apart, axis=1).max() < 30


def test_the_body_is_the_convex_hull_of_each_plane(toy_map):
    places = own_mm(toy_map.body, shift_of(toy_map))
    flat = (places[..., :2] - (0, 30)) / (150, 105)
    middle = np.abs(places[..., 2]) < 120
    out = (flat**2).sum(axis=-1)
    assert (toy_map.body.distance[middle & (out < 0.8)] < 0).all()
    assert (toy_map.body.distance[middle & (out > 1.25)] > 0).all()


def test_the_map_ends_where_its_voxels_do(toy_map):
    assert toy_map.high_mm - toy_map.low_mm == pytest.approx(280)


def test_other_labels_or_another_grid_have_another_name(toy, coarse):
    others = [toy(without=("pancreas",)), toy(grown=1.1)]
    assert len({coarse.sha256, *(other.map((8.0, 8.0, 8.0)).sha256 for other in others)}) == 3


def test_what_is_thinner_than_the_step_is_left_out(toy):
    labels = toy(without=("gall_bladder",)).labels()
    labels.voxels[40, 50, 20] = 4
    assert "gall_bladder" not in map_anatomy("speck", labels, TOTALSEGMENTATOR).parts


def test_a_map_of_organs_alone_is_not_whole(toy, toy_map):
    ours = SUBSETS["abdomenatlas-1.0"]
    labels = toy().labels((8.0, 8.0, 8.0))
    organs = np.zeros_like(labels.voxels)
    for place, value in enumerate((52, 4, 3, 2, 5, 7, 63, 1, 6), start=1):
        organs[labels.voxels == value] = place
    found = map_anatomy("organs", Volume(organs, labels.geometry), "abdomenatlas-1.0")
    assert found.parts.keys() == set(ours)
    assert (found.is_whole, toy_map.is_whole) == (False, True)
    for name in ours:
        assert found.parts[name].centre_mm == pytest.approx(toy_map.parts[name].centre_mm, abs=4.0)


def test_a_file_is_read_as_its_voxels_are(toy, coarse, tmp_path):
    write_nifti(tmp_path / "person.nii.gz", toy().labels((8.0, 8.0, 8.0), "LPS"))
    found = read_anatomy(tmp_path / "person.nii.gz", TOTALSEGMENTATOR)
    assert (found.name, found.sha256) == ("person", coarse.sha256)


def test_unknown_ids_are_refused_with_the_known_ones(toy):
    with pytest.raises(ConfigError, match=r"'mine'.*totalsegmentator.*abdomenatlas-1\.0"):
        map_anatomy("toy", toy().labels((8.0, 8.0, 8.0)), "mine")


def test_a_map_without_the_organs_that_say_where_it_is_is_refused(toy):
    with pytest.raises(ConfigError, match=r"'toy'.*kidney_left, spleen must be in it"):
        toy(without=("kidney_left", "spleen")).map((8.0, 8.0, 8.0))


def test_every_id_means_one_tissue_and_every_tissue_is_painted(table):
    values = [value for tissue in table.values() for value in tissue]
    assert sorted(values) == list(range(1, 118))
    assert table.keys() == set(PAINTED)


@pytest.mark.parametrize(
    ("tissue", "pattern"),
    [
        ("spleen", "spleen"),
        ("kidney_right", "kidney_right"),
        ("kidney_left", "kidney_left"),
        ("gall_bladder", "gallbladder"),
        ("liver", "liver"),
        ("stomach", "stomach"),
        ("pancreas", "pancreas"),
        ("aorta", "aorta"),
        ("postcava", "inferior_vena_cava"),
        ("intestine", "small_bowel"),
        ("colon", "colon"),
        ("lung_left", "lung_.*_left"),
        ("lung_right", "lung_.*_right"),
        ("bone", "(rib|vertebrae|hip|femur|humerus|scapula|clavicula)_.*|sacrum|skull|sternum"),
        ("cartilage", "costal_cartilages"),
    ],
)
def test_the_ids_mean_what_totalsegmentator_says(table, shared, tissue, pattern):
    names = json.loads((shared / "data" / "label_maps" / "labels_117.json").read_text())
    meant = [int(value) for value, name in names.items() if re.fullmatch(pattern, name)]
    assert sorted(table[tissue]) == meant


def test_a_real_person_has_kidneys_of_their_volume_and_the_liver_on_the_right(shared):
    fine = read_nifti(shared / "data" / "label_maps" / "s0327.nii.gz")
    affine = fine.geometry.affine.copy()
    affine[:, :3] *= 3
    voxels = np.ascontiguousarray(fine.voxels[::3, ::3, ::3])
    found = map_anatomy("s0327", Volume(voxels, Geometry(voxels.shape, affine)), TOTALSEGMENTATOR)
    for tissue, value in (("kidney_right", 2), ("kidney_left", 3), ("liver", 5)):
        part = found.parts[tissue]
        drawn_ml = (part.distance < 0).sum() * np.prod(part.step_mm) / 1000
        assert drawn_ml == pytest.approx((fine.voxels == value).sum() * fine.geometry.voxel_ml, rel=0.08)
    assert found.parts["liver"].centre_mm[0] > 40
    assert found.parts["kidney_left"].centre_mm[0] < -40 < 40 < found.parts["kidney_right"].centre_mm[0]
    assert (
        found.parts["cord"].centre_mm[1]
        < found.parts["aorta"].centre_mm[1]
        < found.parts["cartilage"].centre_mm[1]
    )


def test_a_value_that_the_ids_do_not_have_is_refused(toy):
    labels = toy().labels((8.0, 8.0, 8.0))
    labels.voxels[0, 0, 0] = 200
    with pytest.raises(ConfigError, match="200 is no value of the ids totalsegmentator"):
        map_anatomy("toy", labels, TOTALSEGMENTATOR)


def test_sides_that_an_affine_swaps_are_noticed(toy):
    labels = toy().labels((8.0, 8.0, 8.0))
    swapped = Volume(labels.voxels[::-1].copy(), labels.geometry)
    with pytest.raises(ConfigError, match="is its affine right"):
        map_anatomy("toy", swapped, TOTALSEGMENTATOR)


def test_ids_of_another_table_are_noticed(shared):
    amos = shared / "data" / "label_maps" / "amos_0013.nii.gz"
    with pytest.raises(ConfigError, match="are its ids totalsegmentator"):
        read_anatomy(amos, TOTALSEGMENTATOR)


def test_a_map_that_ends_within_all_its_upper_organs_is_placed_by_the_lower_poles_of_its_kidneys(toy):
    labels = toy().labels((2.0, 2.0, 2.0))
    cut = labels.cropped((slice(None), slice(None), slice(0, 78)))  # at z = 14
    ended, whole = map_anatomy("cut", cut, TOTALSEGMENTATOR), toy().map((2.0, 2.0, 2.0))
    assert ended.parts["kidney_left"].is_cut
    assert ended.low_mm == pytest.approx(whole.low_mm, abs=25.0)
