"""Trace each mask of a release: who or what made it, when, and from which files; `lineage.json`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omentum import __version__
from omentum.assemble.inputs import CaseInputs
from omentum.records import MaskSource, Revision, StandingMask
from omentum.records.released_cases import LINEAGE_NAME
from omentum.volumes.file_hash import file_sha256

__all__ = [
    "LINEAGE_NAME",
    "Lineage",
    "held_back",
    "input_hashes",
    "origin_of",
    "read_lineage",
]

Lineage = dict[str, Any]
"""What `lineage.json` holds."""


def read_lineage(folder: Path) -> Lineage:
    """Read the lineage of a case of a release; it is written last: where it is, the case is whole."""
    loaded: Lineage = json.loads((folder / LINEAGE_NAME).read_text(encoding="utf-8"))
    return loaded


def held_back(inputs: CaseInputs) -> dict[str, list[str]]:
    """Say of each organ whose mask is held back what was found of it."""
    return {one.organ: [found.said for found in one.findings] for one in inputs.held}


def origin_of(inputs: CaseInputs, mask: StandingMask) -> dict[str, Any]:
    """Say who or what made a mask, when, what was found of it, and who decided that it stands."""
    row: dict[str, Any] = {"source": mask.source.value, **_made_by(inputs, mask)}
    if mask.revision is not None and mask.source is not MaskSource.REVISED:
        row["revision_kept_beside"] = mask.revision.sha256
    decision = inputs.decision_of(mask)
    if decision is not None:
        row["decided_by"] = {"kind": decision.kind.value, "by": decision.by}
    conflicts = inputs.conflicts_of(mask.organ)
    if conflicts:
        row["conflicts"] = [
            {"revision_sha256": one.sha256, "reader": one.reader, "time": _text(one.time)}
            for one in conflicts
        ]
    return {**row, "flags": [found.said for found in mask.findings]}


def _made_by(inputs: CaseInputs, mask: StandingMask) -> dict[str, Any]:
    label, prediction = inputs.facts.label, inputs.prediction
    if mask.source is MaskSource.REVISED and mask.revision is not None:
        return _read_by(mask.revision)
    if mask.source is MaskSource.PREDICTED and prediction is not None:
        made = {"network": prediction.network, "weights_sha256": prediction.weights_sha256}
        return {**made, "time": _text(prediction.time or _written(mask.path))}
    return {"time": _text(label.time if label is not None else _written(mask.path))}


def _read_by(revision: Revision) -> dict[str, Any]:
    return {
        "reader": revision.reader,
        "round": revision.round_number,
        "says": revision.says.value,
        "network_shown": revision.network,
        "base_sha256": revision.base_sha256,
        "time": _text(revision.time),
        "revision_sha256": revision.sha256,
    }


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def input_hashes(inputs: CaseInputs, *, ct_sha256: str | None = None) -> dict[str, Any]:
    """Give all that the result depends on; a case is not redone while this stays the same.

    Hashes are those that were kept when the files were written; a file is hashed only where an older version
    of the program did not keep its hash.

    Args:
        inputs: What is known of the case.
        ct_sha256: Hash of the CT, where it has just been read.
    """
    case, facts, prediction = inputs.case, inputs.facts, inputs.prediction
    label_path = case.original_label_path if case.original_organs else None
    label_sha256 = facts.label.sha256 if facts.label else None
    return {
        "program": __version__,
        "ct": inputs.ct_sha256 or ct_sha256 or _hashed(case.ct_path),
        "patient_id": case.patient_id,
        "held_out": case.held_out,
        "data_set": [inputs.data_set.name, inputs.data_set.licence],
        "original_label": (label_sha256 or _hashed(label_path)) if label_path else None,
        "original_organs": list(case.original_organs),
        "masks": (prediction.masks_sha256 or _hashed(prediction.masks_path)) if prediction else None,
        "network": f"{prediction.network}/{prediction.weights_sha256}" if prediction else None,
        "revisions": sorted(f"{one.organ}/{one.sha256}/{one.reader}/{one.time}" for one in facts.revisions),
        "decisions": [
            f"{one.organ}/{one.kind}/{one.stands}/{one.revision_number}/{one.by}" for one in facts.decisions
        ],
        "held_back": held_back(inputs),
        "flags": {one.organ: [found.said for found in one.findings] for one in inputs.masks if one.findings},
        "ct_flags": [found.said for found in inputs.ct_findings],
    }


def _hashed(path: Path) -> str | None:
    return file_sha256(path) if path.is_file() else None
