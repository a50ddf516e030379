"""Find the masks that a reader saved in a case's folder; set other files aside, with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.errors import OmentumError
from omentum.project.project import Project
from omentum.project.standing import CaseFacts
from omentum.review.case_folders import CaseFolder
from omentum.review.export import LABELS_NAME
from omentum.review.file_names import (
    NamedOrgan,
    nearest_organ,
    organ_in_name,
)
from omentum.review.import_report import ImportReport
from omentum.review.mitk_tasks import is_interim
from omentum.review.painted_masks import exported_masks, painted_masks
from omentum.review.segment_import import gone_segments
from omentum.review.task_file import TASK_NAME, ShownOrgan
from omentum.volumes.hidden_files import is_hidden
from omentum.volumes.labels import organ
from omentum.volumes.library_errors import reading
from omentum.volumes.mask_hash import boxed_sha256, mask_sha256
from omentum.volumes.nifti import is_nifti
from omentum.volumes.organ_words import is_generic_name
from omentum.volumes.read import is_volume
from omentum.volumes.segmentations import NamedMask, read_segmentation

__all__ = ["NOT_A_MASK", "OF_THE_SYSTEM", "Candidate", "find_candidates"]

NOT_A_MASK = "it is not a mask (.nii, .nii.gz, .nrrd, .mha or .seg.nrrd)"
"""Why a note or a scene is set aside."""
OF_THE_SYSTEM = "a file of the operating system"
_NO_SEGMENT = "it holds no segment; keep one that is named after its organ, also where the organ is absent"
_AS_EXPORTED = "its voxels are as exported"
_HEADERS_OF_DATA = {
    **{".raw": (".nhdr", ".mhd"), ".zraw": (".mhd",)},
    **{".img": (".hdr", ".gz"), ".gz": (".nhdr", ".hdr", ".gz")},  # .hdr.gz too
}
"""Endings of files that hold the voxels of a header beside them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A mask that a reader may have handed in.

    Attributes:
        path: The file that it is in.
        shown: What the folder shows of its organ.
        mask: Its voxels `(x, y, z)` on the CT's grid.
        sha256: Their hash.
        notes: What was done to place it, for people.
    """

    path: Path
    shown: ShownOrgan
    mask: npt.NDArray[np.bool_]
    sha256: str
    notes: tuple[str, ...] = ()

    @property
    def organ(self) -> str:
        """Its organ."""
        return self.shown.organ


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What looking through one folder needs, and finds."""

    project: Project
    facts: CaseFacts
    case_folder: CaseFolder
    imported: ImportReport
    candidates: list[Candidate] = field(default_factory=list)

    def candidate(self, path: Path, name: str, mask: NamedMask) -> Candidate:
        sha256 = mask_sha256(mask.mask, self.facts.case.geometry)
        shown = self.case_folder.shown(self.project, name)
        return Candidate(path=path, shown=shown, mask=mask.mask, sha256=sha256, notes=mask.notes)


def find_candidates(
    project: Project, facts: CaseFacts, case_folder: CaseFolder, imported: ImportReport
) -> list[Candidate]:
    """Find the masks in the folder of one case.

    Args:
        project: The project.
        facts: Of the case.
        case_folder: Its files.
        imported: Receives the files that hold nothing to take.
    """
    look = _Look(project=project, facts=facts, case_folder=case_folder, imported=imported)
    for path in case_folder.files:
        try:
            with reading(path):
                _look_at(look, path)
        except OmentumError as error:  # this file's own trouble; the others go on
            imported.leave(path, str(error).removeprefix(f"{path}: "))
    return look.candidates


def _look_at(look: _Look, path: Path) -> None:
    """Put one file where it belongs."""
    case_folder = look.case_folder
    if reason := _known(case_folder, path):
        look.imported.keep_known(path, reason)
    elif path == case_folder.folder / LABELS_NAME and case_folder.task_file is not None:
        _add_painted(look, path)
    elif is_interim(path):
        look.imported.leave(path, "MITK saved it before the task was finished; accept the task there")
    elif _is_of_no_use(case_folder, path):
        look.imported.leave(path, "it was changed after it was exported, and nothing is taken from it")
    elif not is_volume(path):
        look.imported.leave(path, NOT_A_MASK)
    else:
        _add_masks(look, path)


def _is_of_no_use(case_folder: CaseFolder, path: Path) -> bool:
    """Tell whether a file was exported, and shows a reader nothing that could be changed."""
    is_shown = case_folder.is_segments(path) or organ_in_name(path.name).organ is not None
    return case_folder.is_exported(path) and not is_shown


def _known(case_folder: CaseFolder, path: Path) -> str:
    """Say why a file is known; empty where it has to be looked at."""
    if is_hidden(path, case_folder.folder):
        return OF_THE_SYSTEM
    if case_folder.task_file is None and path.name == "ct.nii.gz":
        return "a CT, which is not handed in"
    is_task_file = path == case_folder.folder / TASK_NAME and case_folder.task_file is not None
    if is_task_file or (case_folder.is_exported(path) and not case_folder.is_changed(path)):
        return "as exported"
    headers = _HEADERS_OF_DATA.get(path.suffix.lower(), ())
    for other in case_folder.files:
        if other.suffix.lower() in headers and _is_data_of(path, other):
            return f"the voxels of {other.name}"
    return ""


def _is_data_of(path: Path, header: Path) -> bool:
    is_header = is_volume(header) and not header.name.lower().endswith(".nii.gz") and not is_volume(path)
    return is_header and path.parent == header.parent and path.name.split(".")[0] == header.name.split(".")[0]


def _add_painted(look: _Look, path: Path) -> None:
    """Take an edited label map apart."""
    task_file = look.case_folder.task_file
    assert task_file is not None
    masks = painted_masks(path, look.facts, exported_masks(look.project, look.facts, task_file))
    if not masks:
        look.imported.keep_known(path, _AS_EXPORTED)
    elif task_file.masks_sha256 is None:
        reason = "it may have been changed, but an older version exported it and did not note what it was of"
        look.imported.leave(path, f"{reason}; save each organ as <organ>_revised.nii.gz")
    else:
        for name, mask in masks.items():
            look.candidates.append(look.candidate(path, name, NamedMask(name=None, mask=mask)))


def _add_masks(look: _Look, path: Path) -> None:
    """Take the masks of a file that a reader saved; one that was only shown is taken if it was changed."""
    in_name = _named_by_file(look.case_folder, path)
    problem_of_name = _problem_of_name(look.case_folder, in_name)
    if is_nifti(path) and problem_of_name:
        look.imported.leave(path, problem_of_name)
        return
    values = () if in_name.organ is None else (organ(in_name.organ).index,)
    masks = read_segmentation(path, look.facts.case.geometry, values=values)
    n_before = len(look.candidates)
    problems = [] if masks else [_NO_SEGMENT]
    problems += _take(look, path, masks, in_name)
    if in_name.organ is None:
        problems += gone_segments(look.case_folder.task_file, masks)
    for problem in problems:
        look.imported.leave(path, problem)
    if not problems and len(look.candidates) == n_before:
        look.imported.keep_known(path, _AS_EXPORTED)


def _take(look: _Look, path: Path, masks: Sequence[NamedMask], in_name: NamedOrgan) -> list[str]:
    """Take masks that a reader revised or accepted; give the problems of those that cannot be taken."""
    problems = []
    is_alone = len(masks) == 1 and not look.case_folder.is_segments(path)
    for mask in masks:
        named, problem = in_name, _problem_of_name(look.case_folder, in_name)
        if len(masks) > 1 or not is_generic_name(mask.name):
            named, problem = _named_by_segment(look, in_name, mask, is_alone=is_alone)
        if problem:
            problems.append(problem)
        elif one := _changed(look, path, named, mask):
            look.candidates.append(one)
    return problems


def _named_by_file(case_folder: CaseFolder, path: Path) -> NamedOrgan:
    """Read the name of a file; that of a file of all organs says none."""
    if case_folder.is_segments(path):
        return NamedOrgan(organ=None, text=path.name, is_revised=False)
    return organ_in_name(path.name)


def _named_by_segment(
    look: _Look, in_name: NamedOrgan, mask: NamedMask, *, is_alone: bool
) -> tuple[NamedOrgan, str]:
    """Give the organ of a segment, and why it cannot be taken; empty where it can.

    Args:
        look: At the case's folder.
        in_name: What the file's name says.
        mask: The segment.
        is_alone: Whether the file is saved for this organ, so that an empty mask says that it is absent.
    """
    named, case_folder = organ_in_name(mask.name or ""), look.case_folder
    says_so = named.is_revised or mask.is_completed
    problem = ""
    if named.organ is None:
        problem = f"is named after no organ{_hint(named.text)}"
    elif in_name.organ not in (None, named.organ) and is_alone:
        problem = f"says {named.organ}, and the file's name {in_name.organ}; rename one of them"
    elif not (is_alone or says_so or mask.mask.any() or _is_shown_empty(look, named.organ)):
        problem = f"has no voxel; name it {named.organ}_revised to say that the organ is absent"
    is_revised = says_so or in_name.is_revised or case_folder.task_file is None
    return replace(named, is_revised=is_revised), f"its segment {mask.name!r} {problem}" if problem else ""


def _is_shown_empty(look: _Look, name: str) -> bool:
    """Tell whether the mask that a reader was shown of an organ has no voxel."""
    nothing = boxed_sha256(None, look.facts.case.geometry)
    return look.case_folder.shown(look.project, name).base_sha256 == nothing


def _problem_of_name(case_folder: CaseFolder, named: NamedOrgan) -> str:
    """Say why a mask of that name cannot be taken, whatever is in it; empty where it can."""
    if named.organ is None:
        return f"no organ is called {named.text!r}{_hint(named.text)}"
    if not named.is_revised and case_folder.task_file is None:
        return f"its name does not end in _revised, and no {TASK_NAME} says what was shown"
    return ""


def _hint(text: str) -> str:
    nearest = nearest_organ(text)
    return f"; did you mean {nearest}?" if nearest else ""


def _changed(look: _Look, path: Path, named: NamedOrgan, mask: NamedMask) -> Candidate | None:
    """Give a mask that a reader revised or accepted; `None` where it is only what was shown."""
    assert named.organ is not None
    one = look.candidate(path, named.organ, mask)
    shown = one.shown.base_sha256
    is_as_shown = not one.mask.any() if shown is None else one.sha256 == shown
    return one if named.is_revised or not is_as_shown else None
