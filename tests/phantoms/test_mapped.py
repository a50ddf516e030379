"""Patients made from label maps: organs where the map has them, guests' organs where the host's were."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from omentum.phantoms.anatomy_map import TOTALSEGMENTATOR, map_anatomy
from omentum.phantoms.mapped import PAINTED, build_mapped
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.render import render
from omentum.phantoms.styles import PHASES, style_named
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ

NINE = SUBSETS["abdomenatlas-1.0"]


@pytest.fixture(scope="module")
def grid() -> Geometry:
    """Voxels of 4 mm over the toy's organs, on its own grid."""
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -160.0, -84.0, -100.0
    return Geometry((81, 58, 51), affine)


@pytest.fixture(scope="module")
def true_labels(toy, grid) -> np.ndarray:
    """The toy on that grid, in our indices, painted by its formulas."""
    at = [grid.affine[axis, 3] + 4.0 * np.arange(grid.shape[axis]) for axis in range(3)]
    places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
    found = np.zeros(grid.shape, dtype=np.uint8)
    for name in LABELLED:
        inside = toy().inside(name, places)
        if name == "liver":
            inside &= ~toy().inside("postcava", places)
        found[inside] = organ(name).index
    return found


@pytest.fixture(scope="module")
def painted(toy_map, still, grid):
    """The still toy in each phase: HU and labels."""
    found = {}
    for phase in PHASES:
        patient = replace(still, phase=phase)
        found[phase] = render(*build_mapped(patient, toy_map, None, grid), grid, patient)
    return found


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def middle(labels: np.ndarray, name: str) -> np.ndarray:
    return 4.0 * np.argwhere(labels == organ(name).index).mean(axis=0)


def test_without_displacement_every_organ_lies_on_its_map(painted, true_labels):
    _, labels = painted["portal_venous"]
    for name in LABELLED:
        assert dice(labels == organ(name).index, true_labels == organ(name).index) > 0.9, name


def test_labels_are_those_of_the_organs_that_phantoms_speak_of(painted):
    for _, labels in painted.values():
        assert set(np.unique(labels)) == {0, *(organ(name).index for name in LABELLED)}


def test_patients_who_vary_keep_organs_near_their_places_and_volumes_on_average(toy_map, grid, true_labels):
    ratios = []
    for seed in range(8):
        patient = replace(
            draw_patient(seed, style_named("mixed")),
            size=(1.0, 1.0, 1.0),
            tilt_degrees=(0.0, 0.0, 0.0),
            has_gall_bladder=True,
            missing_kidney=None,
            small_kidney=None,
            large_spleen=False,
        )
        _, labels = render(*build_mapped(patient, toy_map, None, grid), grid, patient)
        for name in NINE:
            found, true = labels == organ(name).index, true_labels == organ(name).index
            assert np.abs(middle(labels, name) - middle(true_labels, name)).max() < 25.0, name
            assert dice(found, true) < 0.99, name
            ratios.append(found.sum() / true.sum())
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.12)
    assert 0.1 < min(ratios) < 0.9
    assert 1.1 < max(ratios) < 2.5


def test_the_aorta_is_brightest_in_the_arterial_phase_and_fades(painted):
    hu = {phase: ct[labels == organ("aorta").index].mean() for phase, (ct, labels) in painted.items()}
    assert hu["arterial"] > hu["portal_venous"] + 50 > hu["delayed"] + 50 > hu["non_contrast"] + 60


def test_the_renal_cortex_is_brighter_than_the_medulla_in_the_arterial_phase_alone(painted):
    gaps = {}
    for phase, (ct, labels) in painted.items():
        kidney = labels == organ("kidney_right").index
        depth = ndimage.distance_transform_edt(kidney, sampling=4.0)
        gaps[phase] = ct[kidney & (depth > 5) & (depth < 7)].mean() - ct[depth > 14].mean()
    assert gaps["arterial"] > 40
    assert gaps["arterial"] > max(gaps["non_contrast"], gaps["delayed"]) + 30


def test_tissues_are_ordered_by_brightness_as_on_any_scan(painted):
    for phase, (ct, labels) in painted.items():
        hu = {name: np.median(ct[labels == organ(name).index]) for name in LABELLED}
        assert hu["lung_left"] < -700 < -30 < hu["liver"] < 200, phase
        assert hu["gall_bladder"] < hu["spleen"], phase
        assert ct[0, -1, 0] < -950 < hu["lung_right"], phase


def test_gas_in_the_stomach_lies_in_front_of_the_fluid(toy_map, still, grid):
    n_with_gas = 0
    for seed in range(6):
        patient = replace(still, seed=seed)
        ct, labels = render(*build_mapped(patient, toy_map, None, grid), grid, patient)
        inside = ndimage.binary_erosion(labels == organ("stomach").index, iterations=2)
        gas, fluid = np.argwhere(inside & (ct < -700)), np.argwhere(inside & (ct > -100))
        if len(gas) > 30 and len(fluid) > 30:
            n_with_gas += 1
            assert np.quantile(gas[:, 1], 0.1) >= np.quantile(fluid[:, 1], 0.9)
    assert n_with_gas >= 2


def test_a_guests_organs_land_where_the_hosts_were(toy, toy_map, still, grid, true_labels):
    guest = toy(grown=1.15, moved_mm=(40.0, -30.0, 300.0), without=("bone",)).map(
        (5.0, 5.0, 5.0), "LPS", "guest"
    )
    assert not guest.is_whole
    ct, labels = render(*build_mapped(still, toy_map, guest, grid), grid, still)
    for name in NINE:
        assert np.abs(middle(labels, name) - middle(true_labels, name)).max() < 5.0, name
        assert dice(labels == organ(name).index, true_labels == organ(name).index) > 0.85, name
    assert dice(labels == organ("colon").index, true_labels == organ("colon").index) > 0.9
    assert (ct > 250).sum() > 500


def test_organs_that_the_guest_lacks_are_not_the_hosts(toy, toy_map, still, grid):
    guest = toy(without=("pancreas",)).map(name="guest")
    _, labels = render(*build_mapped(still, toy_map, guest, grid), grid, still)
    assert not (labels == organ("pancreas").index).any()


def test_what_was_taken_out_is_not_there(toy_map, still, grid):
    patient = replace(still, has_gall_bladder=False, missing_kidney="left")
    names = {structure.name for structure in build_mapped(patient, toy_map, None, grid)[1]}
    assert names.isdisjoint({"gall_bladder", "kidney_left"})
    assert {"kidney_right", "liver"} <= names


def test_structures_are_painted_from_the_skin_inwards_in_the_order_told(toy_map, still, grid):
    names = [structure.name for structure in build_mapped(still, toy_map, None, grid)[1]]
    assert names.index("skin") < names.index("fat") < names.index("muscle") < names.index("lung_left")
    places = [names.index(tissue) for tissue in PAINTED if tissue in names and tissue != "muscle"]
    assert places == sorted(places)
    assert names[-1] == "aorta"


def test_the_coarse_grid_reaches_beyond_the_view(toy_map, still, grid):
    space, _ = build_mapped(still, toy_map, None, grid)
    for axis in range(3):
        assert space.node_mm(axis)[0] <= grid.corners_mm[:, axis].min() - 10
        assert space.node_mm(axis)[-1] >= grid.corners_mm[:, axis].max() + 10


def volume(patient, toy_map, grid, name: str) -> int:
    _, labels = render(*build_mapped(patient, toy_map, None, grid), grid, patient)
    return int((labels == organ(name).index).sum())


def test_patients_with_a_large_spleen_or_a_small_kidney_have_it(toy_map, still, grid):
    large, small = replace(still, large_spleen=True), replace(still, small_kidney="left")
    assert volume(large, toy_map, grid, "spleen") > 1.15 * volume(still, toy_map, grid, "spleen")
    assert volume(small, toy_map, grid, "kidney_left") < 0.8 * volume(still, toy_map, grid, "kidney_left")
    assert volume(small, toy_map, grid, "kidney_right") == volume(still, toy_map, grid, "kidney_right")


def test_fluid_lies_at_the_back_of_the_lungs_of_who_has_an_effusion(toy_map, still, grid):
    affine = grid.affine.copy()
    affine[2, 3] = 20.0
    upper = Geometry(grid.shape, affine)
    ct, labels = render(*build_mapped(still, toy_map, None, upper), upper, still)
    patient = replace(still, effusion=True)
    wet, _ = render(*build_mapped(patient, toy_map, None, upper), upper, patient)
    lung = np.argwhere(labels == organ("lung_left").index)
    back = lung[lung[:, 1] <= np.quantile(lung[:, 1], 0.04)]
    front = lung[lung[:, 1] >= np.quantile(lung[:, 1], 0.6)]
    assert wet[tuple(back.T)].mean() > ct[tuple(back.T)].mean() + 100
    assert wet[tuple(front.T)].mean() == pytest.approx(ct[tuple(front.T)].mean(), abs=20)


def test_where_a_map_ends_its_tissues_go_on(toy, still, grid):
    labels = toy().labels()
    cut = labels.cropped((slice(None), slice(None), slice(0, 44)))  # through the liver and the spleen
    ended = map_anatomy("cut", cut, TOTALSEGMENTATOR)
    assert not ended.has_whole_organs
    assert toy().map().has_whole_organs
    ct, labels = render(*build_mapped(still, ended, None, grid), grid, still)
    last = round((ended.high_mm - grid.affine[2, 3]) / 4.0)
    liver = (labels == organ("liver").index).sum((0, 1))
    assert liver[last + 4] == pytest.approx(liver[last - 1], rel=0.1)
    assert np.median(ct[30:50, 20:40, last + 4]) > -30  # organs and vessels, no slab of fat
