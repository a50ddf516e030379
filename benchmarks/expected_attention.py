"""How is a CT scored by recipe expected-error? Run by attention_speed.py, in a process of its own.

python benchmarks/expected_attention.py make|score FOLDER NX NY NZ SX SY SZ

`make` writes a CT with the predictions of three synthetic networks; `score` reads them, writes the attention,
and prints its seconds.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from omentum.records import Case, Prediction
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS

NINE = SUBSETS["abdomenatlas-1.0"]
NETWORKS = ("first", "second", "third")
NETWORK_MM = 3.0


def main(side: str, folder: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, ...]) -> None:
    geometry = Geometry(shape, np.diag([*spacing_mm, 1.0]))
    made = [
        Prediction(case_id="one", network=name, weights_sha256="0" * 64, folder=folder / name, organs=NINE)
        for name in NETWORKS
    ]
    if side == "make":
        make(folder, geometry, made)
        return
    from omentum.score.calibration import Calibration, shipped_prior
    from omentum.score.error_model import shipped_model
    from omentum.score.expected_case import score_expected_case

    case = Case(
        case_id="one", patient_id="one", ct_path=folder / "ct.nii.gz", geometry=geometry, source="made up"
    )
    calibration = Calibration(shipped_prior())
    shipped_model()
    started = time.perf_counter()
    score = score_expected_case(case, made, NINE, folder / "attention", calibration)
    told = {
        "seconds": time.perf_counter() - started,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "spots": sum(len(one.spots_ml) for one in score.organs),
    }
    print(json.dumps(told))


def make(folder: Path, geometry: Geometry, predictions: list[Prediction]) -> None:
    """Make a phantom, and three networks that see its organs a little beside where they are."""
    from scipy import ndimage

    from omentum.phantoms.phantom import make_phantom
    from omentum.volumes.labels import organ
    from omentum.volumes.mask_files import write_masks
    from omentum.volumes.masks import MaskSet
    from omentum.volumes.nifti import write_nifti
    from omentum.volumes.probabilities import ProbabilityMaps, write_probabilities
    from omentum.volumes.resample import nearest_voxels
    from omentum.volumes.volume import Volume

    x, y, z = np.diag(geometry.affine)[:3].tolist()
    phantom = make_phantom(7, shape=geometry.shape, spacing_mm=(x, y, z))
    write_nifti(folder / "ct.nii.gz", Volume(phantom.ct.voxels, geometry))
    grid = geometry.spaced((NETWORK_MM,) * 3)
    small = phantom.labels.voxels[np.ix_(*nearest_voxels(geometry, grid))]
    for k, one in enumerate(predictions):
        moved = np.roll(small, k - 1, axis=k)
        parts = {}
        for name in NINE:
            blurred = ndimage.gaussian_filter((moved == organ(name).index).astype(np.float32), 1.0)
            values = np.rint(blurred * 255).astype(np.uint8)
            part = BoxedArray.cut_out(values, least=3, margin_voxels=1)
            if part is not None:
                parts[name] = part
        write_probabilities(one.probabilities_path, ProbabilityMaps(grid, NINE, parts))
        back = moved[np.ix_(*nearest_voxels(grid, geometry))]
        write_masks(one.masks_path, MaskSet.from_labels(back, geometry, NINE))


if __name__ == "__main__":
    numbers = sys.argv[3:]
    main(
        sys.argv[1],
        Path(sys.argv[2]),
        (int(numbers[0]), int(numbers[1]), int(numbers[2])),
        tuple(float(one) for one in numbers[3:]),
    )
