"""Files are written with nibabel by hand; what is read is compared with the masks that they were made of."""

import json

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import (
    ConfigError,
    GridMismatchError,
    LabelValueError,
    NonFiniteVoxelsError,
    UnreadableImageError,
)
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.volume import Volume

AFFINE = np.array([[-0.8, 0, 0, 90], [0, -0.8, 0, 100], [0, 0, 3, -200], [0, 0, 0, 1]], dtype=float)
MOVED = AFFINE + np.array([[0, 0, 0, 0.3]] * 3 + [[0] * 4])
CT = Geometry((14, 12, 10), AFFINE)
VOXELS = Volume(np.zeros(CT.shape, dtype=np.int16), CT)


def box(*sides):
    mask = np.zeros(CT.shape, dtype=bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


LIVER, SPLEEN = box((1, 5), (2, 8), (3, 9)), box((8, 12), (2, 6), (4, 7))
LUNG = box((9, 13), (7, 11), (0, 6))


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def write(path, voxels, affine=AFFINE, orientation=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = voxels.astype(np.uint8) if voxels.dtype in (bool, int) else voxels
    image = nib.Nifti1Image(voxels, affine)
    if orientation is not None:
        change = nib.orientations.ornt_transform(
            nib.io_orientation(affine), nib.orientations.axcodes2ornt(orientation)
        )
        image = image.as_reoriented(change)
    image.to_filename(path)


def predicted(folder, **settings):
    """The probabilities and masks of the case `one`."""
    made = MaskFilesPredictor(name="other", folder=folder, **settings).predict(VOXELS, "one")
    return made.maps, made.masks


def placed(maps, name):
    full = np.zeros(CT.shape, dtype=np.uint8)
    if name in maps.parts:
        part_box, values = maps.parts[name]
        full[part_box] = values
    return full


def check_hard(folder, expected, **settings):
    """Both masks and probabilities are exactly those masks; nothing else is known."""
    maps, masks = predicted(folder, **settings)
    assert maps.geometry.same_grid(CT, tolerance_mm=0)
    assert set(maps.organs) == set(masks.organs) == set(expected)
    for name, mask in expected.items():
        assert (masks.mask(name) == mask).all()
        assert (placed(maps, name) == 255 * mask).all()


def test_label_map_knows_every_organ_of_its_ids_drawn_or_not(folder):
    write(folder / "one.nii.gz", 5 * LIVER + 8 * SPLEEN)
    nothing = dict.fromkeys(SUBSETS["abdomenatlas-1.0"], np.zeros(CT.shape, dtype=bool))
    check_hard(folder, {**nothing, "liver": LIVER, "spleen": SPLEEN}, ids="abdomenatlas-1.0")
    check_hard(folder, {"liver": LIVER}, ids="abdomenatlas-1.0", organs=("liver",))


def test_nnunet_regions_overlap(folder):
    core = box((2, 4), (3, 5), (4, 6))
    labels = {"background": 0, "liver": [1, 2], "liver tumour": 2, "brain": 3}
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    write(folder / "one.nii.gz", np.where(core, 2, LIVER + 3 * SPLEEN))
    check_hard(folder, {"liver": LIVER, "liver_tumor": core}, ids="dataset.json")


@pytest.mark.parametrize("below", ["segmentations", "."])
def test_files_of_totalsegmentator_are_joined_and_organs_without_a_file_are_unknown(folder, below):
    upper = LUNG & box((0, 14), (0, 12), (3, 10))
    case = folder / "one" / below
    write(case / "gallbladder.nii.gz", SPLEEN)
    write(case / "liver.nii.gz", np.zeros(CT.shape, dtype=bool))
    write(case / "lung_upper_lobe_left.nii.gz", upper)
    write(case / "lung_lower_lobe_left.nii.gz", LUNG & ~upper)
    write(case / "lung_upper_lobe_right.nii.gz", LIVER)  # two lobes are missing
    write(case / "femur_left.nii.gz", LIVER)
    expected = {"gall_bladder": SPLEEN, "liver": np.zeros_like(LUNG), "lung_left": LUNG}
    check_hard(folder, expected, ids="totalsegmentator")


def test_files_of_the_published_tree_are_known_by_their_spelling(folder):
    write(folder / "one" / "segmentations" / "celiac_truck.nii.gz", 255 * SPLEEN)
    write(folder / "one" / "segmentations" / "liver_V1.nii.gz", LIVER)
    write(folder / "one" / "ct.nii.gz", LIVER)
    check_hard(folder, {"celiac_trunk": SPLEEN})


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_axes_in_any_order_and_direction_are_turned(folder, orientation):
    soft = np.random.default_rng(0).integers(0, 256, CT.shape).astype(np.uint8)
    write(folder / "one" / "liver.nii.gz", LIVER, orientation=orientation)
    write(folder / "one" / "soft_pred" / "spleen.nii.gz", soft, orientation=orientation)
    maps, masks = predicted(folder)
    assert (masks.mask("liver") == LIVER).all()
    assert (placed(maps, "spleen") == soft).all()
    assert (masks.mask("spleen") == (soft > 127)).all()


def test_soft_predictions_are_the_probabilities_and_the_masks_stay_as_drawn(folder):
    rng = np.random.default_rng(1)
    liver = np.where(LIVER, rng.integers(3, 256, CT.shape), 0).astype(np.uint8)
    spleen = np.where(SPLEEN, rng.random(CT.shape), 0).astype(np.float32)
    write(folder / "one" / "segmentations" / "liver.nii.gz", LIVER)
    write(folder / "one" / "segmentations" / "aorta.nii.gz", LUNG)
    write(folder / "one" / "soft_pred" / "liver.nii.gz", liver)
    write(folder / "one" / "soft_pred" / "spleen.nii.gz", spleen)
    maps, masks = predicted(folder)
    assert set(maps.organs) == set(masks.organs) == {"liver", "spleen", "aorta"}
    assert (masks.mask("liver") == LIVER).all()
    assert (placed(maps, "liver") == liver).all()
    assert (masks.mask("spleen") == (spleen > 0.5)).all()
    assert np.abs(placed(maps, "spleen") - 255 * spleen.astype(float)).max() <= 0.502
    assert (placed(maps, "aorta") == 255 * LUNG).all()


def test_soft_predictions_beside_a_label_map_are_used(folder):
    write(folder / "one.nii.gz", organ("liver").index * LIVER)
    write(folder / "one" / "soft_pred" / "liver.nii.gz", (200 * LIVER).astype(np.uint8))
    maps, masks = predicted(folder)
    assert (placed(maps, "liver") == 200 * LIVER).all()
    assert (masks.mask("liver") == LIVER).all()


def test_hash_tells_of_other_voxels_other_names_and_another_meaning(folder):
    def sha256(**settings):
        network = MaskFilesPredictor(name="other", folder=folder, **settings)
        return network.settings("one")["weights_sha256"]

    path = folder / "one" / "liver.nii.gz"
    write(path, LIVER)
    first = sha256()
    assert first == sha256()
    path.rename(path.with_name("spleen.nii.gz"))
    renamed = sha256()
    write(path.with_name("spleen.nii.gz"), SPLEEN)
    assert len({first, renamed, sha256(), sha256(ids="abdomenatlas-1.1")}) == 4


@pytest.mark.parametrize(
    ("voxels", "affine", "error", "sentence"),
    [
        (LIVER, MOVED, GridMismatchError, "voxels off"),
        (LIVER * 3 + SPLEEN, AFFINE, LabelValueError, "values 1, 3"),
    ],
)
def test_an_organs_file_that_does_not_fit_is_refused(folder, voxels, affine, error, sentence):
    write(folder / "one" / "liver.nii.gz", voxels, affine=affine)
    with pytest.raises(error, match=rf"liver\.nii\.gz: .*{sentence}"):
        predicted(folder)


@pytest.mark.parametrize(
    ("value", "kind", "error"),
    [
        (1.5, np.float32, LabelValueError),
        (-0.1, np.float32, LabelValueError),
        (np.nan, np.float32, NonFiniteVoxelsError),
        (np.inf, np.float64, NonFiniteVoxelsError),
        (256, np.int16, LabelValueError),
        (-1, np.int16, LabelValueError),
    ],
)
def test_soft_predictions_that_are_no_probabilities_are_refused(folder, value, kind, error):
    voxels = np.zeros(CT.shape, dtype=kind)
    voxels[3, 4, 5] = value
    write(folder / "one" / "soft_pred" / "liver.nii.gz", voxels)
    with pytest.raises(error, match=r"liver\.nii\.gz"):
        predicted(folder)


def test_values_that_the_ids_do_not_know_are_refused(folder):
    write(folder / "one.nii.gz", 9 * LIVER + 40 * SPLEEN)
    with pytest.raises(LabelValueError, match=r"values 40, which 'omentum' does not know"):
        predicted(folder)


def test_a_case_without_files_is_told_with_where_it_was_looked_for(folder):
    write(folder / "one" / "heart.nii.gz", LIVER)
    network = MaskFilesPredictor(name="other", folder=folder)
    for case_id in ("one", "two"):
        with pytest.raises(UnreadableImageError, match=f"{case_id}/ holds"):
            network.find(case_id)


def test_settings_that_cannot_be_are_refused_at_once(folder):
    for settings, sentence in (
        ({"folder": folder / "none"}, "no such folder"),
        ({"ids": "amos"}, "totalsegmentator"),
        ({"ids": "abdomenatlas-1.0", "organs": ("colon",)}, "'colon'"),
    ):
        with pytest.raises(ConfigError, match=sentence):
            MaskFilesPredictor(**{"name": "other", "folder": folder, **settings})


def test_a_numbering_that_names_beside_a_label_map_contradict_is_refused_with_both_readings(folder):
    write(folder / "one.nii.gz", 1 * LIVER)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, "liver": 1}}))
    predictor = MaskFilesPredictor(name="x", folder=folder, ids="omentum")
    with pytest.raises(LabelValueError, match=r"value 1 is liver by dataset\.json, and spleen by 'omentum'"):
        predictor.predict(VOXELS, "one")
