"""Turn findings into JSON and back."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from omentum.records import MaskFinding

__all__ = ["finding_rows", "findings_of"]


def finding_rows(findings: Iterable[MaskFinding]) -> list[dict[str, Any]]:
    """Give what the database keeps."""
    return [asdict(one) for one in findings]


def findings_of(rows: Iterable[dict[str, Any]]) -> tuple[MaskFinding, ...]:
    """Give the records that were kept."""
    return tuple(MaskFinding(**row) for row in rows)
