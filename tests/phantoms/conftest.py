"""Synthetic patients and their anatomy before it is painted, built once; a toy person's label map."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from omentum.phantoms.anatomy_map import TOTALSEGMENTATOR, AnatomyMap, map_anatomy
from omentum.phantoms.patient import Patient, draw_patient
from omentum.phantoms.space import STEP_MM, Space, make_space
from omentum.phantoms.structure import Structure
from omentum.phantoms.styles import style_named
from omentum.phantoms.tissue import Tissues, draw_tissues
from omentum.phantoms.torso import Torso, make_torso
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume


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


RIBS_MM = (0.0, 30.0), (150.0, 105.0)
"""Middle and half axes, across and along, of the ribs' outer edge: a shell over the whole height."""
SOLIDS = {
    # id of TotalSegmentator: tissue, middle and radii in mm; later ones lie on top; they hardly touch
    86: ("muscle", (50, -45, 0), (24, 12, 900)),
    31: ("bone", (0, -6, 0), (16, 13, 900)),
    79: ("cord", (0, -29, 0), (9, 9, 900)),
    10: ("lung_left", (-70, 40, 112), (45, 45, 22)),
    14: ("lung_right", (70, 40, 112), (45, 45, 22)),
    18: ("intestine", (20, 70, -95), (60, 30, 25)),
    20: ("colon", (-100, 60, -80), (25, 25, 40)),
    5: ("liver", (60, 62, 25), (70, 42, 50)),
    6: ("stomach", (-55, 75, 30), (32, 30, 32)),
    1: ("spleen", (-103, 2, 40), (18, 22, 32)),
    7: ("pancreas", (-5, 62, -42), (40, 14, 13)),
    3: ("kidney_left", (-73, 10, -9), (19, 18, 36)),
    2: ("kidney_right", (70, 2, -20), (24, 18, 36)),
    4: ("gall_bladder", (50, 98, -48), (16, 16, 18)),
    63: ("postcava", (22, 24, 0), (12, 12, 900)),
    52: ("aorta", (-20, 24, 0), (12, 12, 900)),
}


@dataclass(frozen=True)
class Toy:
    """A person made of ellipsoids between z -140 and 140, as a label map; places in mm, x to the right."""

    grown: float = 1.0
    moved_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    without: tuple[str, ...] = ()

    def inside(self, tissue: str, places: np.ndarray) -> np.ndarray:
        """Tell which of the places, last axis x, y, z, are inside a tissue's ellipsoid."""
        middle, radii = next((np.array(m), np.array(r)) for name, m, r in SOLIDS.values() if name == tissue)
        return ((((places - self.moved_mm) / self.grown - middle) / radii) ** 2).sum(axis=-1) < 1

    def ribs(self, places: np.ndarray) -> np.ndarray:
        """Tell which places are in the shell of ribs."""
        flat = ((places - self.moved_mm) / self.grown)[..., :2] - RIBS_MM[0]
        outer, inner = (((flat / (np.array(RIBS_MM[1]) - thin)) ** 2).sum(axis=-1) < 1 for thin in (0, 8))
        return outer & ~inner

    def labels(self, spacing_mm=(4.0, 4.0, 4.0), orientation: str = "RAS") -> Volume:
        """Give TotalSegmentator's ids on a grid whose axes point as said; the places are the same for all."""
        low = np.array([-160.0, -84.0, -140.0]) * self.grown + self.moved_mm
        high = np.array([160.0, 144.0, 140.0]) * self.grown + self.moved_mm
        at = [np.arange(a, b + 1e-6, step) for a, b, step in zip(low, high, spacing_mm, strict=True)]
        places = np.stack(np.meshgrid(*at, indexing="ij"), axis=-1)
        voxels = np.zeros(places.shape[:3], dtype=np.uint8)
        if "bone" not in self.without:
            voxels[self.ribs(places)] = np.where(places[self.ribs(places)][:, 0] < 0, 92, 104)
        for value, (tissue, _, _) in SOLIDS.items():
            if tissue not in self.without:
                voxels[self.inside(tissue, places)] = value
        axes = ["RL AP SI".index(letter) // 3 for letter in orientation]
        affine = np.zeros((4, 4))
        affine[3, 3] = 1.0
        for column, (axis, letter) in enumerate(zip(axes, orientation, strict=True)):
            sign = 1.0 if letter in "RAS" else -1.0
            affine[axis, column] = sign * spacing_mm[axis]
            affine[axis, 3] = at[axis][0 if sign > 0 else -1]
        turned = voxels.transpose(axes)[
            tuple(slice(None, None, 1 if letter in "RAS" else -1) for letter in orientation)
        ]
        return Volume(np.ascontiguousarray(turned), Geometry(turned.shape, affine))

    def map(self, spacing_mm=(4.0, 4.0, 4.0), orientation: str = "RAS", name: str = "toy") -> AnatomyMap:
        return map_anatomy(name, self.labels(spacing_mm, orientation), TOTALSEGMENTATOR)


@pytest.fixture(scope="session")
def toy() -> type[Toy]:
    """Makes toy people."""
    return Toy


@pytest.fixture(scope="session")
def toy_map() -> AnatomyMap:
    """The average toy person; places in the atlas are nearly its own."""
    return Toy().map()


@pytest.fixture(scope="session")
def still() -> Patient:
    """A patient of average size who lies straight, with nothing unusual, whose scan has hardly any noise."""
    drawn = draw_patient(0, style_named("easy"))
    return replace(
        drawn,
        variation=0.0,
        size=(1.0, 1.0, 1.0),
        tilt_degrees=(0.0, 0.0, 0.0),
        has_gall_bladder=True,
        missing_kidney=None,
        lesions=0,
        oral_contrast=False,
        enhancement=1.0,
        fatty_liver=False,
        noise_hu=1e-3,
        has_table=True,
    )
