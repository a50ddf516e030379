"""The published arithmetic once more, dense and slow, with scipy; and the outputs of the published code."""

import json
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from omentum.measures.boxes import bounding_box
from omentum.records import Case, Prediction
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet, whole
from omentum.volumes.probabilities import ProbabilityMaps, write_probabilities

CUBE = np.ones((3, 3, 3))


def _opened(mask):
    return ndimage.binary_dilation(ndimage.binary_erosion(mask, CUBE, 2), CUBE, 2)


def _dense(soft, entropies, overlap):
    sigma = np.std(np.stack(soft) / 255, axis=0)
    entropy = sum(one / 255 for one in entropies) / len(entropies)
    inconsistency = np.where(_opened(sigma > 0.1), sigma, 0.0)
    uncertainty = np.where(_opened(entropy > 0.05), entropy, 0.0)
    total = inconsistency + uncertainty + overlap
    peak = total.max()
    heat = total / peak if peak else total
    return SimpleNamespace(
        inconsistency=inconsistency, uncertainty=uncertainty, binary=total > 0, peak=peak, heat=heat
    )


@pytest.fixture(scope="session")
def dense():
    """Function: `(soft, entropies, overlap)` to the attention maps as real numbers."""
    return _dense


class Reference:
    """Inputs and outputs of the published code on three small cases."""

    def __init__(self, folder):
        self.folder = folder
        self.expected = json.loads((folder / "expected.json").read_text())
        self._inputs = {}

    def inputs(self, case_id):
        if case_id not in self._inputs:
            stored = np.load(self.folder / f"input_{case_id}.npz")
            shape = tuple(stored["shape"].tolist())
            self._inputs[case_id] = {
                name: self.unpacked(stored[name], shape) if name.startswith("average/") else stored[name]
                for name in stored.files
            }
        return self._inputs[case_id]

    @staticmethod
    def unpacked(bits, shape):
        return np.unpackbits(bits)[: np.prod(shape)].reshape(shape).astype(bool)

    def write_tree(self, root, case_ids, networks, *, dtype=np.uint8):
        """Write the inputs as the published tree; the published code has masks of another type."""
        for case_id in case_ids:
            stored = self.inputs(case_id)
            for key in stored:
                if "/" not in key:
                    continue
                kind, *network, name = key.split("/")
                if kind == "average":
                    path = root / case_id / "average" / "segmentations"
                elif network and network[0] in networks:
                    path = root / case_id / "backbones" / network[0] / kind
                else:
                    continue
                path.mkdir(parents=True, exist_ok=True)
                voxels = stored[key].astype(dtype if kind == "average" else np.uint8)
                file_name = f"{organ(name).published_name}.nii.gz"
                nib.save(nib.Nifti1Image(voxels, stored["affine"]), path / file_name)
        return root


@pytest.fixture(scope="session")
def reference(shared):
    return Reference(shared / "reference" / "attention")


class Desk:
    """A folder with one case, and the predictions that tests put beside it."""

    def __init__(self, folder, geometry):
        self.folder = folder
        self.geometry = geometry
        self.case = self.case_with()

    def case_with(self, **changes):
        fields = {
            "case_id": "one",
            "patient_id": "one",
            "ct_path": self.folder / "ct.nii.gz",
            "geometry": self.geometry,
            "source": "made",
        }
        return Case(**{**fields, **changes})

    def predict(self, network, probabilities, masks, *, case_id="one"):
        """Store bytes `(x, y, z)` on the CT's grid and masks there, both by organ."""
        organs = tuple(masks)
        record = Prediction(
            case_id=case_id,
            network=network,
            weights_sha256="0" * 64,
            folder=self.folder / "networks" / network,
            organs=organs,
        )
        boxes = {name: bounding_box(values >= 3) for name, values in probabilities.items()}
        parts = {name: (box, probabilities[name][box]) for name, box in boxes.items() if box is not None}
        write_probabilities(record.probabilities_path, ProbabilityMaps(self.geometry, organs, parts))
        full = whole(self.geometry.shape)
        coded = MaskSet.build(self.geometry, organs, [(name, full, mask) for name, mask in masks.items()])
        write_masks(record.masks_path, coded)
        return record


@pytest.fixture
def desk(tmp_path):
    """One made case of 64 x 64 x 48 voxels, LPS, 0.8 x 0.8 x 2.5 mm."""
    affine = np.diag([-0.8, -0.8, 2.5, 1.0])
    affine[:3, 3] = [25.0, 30.0, -60.0]
    return Desk(tmp_path, Geometry((64, 64, 48), affine))
