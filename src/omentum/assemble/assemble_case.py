"""Write one case of a release: the CT, a mask for each organ, the combined map and their lineage."""

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from omentum.assemble.compositing import open_slice_masks
from omentum.assemble.inputs import CaseInputs
from omentum.assemble.lineage import (
    LINEAGE_NAME,
    Lineage,
    held_back,
    input_hashes,
    origin_of,
    read_lineage,
)
from omentum.errors import ReleaseError
from omentum.records import MaskSource
from omentum.volumes.atomic import flushed_together, write_json
from omentum.volumes.file_hash import copied_sha256, file_sha256
from omentum.volumes.mask_files import write_label_table
from omentum.volumes.nifti import VoxelStream, write_zeros, writing_nifti

__all__ = ["assemble_case", "is_assembled"]

_COMBINED = "combined_labels.nii.gz"


def assemble_case(inputs: CaseInputs, folder: Path) -> Lineage:
    """Write one case of a release.

    Writes `ct.nii.gz`, `segmentations/<organ>.nii.gz` (uint8 0/1) for each organ of which a mask
    stands, `combined_labels.nii.gz` (32-class indices), `labels.json`, `lineage.json`. The organ files keep
    overlaps; `omentum.assemble.compositing` says what lies on top in the combined map. One slice of each
    file is in memory at a time.

    Args:
        inputs: What is known of the case.
        folder: Made where it is missing; files of the same names are replaced.

    Returns:
        What `lineage.json` holds.

    Raises:
        GridMismatchError: A mask does not lie on the CT's grid.
        ImageError: A file cannot be read.
        ReleaseError: The CT, the original label or the predicted masks are not the files that came in.
    """
    case = inputs.case
    organs = [mask.organ for mask in inputs.masks]
    _check_masks(inputs)
    with flushed_together():  # they count once there is a lineage
        ct_sha256 = copied_sha256(case.ct_path, folder / "ct.nii.gz")
        _check(case.ct_path, ct_sha256, inputs.ct_sha256)
        n_voxels = _write_maps(inputs, folder)
        write_label_table(folder / "labels.json")
    files = {path: file_sha256(folder / path) for path in _map_names(organs)}
    lineage: Lineage = {
        "case_id": case.case_id,
        "patient_id": case.patient_id,
        "held_out": case.held_out,
        "data_set": {"name": inputs.data_set.name, "licence": inputs.data_set.licence},
        "organs": {
            mask.organ: {
                **origin_of(inputs, mask),
                "volume_ml": round(n_voxels[mask.organ] * case.geometry.voxel_ml, 4),
                "sha256": files[_mask_name(mask.organ)],
            }
            for mask in inputs.masks
        },
        "held_back": held_back(inputs),
        "ct_flags": [found.said for found in inputs.ct_findings],
        "painted_from_bottom_to_top": organs,
        "files": {**files, "ct.nii.gz": ct_sha256},
        "inputs": input_hashes(inputs, ct_sha256=ct_sha256),
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


def _check_masks(inputs: CaseInputs) -> None:
    """Refuse original and predicted masks that have changed since they were hashed."""
    kept = {mask.path: mask.sha256 for mask in inputs.masks if mask.source is not MaskSource.REVISED}
    for path, sha256 in kept.items():
        if sha256:
            _check(path, file_sha256(path), sha256)


def _check(path: Path, sha256: str, kept: str | None) -> None:
    if kept is not None and sha256 != kept:
        raise ReleaseError(
            f"{path} is not the file that came in: its SHA-256 is {sha256[:12]}..., and {kept[:12]}... was "
            "kept; bring that file back, or run the step that wrote it again"
        )


def _write_maps(inputs: CaseInputs, folder: Path) -> dict[str, int]:
    """Write the organs' files and the combined map together; give each organ's number of voxels."""
    geometry = inputs.case.geometry
    side_x, side_y, _ = geometry.shape
    n_voxels = dict.fromkeys((mask.organ for mask in inputs.masks), 0)
    with ExitStack() as files:

        def opened(name: str) -> VoxelStream:
            return files.enter_context(writing_nifti(folder / name, geometry, np.uint8))

        slices = files.enter_context(open_slice_masks(inputs))
        streams = {name: opened(_mask_name(name)) for name in n_voxels}
        combined = opened(_COMBINED)
        for one_slice in slices:
            for name, stream in streams.items():
                mask = one_slice.masks.get(name)
                if mask is None:
                    write_zeros(stream, side_x * side_y)
                else:
                    stream.write(mask.data)
                    n_voxels[name] += int(np.count_nonzero(mask.view(np.bool_)))  # three times as fast
            combined.write(one_slice.combined.data)
    return n_voxels


def _mask_name(organ_name: str) -> str:
    return f"segmentations/{organ_name}.nii.gz"


def _map_names(organs: list[str]) -> list[str]:
    return [_COMBINED, "labels.json", *sorted(map(_mask_name, organs))]
