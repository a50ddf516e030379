"""Sum up a prediction for people and programs, as `summary.json`.

In:  the settings, what came of them, and what the plausibility rules say.
Out: a summary; where one is on disk, all the files that it tells of are.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from omentum import __version__
from omentum.predict.predictors import Predicted
from omentum.records import MaskFinding

__all__ = ["SUMMARY", "finding_row", "read_summary", "summary_of"]

SUMMARY = "summary.json"


def summary_of(
    settings: Mapping[str, Any],
    made: Predicted,
    seconds: Mapping[str, float],
    *,
    findings: Iterable[MaskFinding] = (),
) -> dict[str, Any]:
    """Sum up one prediction.

    Args:
        settings: All that decides what it is.
        made: The prediction.
        seconds: Time of the steps before and after it.
        findings: What the plausibility rules say of it.
    """
    volumes, removed = made.masks.volumes_ml(), made.decided.removed_ml
    return {
        "omentum": __version__,
        "made_with": dict(settings),
        "organs": {
            name: {"volume_ml": round(volumes[name], 3), "removed_ml": _rounded(removed.get(name, {}))}
            for name in made.masks.organs
        },
        "notes": list(made.decided.notes),
        "findings": [finding_row(one) for one in findings],
        "seconds": _rounded(
            {**made.seconds, **seconds, "total": sum([*made.seconds.values(), *seconds.values()])}
        ),
    }


def finding_row(finding: MaskFinding) -> dict[str, Any]:
    """Give what people and programs read of a finding."""
    return {
        "organ": finding.organ,
        "rule": finding.rule,
        "said": finding.said,
        "severity": round(finding.severity, 3),
        "holds": finding.holds,
    }


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the summary in a folder; empty where there is none of ours."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    ours = isinstance(summary, dict) and isinstance(summary.get("made_with"), dict)
    return summary if ours else {}


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in values.items()}
