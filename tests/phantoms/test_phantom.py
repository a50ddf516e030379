"""Phantoms as a reader of CTs would check them: sides, sizes, brightness, sameness."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import ConfigError
from omentum.phantoms.phantom import LABELLED, Phantom, make_phantom
from omentum.phantoms.styles import PHASES
from omentum.volumes.labels import SUBSETS, organ

NINE = SUBSETS["abdomenatlas-1.0"]
WHOLE = {"shape": (104, 92, 96), "spacing_mm": (4.0, 4.0, 4.0)}
"""A grid that holds trunk and organs of every patient."""
USUAL_ML = {
    "spleen": (60, 900),
    "kidney_right": (50, 280),
    "kidney_left": (50, 280),
    "gall_bladder": (4, 120),
    "liver": (800, 2700),
    "stomach": (80, 850),
    "aorta": (50, 260),
    "postcava": (40, 260),
    "pancreas": (35, 150),
    "lung_right": (400, 4000),
    "lung_left": (300, 4000),
    "colon": (100, 1800),
    "intestine": (250, 2200),
}


@pytest.fixture(scope="module")
def cohort() -> list[Phantom]:
    """Ten patients of every kind, each in view from the heart to the hips."""
    return [make_phantom(seed, **WHOLE) for seed in range(10)]


def mask(phantom: Phantom, name: str) -> np.ndarray:
    return phantom.labels.voxels == organ(name).index


def middle_mm(phantom: Phantom, name: str) -> np.ndarray:
    return phantom.labels.geometry.to_mm(np.argwhere(mask(phantom, name)).mean(axis=0))


def inner_hu(phantom: Phantom, name: str) -> float:
    return float(np.median(phantom.ct.voxels[ndimage.binary_erosion(mask(phantom, name))]))


def test_the_same_seed_gives_the_same_voxels():
    first, again = (make_phantom(21, shape=(40, 40, 32)) for _ in range(2))
    assert (first.ct.voxels == again.ct.voxels).all()
    assert (first.labels.voxels == again.labels.voxels).all()
    assert first.ct.geometry.same_grid(again.ct.geometry, tolerance_mm=0.0)


def test_threads_beside_each_other_make_the_same_voxels_as_one_alone():
    alone = make_phantom(13, shape=(32, 32, 24))
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda _: make_phantom(13, shape=(32, 32, 24)), range(3)))
    assert all((phantom.ct.voxels == alone.ct.voxels).all() for phantom in together)


def test_a_field_of_view_that_ends_in_an_organ_cuts_it(cohort):
    whole = cohort[1]
    slab = make_phantom(1, shape=(104, 92, 10), spacing_mm=(4.0, 4.0, 4.0))
    volumes = [mask(phantom, "liver").sum() * phantom.labels.geometry.voxel_ml for phantom in (slab, whole)]
    assert 0 < volumes[0] < 0.6 * volumes[1]
    cut = mask(slab, "liver")
    assert cut[:, :, 0].any() or cut[:, :, -1].any()


def test_some_patients_lack_an_organ_and_most_do_not(cohort):
    n_missing = [sum(not mask(phantom, name).any() for phantom in cohort) for name in NINE]
    assert sum(n_missing) <= len(cohort)
    always = {"liver", "spleen", "stomach", "aorta", "postcava", "pancreas"}
    assert all(mask(phantom, name).any() for phantom in cohort for name in always)


def test_different_seeds_give_different_patients(cohort):
    for one, other in pairwise(cohort):
        assert (one.ct.voxels != other.ct.voxels).mean() > 0.3
        both = mask(one, "liver").sum() + mask(other, "liver").sum()
        assert 2 * (mask(one, "liver") & mask(other, "liver")).sum() / both < 0.95


def test_voxels_are_int16_hu_and_uint8_labels_on_one_grid(cohort):
    for phantom in cohort:
        assert phantom.ct.voxels.dtype == np.int16
        assert phantom.labels.voxels.dtype == np.uint8
        assert phantom.ct.geometry.same_grid(phantom.labels.geometry, tolerance_mm=0.0)
        assert phantom.ct.voxels.min() >= -1024
        assert phantom.phase in PHASES


def test_labels_are_those_of_the_labelled_organs_and_no_others(cohort):
    known = {organ(name).index for name in LABELLED} | {0}
    assert set(NINE) <= set(LABELLED)
    assert all(set(np.unique(phantom.labels.voxels).tolist()) <= known for phantom in cohort)


def test_every_organ_that_is_not_cut_has_a_plausible_volume(cohort):
    for phantom in cohort:
        for name in LABELLED:
            volume_ml = mask(phantom, name).sum() * phantom.labels.geometry.voxel_ml
            least, most = USUAL_ML[name]
            limits = organ(name).volume_ml
            if volume_ml == 0 and name in {"gall_bladder", "kidney_left", "kidney_right"}:
                continue
            assert least <= volume_ml <= most, (phantom.seed, name, volume_ml)
            assert limits is not None
            assert limits[0] <= volume_ml <= limits[1], (phantom.seed, name)


def test_sizes_are_those_of_adults_on_average(cohort):
    usual = {"liver": (1200, 1800), "spleen": (130, 320), "pancreas": (55, 110), "stomach": (150, 500)}
    for name, (least, most) in usual.items():
        volumes = [mask(phantom, name).sum() * phantom.labels.geometry.voxel_ml for phantom in cohort]
        assert least <= np.median(volumes) <= most, name


def test_aorta_and_postcava_are_as_wide_as_vessels_are(cohort):
    for phantom in cohort:
        for name in ("aorta", "postcava"):
            here = mask(phantom, name)
            level = int(phantom.labels.geometry.to_index(middle_mm(phantom, name))[2])
            width_mm = 4.0 * np.sqrt(4.0 / np.pi * here[:, :, level].sum())
            assert 14 <= width_mm <= 34, (phantom.seed, name, width_mm)


def test_organs_lie_on_their_side_of_the_patient(cohort):
    for phantom in cohort:
        x = {name: middle_mm(phantom, name)[0] for name in LABELLED if mask(phantom, name).any()}
        assert min(x["liver"], x["postcava"], x["lung_right"]) > x["aorta"] > x["spleen"]
        assert x["liver"] > 20 > -40 > x["spleen"]
        assert x["stomach"] < -15
        assert x.get("kidney_right", 60) > 30 > -30 > x.get("kidney_left", -60)
        assert x.get("gall_bladder", 60) > 20
        assert x["lung_right"] > 30 > -30 > x["lung_left"]


def test_organs_lie_above_and_in_front_of_each_other_as_they_should(cohort):
    for phantom in cohort:
        place = {name: middle_mm(phantom, name) for name in LABELLED if mask(phantom, name).any()}
        assert min(place["lung_right"][2], place["lung_left"][2]) > place["liver"][2] > place["intestine"][2]
        assert place["pancreas"][1] > place["aorta"][1]
        assert place["stomach"][1] > place["spleen"][1]
        assert place["stomach"][2] > place["colon"][2]


def test_the_nine_organs_are_in_view_in_most_abdominal_scans():
    counts = []
    for seed in range(3):
        phantom = make_phantom(seed, style="easy", spacing_mm=(4.0, 4.0, 4.0))
        counts.append(sum(mask(phantom, name).sum() * 0.064 > 3 for name in NINE))
    assert min(counts) >= 8
    assert np.mean(counts) > 8.5


def test_solid_organs_are_in_one_piece(cohort):
    for phantom in cohort:
        for name in ("liver", "spleen", "aorta"):
            pieces, n_pieces = ndimage.label(mask(phantom, name), np.ones((3, 3, 3)))
            largest = np.bincount(pieces.ravel())[1:].max() if n_pieces else 0
            assert largest > 0.93 * mask(phantom, name).sum(), (phantom.seed, name)


def test_organs_touch_one_another(cohort):
    for phantom in cohort:
        grown = ndimage.binary_dilation(mask(phantom, "liver"), iterations=2)
        touched = {name for name in LABELLED if name != "liver" and (grown & mask(phantom, name)).any()}
        assert len(touched) >= 4, (phantom.seed, touched)


def test_brightness_follows_the_phase(cohort):
    by_phase = {phantom.phase: phantom for phantom in cohort}
    assert len(by_phase) >= 3
    aorta = {phase: inner_hu(phantom, "aorta") for phase, phantom in by_phase.items()}
    found = [
        aorta[phase] for phase in ("arterial", "portal_venous", "delayed", "non_contrast") if phase in aorta
    ]
    assert found == sorted(found, reverse=True)
    for phantom in cohort:
        assert inner_hu(phantom, "lung_left") < -700
        assert -25 < inner_hu(phantom, "liver") < 160


def test_air_is_outside_and_fat_under_the_skin():
    phantom = make_phantom(2, style="easy", **WHOLE)
    assert np.median(phantom.ct.voxels[:4, :4]) == pytest.approx(-1000, abs=6)
    body = ndimage.binary_fill_holes(phantom.ct.voxels[:, :, 40] > -300)
    body = ndimage.binary_opening(body, iterations=3)
    rim = body & ~ndimage.binary_erosion(body, iterations=3)
    assert -130 < np.median(phantom.ct.voxels[:, :, 40][rim]) < 20


def test_gas_in_the_stomach_lies_in_front_of_its_fluid(cohort):
    n_with_gas = 0
    for phantom in cohort:
        inside = ndimage.binary_erosion(mask(phantom, "stomach"))
        y = np.nonzero(inside)[1]
        gas = phantom.ct.voxels[inside] < -600
        if 20 < gas.sum() < 0.8 * len(gas):
            n_with_gas += 1
            assert y[gas].mean() > y[~gas].mean()
    assert n_with_gas >= 3


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "LAS", "SAR", "ILP", "PIR", "AIL", "RSP"])
def test_every_orientation_shows_the_same_patient_at_the_same_place(orientation):
    sides, edges = {"R": 60, "A": 52, "S": 44}, {"R": 6.0, "A": 6.5, "S": 7.0}
    axes = [{"L": "R", "P": "A", "I": "S"}.get(letter, letter) for letter in orientation]
    turned = make_phantom(
        8,
        shape=tuple(sides[axis] for axis in axes),
        spacing_mm=tuple(edges[axis] for axis in axes),
        orientation=orientation,
    )
    upright = make_phantom(8, shape=(60, 52, 44), spacing_mm=(6.0, 6.5, 7.0))
    assert turned.ct.geometry.orientation == orientation
    for one, other in ((turned.ct, upright.ct), (turned.labels, upright.labels)):
        back = nib.as_closest_canonical(nib.Nifti1Image(one.voxels, one.geometry.affine))
        assert (np.asarray(back.dataobj) == other.voxels).all()
        assert back.affine == pytest.approx(other.geometry.affine)


def test_a_finer_grid_shows_the_same_anatomy():
    coarse = make_phantom(6, shape=(60, 60, 40), spacing_mm=(6.0, 6.0, 8.0))
    fine = make_phantom(6, shape=(120, 120, 80), spacing_mm=(3.0, 3.0, 4.0))
    for name in ("liver", "spleen", "kidney_left"):
        volumes = [mask(phantom, name).sum() * phantom.labels.geometry.voxel_ml for phantom in (coarse, fine)]
        assert volumes[0] == pytest.approx(volumes[1], rel=0.06)
        assert middle_mm(coarse, name) == pytest.approx(middle_mm(fine, name), abs=1.5)


def test_hard_scans_are_noisier_than_easy_ones():
    def spread(style: str) -> float:
        phantom = make_phantom(3, style=style, **WHOLE)
        return float(phantom.ct.voxels[ndimage.binary_erosion(mask(phantom, "liver"), iterations=2)].std())

    assert spread("hard") > 1.4 * spread("easy")


@pytest.mark.parametrize(
    "options",
    [
        {"seed": -1},
        {"seed": 1.5},
        {"seed": True},
        {"style": "soft"},
        {"orientation": "RAX"},
        {"orientation": "RLS"},
        {"orientation": "ras"},
        {"shape": (4, 64, 64)},
        {"spacing_mm": (0.0, 1.0, 1.0)},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ConfigError):
        make_phantom(**{"seed": 0, **options})
