"""Records of the mask that stands for each organ of a case."""

from dataclasses import dataclass
from pathlib import Path

from omentum.records.cases import Case, MaskSource
from omentum.records.findings import MaskFinding
from omentum.records.review import Revision

__all__ = ["HeldBackMask", "LabelledCase", "StandingMask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingMask:
    """The mask that counts for one organ of one case now."""

    organ: str
    source: MaskSource
    path: Path
    """A label map of 32-class indices (original), a 0/1 mask (revised), a set-coded map (predicted)."""
    sha256: str
    """Of the file (original, predicted) or of the voxels and their grid (revised); empty if not kept."""
    revision: Revision | None = None
    """The revision that stands, or the last word of readers beside an original label that stands."""
    findings: tuple[MaskFinding, ...] = ()
    """What the plausibility rules say of it and no person has confirmed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBackMask:
    """A mask that would stand, and is held back by a severe finding until a person confirms it."""

    organ: str
    source: MaskSource
    findings: tuple[MaskFinding, ...]
    revision: Revision | None = None
    """The revision that is held back, if it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledCase:
    """A case with the mask that stands for each organ; an organ that is absent here is unknown."""

    case: Case
    masks: tuple[StandingMask, ...]
    held: tuple[HeldBackMask, ...] = ()
    """Masks that are held back; their organs are unknown here."""
