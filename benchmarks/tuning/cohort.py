"""Which patients are there? Synthetic ones on the network's own grid, each with its true labels.

In:  seeds.
Out: Hounsfield units and 32-class labels at 6 mm; each patient kept below scratch/, for rendering one takes
     as long as two steps of training. Nobody is both learned from and judged on: the ranges of seeds differ.

The grid is coarse so that full training ends within half an hour on two cores; every arm sees the same one.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from omentum.phantoms.phantom import make_phantom
from omentum.records import MaskSource
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import writing
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet
from tuning.kept import SCRATCH, code_sha256

__all__ = ["SPACING_MM", "Patient", "case_of", "groups", "patients"]

SPACING_MM = 6.0
STYLE = "mixed"
"""Four contrast phases and a hospital's mixture of bodies."""
FIRST_LEARNED, FIRST_VALIDATION, FIRST_TEST = 60_000, 63_000, 62_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patient:
    """One synthetic patient.

    Attributes:
        seed: What the patient was made from.
        hu: int16 `(x, y, z)`, axes pointing R, A, S.
        truth: 32-class indices, uint8, on the same grid.
        geometry: The grid.
    """

    seed: int
    hu: npt.NDArray[np.int16]
    truth: npt.NDArray[np.uint8]
    geometry: Geometry


def groups(n_learned: int, n_validation: int, n_test: int) -> tuple[list[Patient], ...]:
    """Give patients to learn from, to judge on meanwhile, and for the end; made now or found as before."""
    firsts = ((FIRST_LEARNED, n_learned), (FIRST_VALIDATION, n_validation), (FIRST_TEST, n_test))
    return tuple(patients(first, number) for first, number in firsts)


def patients(
    first_seed: int, number: int, *, style: str = STYLE, spacing_mm: float = SPACING_MM
) -> list[Patient]:
    """Give patients with consecutive seeds; made now or found as before."""
    return [_patient(seed, style, spacing_mm) for seed in range(first_seed, first_seed + number)]


def case_of(
    patient: Patient, labels: npt.NDArray[np.uint8], sources: dict[str, MaskSource], kind: str
) -> PreparedCase:
    """Give a patient as training sees one.

    Args:
        patient: Whose CT it is.
        labels: Of the organs in `sources`; what else is there counts as unknown.
        sources: What each organ's label counts as.
        kind: Tells cases of one patient with different labels apart.
    """
    return PreparedCase(
        case_id=f"patient_{patient.seed}",
        hu=patient.hu,
        masks=MaskSet.from_labels(labels, patient.geometry, sources),
        sources=sources,
        key=f"{patient.seed}-{kind}",
    )


def _patient(seed: int, style: str, spacing_mm: float) -> Patient:
    path = SCRATCH / f"patients-{_phantoms_code()}" / f"{style}-{spacing_mm:g}-{seed}.npz"
    if not path.is_file():
        made = make_phantom(seed, spacing_mm=(spacing_mm,) * 3, style=style)
        hu, truth, affine = made.ct.voxels, made.labels.voxels, made.ct.geometry.affine
        with writing(path) as part, part.open("wb") as stream:
            np.savez_compressed(stream, hu=hu, truth=truth, affine=affine)
    with np.load(path) as kept:
        hu, truth, affine = kept["hu"], kept["truth"], kept["affine"]
    return Patient(seed=seed, hu=hu, truth=truth, geometry=Geometry(hu.shape, affine))


@cache
def _phantoms_code() -> str:
    return code_sha256(["phantoms"])[:8]
