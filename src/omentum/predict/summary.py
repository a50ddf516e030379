"""Summarize a prediction as `summary.json`, which is written last and lists the files of its folder."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from omentum import __version__
from omentum.predict.predictors import PredictedCase
from omentum.records import MaskFinding

__all__ = [
    "SUMMARY",
    "finding_row",
    "listed_files",
    "read_summary",
    "remove_listed_files",
    "summary_of",
]

SUMMARY = "summary.json"


def summary_of(
    settings: Mapping[str, Any],
    made: PredictedCase,
    seconds: Mapping[str, float],
    *,
    findings: Iterable[MaskFinding] = (),
) -> dict[str, Any]:
    """Summarize one prediction.

    Args:
        settings: See `Predictor.settings`.
        made: The prediction.
        seconds: Time of the steps before and after it.
        findings: Of the plausibility rules.
    """
    volumes, removed = made.masks.volumes_ml(), made.removed_ml
    return {
        "omentum": __version__,
        "made_with": dict(settings),
        "organs": {
            name: {"volume_ml": round(volumes[name], 3), "removed_ml": _rounded(removed.get(name, {}))}
            for name in made.masks.organs
        },
        "notes": list(made.notes),
        "findings": [finding_row(one) for one in findings],
        "device": made.device,
        "seconds": _rounded(
            {**made.seconds, **seconds, "total": sum([*made.seconds.values(), *seconds.values()])}
        ),
    }


def finding_row(finding: MaskFinding) -> dict[str, Any]:
    """Return a finding for JSON."""
    return {
        "organ": finding.organ,
        "rule": finding.rule,
        "said": finding.said,
        "severity": round(finding.severity, 3),
        "holds": finding.holds,
    }


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary in a folder; empty if there is none of ours."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(summary, dict) and isinstance(summary.get("made_with"), dict)
    return summary if ours else {}


def listed_files(folder: Path) -> list[Path]:
    """Return the files that a folder's summary lists and that are inside the folder."""
    names = read_summary(folder).get("files")
    if not isinstance(names, list):
        return []
    paths = [folder / name for name in names if isinstance(name, str) and name.isprintable()]
    inside = [path for path in paths if path.resolve().is_relative_to(folder.resolve())]
    return [path for path in inside if not path.is_dir()]


def remove_listed_files(folder: Path, *, keep: Path) -> None:
    """Remove the files of an earlier prediction, and nothing else.

    Args:
        folder: Of the case.
        keep: Stays: the CT that is predicted now may be a file of the earlier prediction.
    """
    paths = [path for path in listed_files(folder) if path.resolve() != keep.resolve()]
    for path in paths:
        path.unlink(missing_ok=True)
    (folder / SUMMARY).unlink(missing_ok=True)
    emptied = {parent for path in paths for parent in path.relative_to(folder).parents if parent.parts}
    for parent in sorted(emptied, key=lambda parent: len(parent.parts), reverse=True):
        with suppress(OSError):  # it has a file of the user
            (folder / parent).rmdir()


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}
