"""Read the cases of a release for exports, with the inputs that are still in the project, hash for hash."""

from collections.abc import Mapping
from pathlib import Path

from omentum.assemble.lineage import LINEAGE_NAME, Lineage, read_lineage
from omentum.errors import ReleaseError
from omentum.records import Case, MaskSource
from omentum.records.released_cases import ReleasedCase, ReleasedMask
from omentum.volumes.file_hash import file_sha256

__all__ = ["read_release"]


def read_release(folder: Path, cases: Mapping[str, Case] | None = None) -> list[ReleasedCase]:
    """Read the cases of a release, by name.

    Args:
        folder: Of the release.
        cases: Of the project, by name, to find the files that each case was made from, by their hashes;
            if not given, they are not looked for.

    Raises:
        ReleaseError: There is no such folder, or no case in it.
    """
    found = sorted(folder.glob(f"*/{LINEAGE_NAME}")) if folder.is_dir() else []
    if not found:
        raise ReleaseError(f"{folder} holds no release; `omentum release list` shows which there are")
    known = cases or {}
    return [_released(path.parent, read_lineage(path.parent), known.get(path.parent.name)) for path in found]


def _released(folder: Path, lineage: Lineage, case: Case | None) -> ReleasedCase:
    inputs = lineage["inputs"]
    prediction = original = source = None
    if case is not None:
        network = (inputs["network"] or "").partition("/")[0]
        prediction = _still(case.ct_path.parent / "networks" / network / "masks.nii.gz", inputs["masks"])
        original = _original(case, inputs["original_label"])
        beside = None if original is None else original.with_name(original.name.replace("original", "source"))
        source = beside if beside is not None and beside.is_file() else None
    return ReleasedCase(
        case_id=lineage["case_id"],
        patient_id=lineage["patient_id"],
        data_set=lineage["data_set"]["name"],
        held_out=lineage["held_out"],
        folder=folder,
        masks=tuple(
            ReleasedMask(
                organ=name,
                source=MaskSource(row["source"]),
                path=folder / "segmentations" / f"{name}.nii.gz",
                volume_ml=row["volume_ml"],
                made_by=row.get("network") or row.get("reader") or "",
            )
            for name in lineage["painted_from_bottom_to_top"]
            for row in [lineage["organs"][name]]
        ),
        prediction_path=prediction,
        original_label_path=original,
        source_label_path=source,
    )


def _original(case: Case, sha256: str | None) -> Path | None:
    """Find the version of the original label that the release was made from, whichever it was."""
    if case.original_label_path is None:
        return None
    versions = sorted(case.ct_path.parent.glob("original_label*.nii.gz"))
    paths = dict.fromkeys([case.original_label_path, *versions])
    return next((path for path in paths if _still(path, sha256)), None)


def _still(path: Path, sha256: str | None) -> Path | None:
    """Give a path if the file is the one that the release was made from."""
    return path if sha256 is not None and path.is_file() and file_sha256(path) == sha256 else None
