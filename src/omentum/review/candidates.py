"""Find what a reader saved in a folder of tasks: every file is taken, known, or set aside with the reason."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import OmentumError
from omentum.project.project import Project
from omentum.project.standing import CaseFacts
from omentum.review.export import LABELS_NAME
from omentum.review.file_names import (
    NamedOrgan,
    is_system_file,
    nearest_organ,
    organ_in_name,
    stem_of,
)
from omentum.review.painted import exported_masks, painted_masks
from omentum.review.task_file import TASK_NAME, ShownOrgan, TaskFile
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organ
from omentum.volumes.library_errors import reading
from omentum.volumes.mask_hash import mask_sha256
from omentum.volumes.nifti import is_nifti
from omentum.volumes.organ_words import is_generic_name
from omentum.volumes.read import is_volume
from omentum.volumes.segmentations import NamedMask, read_segmentation

__all__ = ["NOT_A_MASK", "Candidate", "Found", "look_through_place", "named_organ"]

NOT_A_MASK = "it is not a mask (.nii, .nii.gz, .nrrd, .mha or .seg.nrrd)"
"""Why a note or a scene is set aside."""
_HEADERS_OF_DATA = {".raw": (".nhdr", ".mhd"), ".zraw": (".mhd",), ".gz": (".nhdr",)}
"""Endings of files that hold the voxels of a header beside them."""
_EXPORTED_ENDINGS = ("labels.json", "labels.label.txt", "labels.ctbl", "HOW_TO.txt", "ct.nii.gz")
"""What every version of the program exported, besides masks."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A mask that a reader may have handed in.

    Attributes:
        path: The file that it is in.
        organ: The organ.
        mask: Its voxels `(x, y, z)` on the CT's grid.
        sha256: Their hash.
        notes: What was done to place it, for people.
    """

    path: Path
    organ: str
    mask: npt.NDArray[np.bool_]
    sha256: str
    notes: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Found:
    """What became of the files of one place."""

    candidates: list[Candidate] = field(default_factory=list)
    known: list[tuple[Path, str]] = field(default_factory=list)
    """Files and why each is known."""
    set_aside: list[tuple[Path, str]] = field(default_factory=list)
    """Files and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where files are looked at."""

    project: Project
    facts: CaseFacts
    folder: Path
    task_file: TaskFile | None

    @property
    def network(self) -> str:
        return self.project.networks[0] if self.task_file is None else self.task_file.network

    def shown(self, name: str) -> str | None:
        """Give the hash of the mask of an organ that the folder shows; `None` where that is unknown."""
        if self.task_file is None:
            return None
        told = self.task_file.organs.get(name, ShownOrgan(organ=name)).base_sha256
        of_case = self.facts.case.case_id, self.task_file.network
        return told or self.project.store.predictions.hashes_of(*of_case).get(name)

    def is_exported(self, path: Path) -> bool:
        """Tell whether a file has the name of one that was exported into this folder."""
        if self.task_file is None or path.parent != self.folder:
            return False
        if self.task_file.files:
            return path.name in self.task_file.files
        return path.name in _EXPORTED_ENDINGS or path.name.startswith("attention_")


def named_organ(path: Path) -> NamedOrgan:
    """Read from a file's name which organ it is of."""
    return organ_in_name(stem_of(path.name))


def look_through_place(
    project: Project, facts: CaseFacts, folder: Path, task_file: TaskFile | None, files: list[Path]
) -> Found:
    """Sort the files of one case.

    Args:
        project: The project.
        facts: Of the case.
        folder: The folder of the case.
        task_file: What its `task.json` says; `None` where it has none.
        files: All files in it.
    """
    place = _Place(project=project, facts=facts, folder=folder, task_file=task_file)
    found = Found()
    for path in files:
        try:
            with reading(path):
                _sort(place, path, files, found)
        except OmentumError as error:  # this file's own trouble; the others go on
            found.set_aside.append((path, str(error).removeprefix(f"{path}: ")))
    return found


def _sort(place: _Place, path: Path, files: list[Path], found: Found) -> None:
    """Put one file where it belongs."""
    if reason := _known(place, path, files):
        found.known.append((path, reason))
    elif path.name == LABELS_NAME and place.task_file is not None and path.parent == place.folder:
        _add_painted(place, path, found)
    elif place.is_exported(path) and named_organ(path).organ is None:
        found.set_aside.append((path, "it was changed after it was exported, and nothing is taken from it"))
    elif not is_volume(path):
        found.set_aside.append((path, NOT_A_MASK))
    else:
        _add_masks(place, path, found)


def _known(place: _Place, path: Path, files: list[Path]) -> str:
    """Say why a file is known; empty where it has to be looked at."""
    if is_system_file(path.name) or "__MACOSX" in path.parts:
        return "a file of the operating system"
    if path == place.folder / TASK_NAME and place.task_file is not None:
        return "as exported"
    if place.is_exported(path):
        kept = place.task_file.files.get(path.name) if place.task_file is not None else None
        if kept is None or file_sha256(path) == kept:
            return "as exported"
    if place.task_file is None and path.name == "ct.nii.gz":
        return "a CT, which is not handed in"
    headers = _HEADERS_OF_DATA.get(path.suffix.lower(), ())
    of_header = next((one for one in files if one.suffix.lower() in headers and _is_data_of(path, one)), None)
    return f"the voxels of {of_header.name}" if of_header is not None else ""


def _is_data_of(path: Path, header: Path) -> bool:
    return path.parent == header.parent and path.name.split(".")[0] == header.name.split(".")[0]


def _add_painted(place: _Place, path: Path, found: Found) -> None:
    """Take an edited label map apart."""
    assert place.task_file is not None
    exported = exported_masks(place.project, place.facts, place.task_file)
    masks = painted_masks(path, place.facts, exported)
    if not masks:
        found.known.append((path, "its voxels are as exported"))
    elif place.task_file.masks_sha256 is None:
        reason = "it may have been changed, but an older version exported it and did not note what it was of"
        found.set_aside.append((path, f"{reason}; save each organ as <organ>_revised.nii.gz"))
    else:
        for name, mask in masks.items():
            found.candidates.append(_candidate(place, path, name, NamedMask(name=None, mask=mask)))


def _add_masks(place: _Place, path: Path, found: Found) -> None:
    """Take the masks of a file that a reader saved."""
    in_name = named_organ(path)
    if is_nifti(path) and (reason := _why_not(place, in_name)):
        found.set_aside.append((path, reason))
        return
    values = () if in_name.organ is None else (organ(in_name.organ).index,)
    masks = read_segmentation(path, place.facts.case.geometry, values=values)
    if len(masks) == 1 and is_generic_name(masks[0].name):
        _add_mask(place, path, in_name, masks[0], found)
        return
    n_before = len(found.candidates) + len(found.set_aside)
    for mask in masks:
        in_segment = organ_in_name(mask.name or "")
        problem = _problem(in_segment, in_name, mask, n_masks=len(masks))
        if problem:
            found.set_aside.append((path, f"its segment {mask.name!r} {problem}"))
        else:
            is_revised = in_segment.is_revised or in_name.is_revised or place.task_file is None
            named = NamedOrgan(organ=in_segment.organ, text=in_segment.text, is_revised=is_revised)
            _add_mask(place, path, named, mask, found, is_quiet=True)
    if len(found.candidates) + len(found.set_aside) == n_before:
        found.known.append((path, "its voxels are as exported"))


def _problem(in_segment: NamedOrgan, in_name: NamedOrgan, mask: NamedMask, *, n_masks: int) -> str:
    """Say why a segment cannot be taken; empty where it can."""
    if in_segment.organ is None:
        return f"is named after no organ{_hint(in_segment.text)}"
    if in_name.organ not in (None, in_segment.organ) and n_masks == 1:
        return f"says {in_segment.organ}, and the file's name {in_name.organ}; rename one of them"
    if n_masks > 1 and not mask.mask.any() and not in_segment.is_revised:
        return f"has no voxel; name it {in_segment.organ}_revised to say that the organ is absent"
    return ""


def _why_not(place: _Place, named: NamedOrgan) -> str:
    """Say why a mask of that name cannot be taken, whatever is in it; empty where it can."""
    if named.organ is None:
        return f"no organ is called {named.text!r}{_hint(named.text)}"
    if not named.is_revised and place.task_file is None:
        return f"its name does not end in _revised, and no {TASK_NAME} says what was shown"
    return ""


def _hint(text: str) -> str:
    nearest = nearest_organ(text)
    return f"; did you mean {nearest}?" if nearest else ""


def _add_mask(
    place: _Place, path: Path, named: NamedOrgan, mask: NamedMask, found: Found, *, is_quiet: bool = False
) -> None:
    """Take one mask; one that was only shown is taken if it was changed."""
    if reason := _why_not(place, named):
        found.set_aside.append((path, reason))
        return
    assert named.organ is not None
    one, shown = _candidate(place, path, named.organ, mask), place.shown(named.organ)
    is_as_shown = not one.mask.any() if shown is None else one.sha256 == shown
    if named.is_revised or not is_as_shown:
        found.candidates.append(one)
    elif not is_quiet:
        found.known.append((path, "its voxels are as exported"))


def _candidate(place: _Place, path: Path, name: str, mask: NamedMask) -> Candidate:
    sha256 = mask_sha256(mask.mask, place.facts.case.geometry)
    return Candidate(path=path, organ=name, mask=mask.mask, sha256=sha256, notes=mask.notes)
