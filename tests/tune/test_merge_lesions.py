from dataclasses import replace

import numpy as np
import pytest

from omentum.records import MaskSource
from omentum.tune.merge_lesions import hosts_filled
from omentum.tune.prepared_cases import prepared
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

SHAPE = (24, 20, 18)


def box(*sides: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


def coded(masks: dict[str, np.ndarray]) -> MaskSet:
    parts = masks.items()
    return MaskSet.build(Geometry(SHAPE, np.eye(4)), masks, parts)


def filled(masks: dict[str, np.ndarray], **sources: MaskSource) -> MaskSet:
    return hosts_filled(coded(masks), {**dict.fromkeys(masks, MaskSource.ORIGINAL), **sources})


@pytest.mark.parametrize(
    ("tumour", "host"), [(row.name, host) for row in ORGANS if row.kind != "organ" for host in row.hosts]
)
def test_every_host_of_the_label_table_holds_its_tumours(tumour, host):
    grows_in = box((6, 10), (6, 10), (6, 10))
    rest = box((3, 16), (3, 16), (3, 16)) & ~grows_in
    made = filled({host: rest, tumour: grows_in})
    np.testing.assert_array_equal(made.mask(host), rest | grows_in)
    np.testing.assert_array_equal(made.mask(tumour), grows_in)


def test_of_a_pair_each_side_holds_what_grows_in_it():
    right, left = box((14, 22), (4, 12), (4, 12)), box((2, 8), (4, 12), (4, 12))
    in_right, on_left = box((15, 18), (5, 8), (5, 8)), box((8, 10), (5, 8), (5, 8))
    far = box((11, 12), (17, 19), (15, 17))
    masks = {"kidney_right": right & ~in_right, "kidney_left": left, "kidney_tumor": in_right | on_left | far}
    made = filled(masks)
    np.testing.assert_array_equal(made.mask("kidney_right"), right)
    np.testing.assert_array_equal(made.mask("kidney_left"), left | on_left)


def test_a_mask_that_people_vouch_for_is_not_grown_by_a_predicted_one():
    liver, tumour = box((2, 10), (2, 10), (2, 10)), box((10, 12), (4, 6), (4, 6))
    masks = {"liver": liver, "liver_tumor": tumour}
    guessed = MaskSource.PREDICTED
    assert not filled(masks, liver_tumor=guessed).mask("liver")[tumour].any()
    assert filled(masks, liver=guessed).mask("liver")[tumour].all()
    assert filled(masks, liver=guessed, liver_tumor=guessed).mask("liver")[tumour].all()


def test_a_host_that_nobody_knows_stays_unknown_and_without_tumours_all_stays():
    tumour = box((10, 12), (4, 6), (4, 6))
    assert filled({"liver_tumor": tumour}).organs == ("liver_tumor",)
    masks = coded({"liver": tumour, "liver_tumor": np.zeros(SHAPE, dtype=bool)})
    assert hosts_filled(masks, dict.fromkeys(masks.organs, MaskSource.ORIGINAL)) is masks


def test_training_sees_the_organ_with_its_tumour(labelled_patient, tmp_path):
    """In a label map where nothing overlaps, the tumour is cut out of its organ."""
    whole_liver = prepared(labelled_patient(0, ("liver",)), 8.0, tmp_path / "cache")
    labelled = labelled_patient(0, ("liver", "liver_tumor"))
    truth = read_nifti(labelled.masks[0].path)
    labels, at = truth.voxels.copy(), np.argwhere(truth.voxels == 6).mean(axis=0).astype(int)
    ball = ((np.indices(labels.shape).T - at) ** 2).sum(axis=-1).T < 20
    labels[ball & (labels == 6)] = 27
    write_nifti(tmp_path / "labels.nii.gz", Volume(labels, truth.geometry))
    masks = tuple(replace(one, path=tmp_path / "labels.nii.gz") for one in labelled.masks)
    made = prepared(replace(labelled, masks=masks), 8.0, tmp_path / "cache")
    tumour = made.masks.mask("liver_tumor")
    assert tumour.any()
    np.testing.assert_array_equal(made.masks.mask("liver"), whole_liver.masks.mask("liver"))
