"""Made-up patients and their anatomy before it is painted, built once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from omentum.phantoms.patient import Patient, draw_patient
from omentum.phantoms.space import STEP_MM, Space, make_space
from omentum.phantoms.structure import Structure
from omentum.phantoms.styles import style_named
from omentum.phantoms.tissue import Tissues, draw_tissues
from omentum.phantoms.torso import Torso, make_torso


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """What the makers of organs are given, and what tests ask of what they make."""

    patient: Patient
    space: Space
    torso: Torso
    tissues: Tissues

    def changed(self, **traits) -> "Body":
        """The same body, of a patient with other traits."""
        patient = replace(self.patient, **traits)
        return Body(patient, self.space, self.torso, draw_tissues(patient))

    def inside(self, structure: Structure) -> np.ndarray:
        """The structure's nodes on the whole coarse grid."""
        found = np.zeros(self.space.shape, dtype=bool)
        found[structure.box] = structure.distance < 0
        return found

    def volume_ml(self, structure: Structure) -> float:
        return float((structure.distance < 0).sum() * STEP_MM**3 / 1000)

    def middle_mm(self, structure: Structure) -> np.ndarray:
        """The structure's middle in the atlas."""
        hit = structure.distance < 0
        return np.array([axis[structure.box][hit].mean() for axis in self.space.points])


def build(seed: int, style: str = "mixed") -> Body:
    patient = draw_patient(seed, style_named(style))
    space = make_space(seed, patient.to_scanner, 3.0 * patient.variation)
    return Body(patient, space, make_torso(space, patient), draw_tissues(patient))


@pytest.fixture(scope="session")
def bodies() -> list[Body]:
    """Six patients of the mixed style."""
    return [build(seed) for seed in range(30, 36)]


@pytest.fixture(scope="session")
def body(bodies) -> Body:
    """A patient with nothing unusual."""
    return bodies[0].changed(
        lesions=0,
        missing_kidney=None,
        small_kidney=None,
        has_gall_bladder=True,
        effusion=False,
        has_table=True,
    )


@pytest.fixture(scope="session")
def named() -> Callable[[list[Structure], str], Structure]:
    """Find a structure by its name."""

    def find(structures: list[Structure], name: str) -> Structure:
        return next(structure for structure in structures if structure.name == name)

    return find
