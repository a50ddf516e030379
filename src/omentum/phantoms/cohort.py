"""Write a folder of synthetic patients: `<case_id>/ct.nii.gz` and `labels.nii.gz`, one case a seed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omentum.phantoms.phantom import make_phantom
from omentum.volumes.nifti import write_nifti

__all__ = ["write_cohort"]


def write_cohort(folder: Path, seeds: Iterable[int], **options: Any) -> list[Path]:
    """Write one case for each seed; options are those of `make_phantom`.

    Returns:
        The case folders, `folder/phantom_0007` for seed 7.

    Raises:
        ConfigError: An option is out of its range.
    """
    cases = []
    for seed in seeds:
        phantom = make_phantom(seed, **options)
        case = folder / f"phantom_{seed:04d}"
        case.mkdir(parents=True, exist_ok=True)
        write_nifti(case / "ct.nii.gz", phantom.ct)
        write_nifti(case / "labels.nii.gz", phantom.labels)
        cases.append(case)
    return cases
