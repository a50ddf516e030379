"""How does one case of a release come together?

In:  the masks that count (`priority.choose`), read one organ at a time.
Out: a folder with the CT, a 0/1 file for each organ, one combined label map, and their lineage: for
     each organ its source, who or what made it, when, and the hash of its file.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.assemble.lineage import (
    LINEAGE_NAME,
    Lineage,
    file_sha256,
    input_hashes,
    origin_of,
    original_path,
    read_lineage,
)
from omentum.assemble.priority import CaseInputs, Choice, choose
from omentum.errors import GridMismatchError
from omentum.records import Case, MaskSource
from omentum.volumes.atomic import copy, write_json
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import read_masks, write_label_table
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_mask
from omentum.volumes.volume import Volume

__all__ = ["assemble_case", "is_assembled"]

_Mask = npt.NDArray[np.bool_]


def assemble_case(inputs: CaseInputs, folder: Path) -> Lineage:
    """Write one case of a release.

    Writes `ct.nii.gz`, `segmentations/<organ>.nii.gz` (uint8 0/1) for each organ that any source knows,
    `combined_labels.nii.gz` (32-class indices), `labels.json`, `lineage.json`. The organ files keep
    overlaps; in the combined map an original mask covers a revised one, that covers a predicted one,
    and among equals the higher index lies on top.

    Args:
        inputs: What is known of the case.
        folder: Made where it is missing; files of the same names are replaced.

    Returns:
        What `lineage.json` holds.

    Raises:
        GridMismatchError: A mask does not lie on the CT's grid.
        ImageError: A file cannot be read.
        ReleaseError: The case names original organs, but has no original label.
    """
    case = inputs.case
    hashes = input_hashes(inputs)
    copy(case.ct_path, folder / "ct.nii.gz")
    combined = np.zeros(case.geometry.shape, dtype=np.uint8, order="F")
    organs: dict[str, dict[str, Any]] = {}
    for choice, mask in _masks(inputs):
        path = folder / "segmentations" / f"{choice.organ}.nii.gz"
        write_nifti(path, Volume(mask, case.geometry))
        combined[mask] = organ(choice.organ).index
        organs[choice.organ] = {
            **origin_of(inputs, choice),
            "volume_ml": round(int(np.count_nonzero(mask)) * case.geometry.voxel_ml, 4),
            "sha256": file_sha256(path),
        }
    write_nifti(folder / "combined_labels.nii.gz", Volume(combined, case.geometry))
    write_label_table(folder / "labels.json")
    lineage = {
        "case_id": case.case_id,
        "organs": organs,
        "painted_from_bottom_to_top": list(organs),
        "files": {path: file_sha256(folder / path) for path in _file_names(organs)},
        "inputs": hashes,
    }
    write_json(folder / LINEAGE_NAME, lineage)
    return lineage


def is_assembled(inputs: CaseInputs, folder: Path) -> bool:
    """Tell whether a folder holds this case, whole and from these very inputs."""
    if not (folder / LINEAGE_NAME).is_file():
        return False
    lineage = read_lineage(folder)
    present = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    is_whole = present == {LINEAGE_NAME, *lineage.get("files", ())}
    return is_whole and lineage.get("inputs") == input_hashes(inputs)


def _masks(inputs: CaseInputs) -> Iterator[tuple[Choice, _Mask]]:
    """Yield the masks that count, one at a time, from bottom to top."""
    choices = choose(inputs)
    yield from _predicted(inputs, _from(MaskSource.PREDICTED, choices))
    for choice in _from(MaskSource.REVISED, choices):
        if choice.revision is not None:
            yield choice, read_mask(choice.revision.path, inputs.case.geometry).voxels > 0
    yield from _original(inputs.case, _from(MaskSource.ORIGINAL, choices))


def _from(source: MaskSource, choices: Sequence[Choice]) -> list[Choice]:
    return [choice for choice in choices if choice.source is source]


def _predicted(inputs: CaseInputs, choices: Sequence[Choice]) -> Iterator[tuple[Choice, _Mask]]:
    if not choices or inputs.prediction is None:
        return
    path = inputs.prediction.masks_path
    masks = read_masks(path)
    if not masks.geometry.same_grid(inputs.case.geometry):
        raise GridMismatchError(path, "its grid is not the CT's", "run `omentum predict` again for this case")
    for choice in choices:
        yield choice, masks.mask(choice.organ)


def _original(case: Case, choices: Sequence[Choice]) -> Iterator[tuple[Choice, _Mask]]:
    if not choices:
        return
    labels = read_mask(original_path(case), case.geometry).voxels
    for choice in choices:
        yield choice, labels == organ(choice.organ).index


def _file_names(organs: dict[str, dict[str, Any]]) -> list[str]:
    masks = [f"segmentations/{name}.nii.gz" for name in organs]
    return ["combined_labels.nii.gz", "ct.nii.gz", "labels.json", *sorted(masks)]
