"""The published assembly, on all of its cases.

There, an original class that a case does not hold is left to the other sources; so the classes that it
holds are the original organs here. Where a data set does not tell left from right, we tell it by the
affine and not by the first array index: decision 22.
"""

import json
from dataclasses import replace

import cc3d
import nibabel as nib
import numpy as np
import pytest

from omentum.assemble.assemble_case import assemble_case
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

CASES = {
    "01_Multi-Atlas_Labeling/img0001": "01",
    "04_LiTS/liver_0": "04",
    "04_LiTS/liver_1": "04",
    "05_KiTS/img0000": "05",
    "05_KiTS/img0001": "05",
    "05_KiTS/img0002": "05",
    "07_WORD/word_0001": "07",
    "10_Decathlon/colon_001": "10_10",
    "10_Decathlon/pancreas_010": "10_07",
    "13_AbdomenCT-12organ/Organ12_0001_0000": "13",
}


@pytest.fixture(scope="module")
def reference(shared):
    folder = shared / "reference"
    tables = json.loads((folder / "tables" / "datasets.json").read_text())["datasets"]
    found = {"rows": {row["key"]: row for row in tables}}
    for which in ("inputs", "outputs"):
        with np.load(folder / "assembly" / f"{which}.npz") as arrays:
            found[which] = {key: arrays[key] for key in arrays.files if "/average/" not in key}
    return found


def split_by_affine(labels, right, left, affine):
    """Call right what lies to the right of the middle between the two largest pieces, in mm."""
    pieces = cc3d.connected_components(labels == right, connectivity=26)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:2]
    if (sizes[largest] > 0).sum() < 2:
        return labels
    x_mm = [(affine[:3, :3] @ np.argwhere(pieces == piece).mean(axis=0))[0] for piece in largest]
    labels[pieces == largest[int(np.argmin(x_mm))]] = left
    return labels


def with_original(case, reference, name):
    """Give the case its own label in 32-class indices, if it has one."""
    if f"{name}/original" not in reference["inputs"]:
        return case
    row = reference["rows"][CASES[name]]
    lut = np.zeros(256, dtype=np.uint8)
    for own_id, index in row["own_id_to_class"].items():
        lut[int(own_id)] = index
    labels = lut[reference["inputs"][f"{name}/original"].astype(np.uint8)]
    for right, left in row["right_left_split"]:
        labels = split_by_affine(labels, right, left, case.geometry.affine)
    path = case.ct_path.parent / "original_label.nii.gz"
    write_nifti(path, Volume(labels, case.geometry))
    held = tuple(row.name for row in ORGANS if (labels == row.index).any())
    return replace(case, original_label_path=path, original_organs=held)


@pytest.fixture
def assembled(reference, make, tmp_path):
    """Assembles a published case; gives our combined map and theirs."""

    def call(name, affine=None):
        given = reference["inputs"]
        pseudo = given[f"{name}/pseudo"]
        geometry = Geometry(pseudo.shape, given["affine"] if affine is None else affine)
        case = with_original(replace(make.case("c1"), geometry=geometry), reference, name)
        predicted = MaskSet.from_labels(pseudo, case.geometry, ["omentum"])
        masks = {
            key.rpartition("/")[2]: np.unpackbits(given[key])[: pseudo.size]
            .reshape(pseudo.shape)
            .astype(bool)
            for key in given
            if key.startswith(f"{name}/revised/")
        }
        inputs = make.inputs(
            case,
            make.prediction(case, {one: predicted.mask(one) for one in predicted.organs}),
            *(make.revision(case, key, mask) for key, mask in masks.items()),
        )
        assemble_case(inputs, tmp_path / "r")
        ours = np.asarray(nib.load(tmp_path / "r" / "combined_labels.nii.gz").dataobj)
        return ours, reference["outputs"][f"{name}/pseudo_label"]

    return call


def sides_joined(labels, pairs):
    """Give both sides of a pair the value of the right one."""
    joined = labels.copy()
    for right, left in pairs:
        joined[joined == left] = right
    return joined


@pytest.mark.parametrize("name", CASES)
def test_a_published_case_comes_out_as_published(reference, assembled, name):
    ours, published = assembled(name)
    pairs = reference["rows"][CASES[name]]["right_left_split"]
    differ = ours != published
    paired = np.isin(published, np.ravel(pairs)) if pairs else np.zeros(ours.shape, dtype=bool)
    assert not (differ & ~paired).any()
    np.testing.assert_array_equal(sides_joined(ours, pairs), sides_joined(published, pairs))


TWO_SIDES = [
    "05_KiTS/img0000",
    "05_KiTS/img0001",
    "07_WORD/word_0001",
    "13_AbdomenCT-12organ/Organ12_0001_0000",
]
"""Cases whose own label holds both sides; which one a lone kidney is, no split can tell."""


@pytest.mark.parametrize("name", TWO_SIDES)
@pytest.mark.parametrize("x", [1.0, -1.0])
def test_sides_follow_the_affine_whichever_way_the_first_index_runs(reference, assembled, name, x):
    affine = np.diag([x, 1.0, 1.0, 1.0]) @ reference["inputs"]["affine"]
    ours, _ = assembled(name, affine)
    for right, left in reference["rows"][CASES[name]]["right_left_split"]:
        x_mm = [(affine[:3, :3] @ np.argwhere(ours == side).mean(axis=0))[0] for side in (right, left)]
        assert x_mm[0] > x_mm[1], organ(right).name
