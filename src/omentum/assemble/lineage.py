"""Where does each mask of a release come from, and has anything changed since?

In:  what is known of a case, and the mask of each organ that counts.
Out: the rows and hashes of `lineage.json`.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omentum import __version__
from omentum.assemble.priority import CaseInputs, Choice
from omentum.errors import ReleaseError
from omentum.records import Case, MaskSource
from omentum.volumes.file_hash import file_sha256

__all__ = [
    "LINEAGE_NAME",
    "Lineage",
    "input_hashes",
    "origin_of",
    "original_path",
    "read_lineage",
]

LINEAGE_NAME = "lineage.json"
"""Written last: where it is, the case is whole."""

Lineage = dict[str, Any]
"""What `lineage.json` holds."""


def read_lineage(folder: Path) -> Lineage:
    """Read the lineage of a case of a release."""
    loaded: Lineage = json.loads((folder / LINEAGE_NAME).read_text(encoding="utf-8"))
    return loaded


def original_path(case: Case) -> Path:
    """Give the path of the original label.

    Raises:
        ReleaseError: The case names original organs, but has none.
    """
    if case.original_label_path is None:
        raise ReleaseError(
            f"case {case.case_id!r} names original organs ({', '.join(case.original_organs)}) "
            "but has no original label; add the case again with its label"
        )
    return case.original_label_path


def origin_of(inputs: CaseInputs, choice: Choice) -> dict[str, Any]:
    """Say who or what made a mask, and when; of predicted and original ones their file says when."""
    row: dict[str, Any] = {"source": choice.source.value}
    revision, prediction = choice.revision, inputs.prediction
    if choice.source is MaskSource.ORIGINAL:
        row["time"] = _written(original_path(inputs.case))
        if revision is not None:
            row["revision_kept_beside"] = revision.sha256
    elif revision is not None:
        row |= {"reader": revision.reader, "round": revision.round_number}
        row |= {"time": revision.time.isoformat(timespec="seconds"), "revision_sha256": revision.sha256}
    elif prediction is not None:
        row |= {"network": prediction.network, "weights_sha256": prediction.weights_sha256}
        row["time"] = _written(prediction.masks_path)
    return row


def _written(path: Path) -> str:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")


def input_hashes(inputs: CaseInputs, *, ct_sha256: str | None = None) -> dict[str, Any]:
    """Give all that the result depends on; a case is not redone while this stays the same.

    Args:
        inputs: What is known of the case.
        ct_sha256: Hash of the CT, where it has just been read.
    """
    case, prediction = inputs.case, inputs.prediction
    original = case.original_label_path if case.original_organs else None
    return {
        "program": __version__,
        "ct": ct_sha256 or file_sha256(case.ct_path),
        "patient_id": case.patient_id,
        "held_out": case.held_out,
        "data_set": [inputs.data_set.name, inputs.data_set.licence],
        "original_label": file_sha256(original) if original else None,
        "original_organs": list(case.original_organs),
        "masks": file_sha256(prediction.masks_path) if prediction else None,
        "network": f"{prediction.network}/{prediction.weights_sha256}" if prediction else None,
        "revisions": sorted(f"{one.organ}/{one.sha256}/{one.reader}/{one.time}" for one in inputs.revisions),
        "revised_over_original": sorted(inputs.revised_over_original),
        "flags": {name: list(flags) for name, flags in sorted(inputs.flags.items())},
    }
