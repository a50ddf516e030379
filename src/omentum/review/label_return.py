"""Take back label maps that programs send: what was changed in them is saved, as the review page saves it.

In:  a label file, and what its reader's program was given of the case.
Out: saves for the reader's tasks; nothing of it is taken where one organ cannot be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from omentum.errors import EditsError, HiddenError, ImageError, ReviewError
from omentum.records import Task
from omentum.review.edit_files import OrganEdit, packed_edits
from omentum.review.label_exchange import LabelExchange, OpenMasks
from omentum.review.own_tasks import is_held, required_own_tasks
from omentum.review.page_bases import why_locked
from omentum.review.save_queue import SaveQueue
from omentum.review.saves import Save
from omentum.review.shown_labels import GivenMask
from omentum.review.stale_base import stale_masks
from omentum.review.submitted_labels import (
    NamedValue,
    ShownPart,
    SubmittedMasks,
    changed_part,
    read_submitted,
)
from omentum.volumes.boxes import BoxedArray, BoxedMask, box_shape, joint_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_values import label_boxes
from omentum.volumes.labels import organ
from omentum.volumes.mask_hash import boxed_sha256

__all__ = ["LabelFile", "TakenLabels", "take_labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """A label file that a reader's program sends."""

    case_id: str
    reader: str
    """Pseudonym."""
    path: Path
    named: Sequence[NamedValue] = ()
    """What its values mean, where its header does not name segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenLabels:
    """What became of a label file."""

    saves: tuple[Save, ...] = ()
    accepted: tuple[str, ...] = ()
    """Organs whose masks came back as they were given, of the reader's task."""
    unchanged: tuple[str, ...] = ()
    left_out: Mapping[str, str]
    """Why nothing was taken of an organ or a name, for people."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Return:
    """A label file with what is needed to compare it."""

    file: LabelFile
    submitted: SubmittedMasks
    task: Task
    """On which the reader works."""
    own: Mapping[str, Task]
    """The reader's tasks of the case, by organ."""
    opened: Mapping[str, OpenMasks]
    given: Mapping[str, GivenMask]
    shown: Mapping[str, ShownPart]
    """Of the organs that were given."""
    grid: Geometry


def take_labels(exchange: LabelExchange, saves: SaveQueue, file: LabelFile) -> TakenLabels:
    """Save what was changed in a label file.

    An organ of which the reader has a task is saved for that task, any other in passing. The organ of the
    task on which the reader works is accepted where it came back as it was given: sending it is the word.

    Args:
        exchange: What the program was given.
        saves: Where saves go.
        file: The label file.

    Returns:
        What became of it.

    Raises:
        UnknownCaseError: There is no such case.
        ReviewError: The reader has no task of the case, or nothing in the file can be taken.
        EditsError: The file cannot be read, is on another grid, or has labels that no name maps to an organ.
        HiddenError: An organ was changed that is another reader's, or may not be changed here.
        StaleBaseError: Other masks are there by now; the work is kept as a draft.
    """
    one = _read(exchange, file)
    edits, left_out = _edits(one)
    _require_editable(one, edits)
    unchanged = [name for name in one.submitted.parts if name not in edits and name not in left_out]
    accepted = [
        name
        for name in unchanged
        if name == one.task.organ and is_held(exchange.project, one.task, file.reader)
    ]
    kept = [act() for act in _acts(saves, one, edits, accepted)]
    if not kept and left_out:
        said = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise ReviewError(f"nothing of the file was taken: {said}")
    hashes = {name: sha256 for save in kept for name, sha256 in save.bases.items()}
    sent = {name: _as_sent(one, name, sha256) for name, sha256 in hashes.items()}
    exchange.shown.add(file.case_id, file.reader, sent)
    return TakenLabels(
        saves=tuple(kept),
        accepted=tuple(accepted),
        unchanged=tuple(name for name in unchanged if name not in accepted),
        left_out=left_out,
    )


def _read(exchange: LabelExchange, file: LabelFile) -> _Return:
    own = required_own_tasks(exchange.project, file.case_id, file.reader)
    grid = exchange.project.store.cases.get(file.case_id).geometry
    try:
        submitted = read_submitted(file.path, grid, file.named)
    except ImageError as error:  # where it lay for a moment is of no use to anyone
        raise EditsError(str(error).replace(f"{file.path.parent}/", "")) from None
    task = exchange.current_task(file.case_id, file.reader)
    given = exchange.shown.get(file.case_id, file.reader).masks
    names = dict.fromkeys([*submitted.parts, *given, task.organ])
    opened = exchange.opened(file.case_id, file.reader, names)
    given = {name: mask for name, mask in given.items() if name in opened}
    return _Return(
        file=file,
        submitted=submitted,
        task=task,
        own={task.organ: task for task in own},
        opened=opened,
        given=given,
        shown=_shown_parts(exchange, opened, given),
        grid=grid,
    )


def _shown_parts(
    exchange: LabelExchange, opened: Mapping[str, OpenMasks], given: Mapping[str, GivenMask]
) -> dict[str, ShownPart]:
    """Read the masks that were given, and what of each was to be seen."""
    if not given:
        return {}
    masks = exchange.read(opened, {name: one.sha256 for name, one in given.items()})
    painted = masks.only([name for name, one in given.items() if not one.is_whole]).painted()
    boxes = label_boxes(painted)
    found = {}
    for name, one in given.items():
        part, index = BoxedArray.cut_out(masks.mask(name)), organ(name).index
        box = boxes.get(index)
        visible = part if one.is_whole else None if box is None else BoxedArray(box, painted[box] == index)
        found[name] = ShownPart(whole=part, visible=visible)
    return found


def _edits(one: _Return) -> tuple[dict[str, OrganEdit], dict[str, str]]:
    """Give the edits of organs that were changed, and why nothing is taken of others."""
    edits: dict[str, OrganEdit] = {}
    left_out = dict.fromkeys(one.submitted.unknown, "no organ has this name, and it has no voxel")
    emptied = [
        name for name, shown in one.shown.items() if shown.whole is not None and _is_emptied(one, name)
    ]
    if one.submitted.is_empty and len(emptied) > 1:
        raise ReviewError(
            f"the file holds no voxel, and {', '.join(emptied)} had some; if they are absent, say so on the "
            "review page"
        )
    for name in one.submitted.parts:
        if name not in one.opened:
            left_out[name] = "it is no organ of this project"
        elif name in emptied and name not in one.own:
            left_out[name] = "it has no voxel any more; say on the review page that it is absent"
        elif name not in one.given and one.submitted.parts[name] is None:
            left_out[name] = "it has no voxel, and its mask was not loaded"
        elif (edit := _edit(one, name)) is not None:
            edits[name] = edit
    if one.task.organ not in one.submitted.parts:
        left_out[one.task.organ] = "it is not in the file, so that it stays as it is"
    return edits, left_out


def _is_emptied(one: _Return, name: str) -> bool:
    """Tell whether an organ is in the file, and lost all that was to be seen of it."""
    if name not in one.submitted.parts or one.submitted.parts[name] is not None:
        return False
    return changed_part(name, one.submitted.parts, one.shown[name])[1] is None


def _edit(one: _Return, name: str) -> OrganEdit | None:
    """Give the whole mask of an organ as an edit; `None` where it is as before."""
    if name in one.given:
        is_changed, part = changed_part(name, one.submitted.parts, one.shown[name])
        return _boxed(name, one.given[name].sha256, part, one.shown[name].whole) if is_changed else None
    part, base = one.submitted.parts[name], one.opened[name].bases[name].sha256
    if boxed_sha256(part, one.grid) == base:
        return None
    return _boxed(name, base, part, BoxedArray.whole(np.zeros(one.grid.shape, dtype=np.bool_)))


def _boxed(name: str, base: str | None, part: BoxedMask | None, before: BoxedMask | None) -> OrganEdit:
    """Make an edit whose box holds the mask as it is, and as it was."""
    box = joint_box(one.box for one in (part, before) if one is not None)
    assert box is not None
    values = np.zeros(box_shape(box), dtype=np.bool_) if part is None else part.crop(box)
    return OrganEdit(organ=name, base_sha256=base, part=BoxedArray(box, values))


def _require_editable(one: _Return, edits: Mapping[str, OrganEdit]) -> None:
    """Refuse the file where an organ was changed that may not be, and name all of them."""
    why = {name: "it is no organ of this project" for name in one.submitted.parts if _is_foreign(one, name)}
    for name in edits:
        if locked := why_locked(one.opened[name].about, name):
            why[name] = locked
    if why:
        said = "; ".join(f"{name} cannot be changed here: {reason}" for name, reason in why.items())
        raise HiddenError(f"{said}; nothing of the file was taken")


def _is_foreign(one: _Return, name: str) -> bool:
    return name not in one.opened and one.submitted.parts[name] is not None


def _acts(
    saves: SaveQueue, one: _Return, edits: Mapping[str, OrganEdit], accepted: Sequence[str]
) -> list[Callable[[], Save]]:
    """Give what is to be kept, by task; what is stale comes first, and stops the rest by its error."""
    reader, acts = one.file.reader, []
    for task, part in _by_task(one, edits):
        begun_with = {edit.organ: edit.base_sha256 for edit in part}
        acts.append((_is_fresh(one, begun_with), partial(saves.save, task, reader, _packed(one, part))))
    for name in accepted:
        base = one.given[name].sha256 if name in one.given else one.opened[name].bases[name].sha256
        acts.append((_is_fresh(one, {name: base}), partial(saves.answer, one.task, reader, "accept", base)))
    return [act for _, act in sorted(acts, key=lambda row: row[0])]


def _by_task(one: _Return, edits: Mapping[str, OrganEdit]) -> list[tuple[Task, list[OrganEdit]]]:
    """Sort edits by the task that they are saved for: the reader's own of the organ, else that in hand."""
    found: dict[int, tuple[Task, list[OrganEdit]]] = {}
    for name, edit in edits.items():
        task = one.own.get(name, one.task)
        found.setdefault(task.number or 0, (task, []))[1].append(edit)
    return list(found.values())


def _is_fresh(one: _Return, begun_with: Mapping[str, str | None]) -> bool:
    return not any(stale_masks(one.opened[name].bases, {name: base}) for name, base in begun_with.items())


def _packed(one: _Return, edits: Sequence[OrganEdit]) -> bytes:
    """Write edits as the page sends them."""
    rows = [
        {
            "organ": edit.organ,
            "base": edit.base_sha256,
            "box": [bound for side in edit.part.box for bound in (side.start, side.stop)],
        }
        for edit in edits
    ]
    geometry = {"shape": list(one.grid.shape), "affine": one.grid.affine.tolist()}
    return packed_edits({"geometry": geometry, "edits": rows}, [edit.part.values for edit in edits])


def _as_sent(one: _Return, name: str, sha256: str) -> GivenMask:
    """Note an organ as the program has it now."""
    return GivenMask(sha256=sha256, is_whole=name in one.given and one.given[name].is_whole)
