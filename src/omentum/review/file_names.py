"""Read from a file's or a segment's name which organ it is of, and whether a reader revised it."""

import difflib
import re
from dataclasses import dataclass

from omentum.errors import UnknownOrganError
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.organ_words import organ_in_words

__all__ = ["NamedOrgan", "nearest_organ", "organ_in_name"]

_ENDING = re.compile(r"(?:\.seg)?\.(?:nii|nii\.gz|nrrd|nhdr|mha|mhd|hdr|hdr\.gz)$", re.IGNORECASE)
_LABEL = re.compile(r"[ _.-]+label(?:map)?$", re.IGNORECASE)
"""What 3D Slicer adds to the name of a label map that it exports."""
_COPY = re.compile(r"(?: ?\(\d+\)|[ _.-]+\d+|[ _-]+copy(?:[ _]?\(?\d+\)?)?)$", re.IGNORECASE)
"""What browsers, systems and 3D Slicer add to the name of a file that is there already."""
_REVISED = re.compile(r"[ _.-]+revised$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedOrgan:
    """What a name says."""

    organ: str | None
    """The organ; `None` if there is none of that name."""
    text: str
    """The part of the name where an organ's would be."""
    is_revised: bool
    """Whether it says that a reader revised or accepted the mask."""


def organ_in_name(name: str) -> NamedOrgan:
    """Find the organ in the name of a file or a segment, whatever its spelling, ending or number.

    Example:
        >>> organ_in_name("Liver_Revised (1).nii.gz")
        NamedOrgan(organ='liver', text='Liver', is_revised=True)
        >>> organ_in_name("liver_revised-label.nrrd").organ
        'liver'
        >>> organ_in_name("livre_revised.seg.nrrd").organ is None
        True
    """
    stem = _LABEL.sub("", _ENDING.sub("", name).strip())
    shorter = _COPY.sub("", stem)
    found = _read(stem)
    return _read(shorter) if found.organ is None and shorter else found


def _read(stem: str) -> NamedOrgan:
    text = _REVISED.sub("", stem)
    is_revised = text != stem
    name = re.sub(r"[ .-]+", "_", text.strip().lower())
    try:
        return NamedOrgan(organ=organ(name).name, text=text, is_revised=is_revised)
    except UnknownOrganError:
        return NamedOrgan(organ=organ_in_words(text), text=text, is_revised=is_revised)


def nearest_organ(text: str) -> str | None:
    """Give the organ whose name is most like a text; `None` if none is.

    Example:
        >>> nearest_organ("livre"), nearest_organ("xyz")
        ('liver', None)
    """
    close = difflib.get_close_matches(text.lower(), [row.name for row in ORGANS], n=1)
    return close[0] if close else None
