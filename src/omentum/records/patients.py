"""Records of patients: what a CT's source says of its patient, and what ties a case to other cases."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["LinkKind", "PatientIdentity", "PatientLink", "Shared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """What the source of a CT says of its patient and study; keyed hashes in place of identifiers."""

    named: str = ""
    """Pseudonym of the patient that the source names; empty if it names none."""
    also_named: tuple[str, ...] = ()
    """Its other pseudonyms: of the name in another spelling, and as the data set's description has it."""
    study: str = ""
    """Keyed hash of the StudyInstanceUID; empty if there is none that can be relied on."""
    frame: str = ""
    """Keyed hash of the FrameOfReferenceUID; empty if there is none that can be relied on."""
    sex: str = ""
    """`F` or `M`; empty if unknown or other."""
    birth_year: str = ""
    """Keyed hash of the year of birth; empty if unknown."""
    birth_date: str = ""
    """Keyed hash of the date of birth; empty if unknown."""
    age_decade: int | None = None
    """Age at the study in full decades, 40 for 40 to 49; `None` if unknown."""


class Shared(StrEnum):
    """What two cases have in common."""

    VOXELS = "the same voxels"
    SLICES = "some of the same slices"
    THUMBNAIL = "an alike CT"
    STUDY = "the same study"
    FRAME = "the same frame of reference"
    NAME = "the same patient by name in the source"


class LinkKind(StrEnum):
    """What follows from that two cases have something in common."""

    JOINED = "joined"
    """They count as one patient."""
    APART = "apart"
    """They seem to be of one patient, and count as two, as both patients were known before."""
    SPLIT = "split"
    """Their sources name one patient and contradict each other, so they count as two."""
    CONTRADICTS = "contradicts"
    """They count as one patient, though something contradicts it."""
    WORN_OUT = "worn_out"
    """They share a UID that CTs of several patients have, so that it joins no further ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientLink:
    """What ties a case to another one."""

    other: str
    """The other case."""
    why: str
    """What both have in common, or what contradicts it, in a few words."""
    kind: LinkKind = LinkKind.JOINED

    def __str__(self) -> str:
        """Give the line for people.

        Example:
            >>> str(PatientLink(other="a", why="same study"))
            'it counts for the patient of a: same study'
        """
        told = {
            LinkKind.JOINED: f"it counts for the patient of {self.other}: {self.why}",
            LinkKind.APART: f"it is probably of the same patient as {self.other} ({self.why}), and both "
            "patients were known before, so they stay apart",
            LinkKind.SPLIT: f"its source names the same patient as {self.other}, but {self.why}; it counts "
            "as another patient",
            LinkKind.CONTRADICTS: f"it counts for the patient of {self.other}, but {self.why}",
            LinkKind.WORN_OUT: f"it has {self.why} as {self.other}, and PatientID, sex or birth say they "
            "are several persons: a program seems to have written this UID for all, so it joins no more CTs",
        }
        return told[self.kind]
