"""The published assembly, on its cases whose own ids need no left/right split.

There, an original class that a case does not hold is left to the other sources; so the classes that it
holds are the original organs here. In one thing we differ: there, a revision that loses against the
original label has erased what was predicted below it; here, it leaves no trace.
"""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.assemble.one_case import assemble_case
from omentum.assemble.priority import CaseInputs
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

CASES = {
    "01_Multi-Atlas_Labeling/img0001": "01",
    "04_LiTS/liver_0": "04",
    "04_LiTS/liver_1": "04",
    "10_Decathlon/colon_001": "10_10",
    "10_Decathlon/pancreas_010": "10_07",
}


@pytest.fixture(scope="module")
def reference(shared):
    folder = shared / "reference"
    tables = json.loads((folder / "tables" / "datasets.json").read_text())["datasets"]
    found = {"transfer": {row["key"]: row["own_id_to_class"] for row in tables}}
    for which in ("inputs", "outputs"):
        with np.load(folder / "assembly" / f"{which}.npz") as arrays:
            found[which] = {key: arrays[key] for key in arrays.files if "/average/" not in key}
    return found


def with_original(case, reference, name):
    """Give the case its own label in 32-class indices, if it has one."""
    if f"{name}/original" not in reference["inputs"]:
        return case
    lut = np.zeros(256, dtype=np.uint8)
    for own_id, index in reference["transfer"][CASES[name]].items():
        lut[int(own_id)] = index
    labels = lut[reference["inputs"][f"{name}/original"].astype(np.uint8)]
    path = case.ct_path.parent / "original_label.nii.gz"
    write_nifti(path, Volume(labels, case.geometry))
    held = tuple(row.name for row in ORGANS if (labels == row.index).any())
    return replace(case, original_label_path=path, original_organs=held)


@pytest.mark.parametrize("name", CASES)
def test_a_published_case_comes_out_as_published(reference, make, tmp_path, name):
    given = reference["inputs"]
    pseudo = given[f"{name}/pseudo"]
    case = make.case("c1")
    case = replace(case, geometry=Geometry(pseudo.shape, given["affine"]))
    case = with_original(case, reference, name)
    predicted = MaskSet.from_labels(pseudo, case.geometry, ["omentum"])
    revisions = []
    lost = np.zeros(pseudo.shape, dtype=bool)
    for key in given:
        if key.startswith(f"{name}/revised/"):
            mask = np.unpackbits(given[key])[: pseudo.size].reshape(pseudo.shape).astype(bool)
            revisions.append(make.revision(case, key.rpartition("/")[2], mask))
            lost |= mask & (revisions[-1].organ in case.original_organs)
    inputs = CaseInputs(
        case=case,
        revisions=tuple(revisions),
        prediction=make.prediction(case, {one: predicted.mask(one) for one in predicted.organs}),
    )
    assemble_case(inputs, tmp_path / "r")
    ours = np.asarray(nib.load(tmp_path / "r" / "combined_labels.nii.gz").dataobj)
    published = reference["outputs"][f"{name}/pseudo_label"]
    differs = ours != published
    assert not (differs & ~lost).any()
    np.testing.assert_array_equal(ours[differs], pseudo[differs])
    assert (published[differs] == 0).all()
