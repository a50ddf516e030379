"""Synthetic cases, and predictions beside them."""

import numpy as np
import pytest

from omentum.records import Case, Prediction
from omentum.score import calibration as calibration_module
from omentum.score.calibration import LevelCounts, Prior
from omentum.score.error_model import LEVELS
from omentum.score.scoring_grid import gridded_case
from omentum.volumes.boxes import BoxedArray, bounding_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_files import write_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ProbabilityMaps, write_probabilities
from omentum.volumes.volume import Volume


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
        parts = {
            name: BoxedArray(box, probabilities[name][box]) for name, box in boxes.items() if box is not None
        }
        write_probabilities(record.probabilities_path, ProbabilityMaps(self.geometry, organs, parts))
        coded = MaskSet.build(self.geometry, organs, masks.items())
        write_masks(record.masks_path, coded)
        return record


@pytest.fixture
def desk(tmp_path):
    """One made case of 64 x 64 x 48 voxels, LPS, 0.8 x 0.8 x 2.5 mm."""
    affine = np.diag([-0.8, -0.8, 2.5, 1.0])
    affine[:3, 3] = [25.0, 30.0, -60.0]
    return Desk(tmp_path, Geometry((64, 64, 48), affine))


@pytest.fixture
def desk_at(tmp_path):
    """Function: a folder's name and a grid to a desk with a case on that grid."""
    return lambda name, geometry: Desk(tmp_path / name, geometry)


class Scan:
    """A case in memory: masks, each network's bytes by organ, and the CT, all on one grid."""

    def __init__(self, geometry, masks, networks, hu, *, organs=None):
        self.geometry = geometry
        self.masks = masks
        self.networks = networks
        self.hu = hu
        self.organs = organs or tuple(masks)

    def turned(self, orientation):
        """Give the same case, stored with its axes pointing where said."""

        def turn(voxels):
            return np.asfortranarray(Volume(voxels, self.geometry).reoriented(orientation).voxels)

        return Scan(
            self.geometry.reoriented(orientation),
            {name: turn(mask) for name, mask in self.masks.items()},
            [{name: turn(values) for name, values in one.items()} for one in self.networks],
            turn(self.hu),
            organs=self.organs,
        )

    def tilted(self, rotation):
        """Give the same voxels in a patient that lies turned by a matrix `(3, 3)`."""
        affine = self.geometry.affine.copy()
        affine[:3] = rotation @ affine[:3]
        grid = Geometry(self.geometry.shape, affine)
        return Scan(grid, self.masks, self.networks, self.hu, organs=self.organs)

    def gridded(self):
        """Look at it on its canonical grid."""
        parts = self.masks.items()
        masks = MaskSet.build(self.geometry, self.organs, parts)
        ct = None if self.hu is None else Volume(self.hu, self.geometry)
        return gridded_case(masks, [self._maps(one) for one in self.networks], ct)

    def stored(self, desk):
        """Write it where a desk has its files; give what its networks predicted."""
        write_nifti(desk.case.ct_path, Volume(self.hu, self.geometry))
        names = [f"network-{k}" for k in range(len(self.networks))]
        return [desk.predict(*one, self.masks) for one in zip(names, self.networks, strict=True)]

    def _maps(self, network):
        boxes = {name: bounding_box(values >= 3) for name, values in network.items()}
        parts = {name: BoxedArray(box, network[name][box]) for name, box in boxes.items() if box is not None}
        return ProbabilityMaps(self.geometry, self.organs, parts)


def _ball(geometry, centre_mm, radii_mm):
    """Give the probability (bytes) of an ellipsoid with a soft rim."""
    places = geometry.to_mm(np.stack(np.indices(geometry.shape), axis=-1))
    away = np.linalg.norm((places - centre_mm) / radii_mm, axis=-1)
    return np.rint(255 / (1 + np.exp(12 * (away - 1)))).astype(np.uint8)


@pytest.fixture(scope="session")
def ball():
    """Function: `(geometry, centre_mm, radii_mm)` to a network's bytes for an ellipsoid."""
    return _ball


@pytest.fixture(scope="session")
def scan_of():
    """The class of made cases in memory."""
    return Scan


@pytest.fixture(scope="session")
def scan():
    """A sure liver; a spleen on which two networks differ and that has a faint lobe; no right kidney."""
    affine = np.diag([-3.1, -3.7, 5.0, 1.0])
    affine[:3, 3] = [85.0, 87.0, -88.0]
    grid = Geometry((56, 48, 36), affine)
    liver = _ball(grid, (35, 0, 5), (36, 50, 60))
    spleen = _ball(grid, (-44, 10, 0), (21, 26, 34))
    lobe = _ball(grid, (-44, -36, 36), (21, 21, 24)) // 2
    other = _ball(grid, (-44, 26, -16), (21, 26, 34))
    empty = np.zeros(grid.shape, dtype=np.uint8)
    first = {"liver": liver, "spleen": np.maximum(spleen, lobe), "kidney_right": empty}
    second = {"liver": liver, "spleen": other, "kidney_right": empty}
    masks = {name: values > 127 for name, values in first.items()}
    hu = np.random.default_rng(3).normal(0.0, 15.0, grid.shape)
    hu += 60.0 * masks["liver"] + 100.0 * masks["spleen"]
    return Scan(grid, masks, [first, second], hu.astype(np.int16))


def _log_odds_prior(*, flag_over=0.2, least_error_ml=0.1):
    """Give a prior by which a level means what the shipped weights were fitted to mean."""
    share = 1 / (1 + np.exp(-np.linspace(-9.0, 5.0, LEVELS)))
    return Prior({"": LevelCounts(np.ones(LEVELS), share, 20)}, flag_over, least_error_ml)


@pytest.fixture(scope="session")
def prior():
    """A prior made by hand."""
    return _log_odds_prior()


@pytest.fixture(scope="session")
def prior_of():
    """Function: `flag_over`, `least_error_ml` to a prior made by hand."""
    return _log_odds_prior


@pytest.fixture
def shipped_by_hand(prior, monkeypatch):
    """Let the prior made by hand be the one that ships."""
    monkeypatch.setattr(calibration_module, "shipped_prior", lambda: prior)
    return prior
