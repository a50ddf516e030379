"""Read masks of a case as a page shows them: any source, any box, in a moment."""

import threading
from dataclasses import replace
from pathlib import Path

from omentum.errors import HiddenError, MissingError, ReviewError
from omentum.project.project import Project
from omentum.records import MaskSource, Revision, Task
from omentum.review.catch_masks import planted_part
from omentum.review.catch_view import attention_path
from omentum.review.mask_view import MaskView, PartCache, PendingMask
from omentum.review.page_bases import (
    OrganBase,
    TaskFacts,
    bases_of,
    facts_of_task,
    is_read_twice,
    revision_base,
    shows_attention,
)
from omentum.review.shown_masks import find_base
from omentum.volumes.boxes import BoxedArray, BoxedMask
from omentum.volumes.decoded import DecodedVolume, DecodedVolumes, codes, hounsfield
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.mask_files import read_sets
from omentum.volumes.mask_hash import boxed_sha256
from omentum.volumes.nifti_slices import read_nifti_part

__all__ = ["PageMasks"]


class PageMasks:
    """The CTs and masks of a project, decoded once and kept in bounded space.

    Args:
        project: The project.
        volumes: The decoded volumes.
    """

    def __init__(self, project: Project, volumes: DecodedVolumes) -> None:
        self._project, self._volumes = project, volumes
        self._parts = PartCache()
        self._pending: list[PendingMask] = []  # replaced, never changed: many threads look at it
        self._adding = threading.Lock()

    def about(self, task: Task, reader: str) -> TaskFacts:
        """Gather what is known of a task's case."""
        return facts_of_task(self._project, task, reader)

    def ct(self, case_id: str) -> DecodedVolume:
        """Open a CT, in HU; there being none raises `UnknownCaseError`."""
        case = self._project.store.cases.get(case_id)
        return self._volumes.open(f"{case.case_id}.ct", case.ct_path, case.geometry.shape, hounsfield)

    def has_attention(self, about: TaskFacts) -> bool:
        """Tell whether a task shows an attention map."""
        return shows_attention(about) and attention_path(self._project, about.task).is_file()

    def attention(self, about: TaskFacts) -> DecodedVolume:
        """Open the attention map of a task's organ.

        Raises:
            HiddenError: The task, or an open one of the same organ, was not chosen by any score, so that none
                is shown.
            MissingError: The organ has no attention map.
        """
        task, case = about.task, about.facts.case
        if task.is_whole or any(one.is_whole for one in about.open_tasks_of(task.organ)):
            raise HiddenError(
                f"the whole {task.organ} of {task.case_id} is looked at without attention; go on without it"
            )
        if not self.has_attention(about):
            raise MissingError(f"{task.organ} in {task.case_id} has no attention map; go on without it")
        path = attention_path(self._project, task)
        name = f"{case.case_id}.attention-{task.organ}-{path.parent.name}"
        return self._volumes.open(name, path, case.geometry.shape, codes)

    def bases(self, about: TaskFacts) -> dict[str, OrganBase]:
        """Give for each organ what the reader is shown, with the hash of every mask that is there."""
        found = {}
        for name, base in bases_of(self._project, about).items():
            pending = self._pending_of(about, name)
            if pending is not None:
                found[name] = OrganBase(organ=name, sha256=pending.sha256, source=MaskSource.REVISED)
            elif base.source is not None and base.sha256 is None:
                sha256 = boxed_sha256(self.part(about, base), about.facts.case.geometry)
                found[name] = replace(base, sha256=sha256)
            else:
                found[name] = base
        return found

    def part(self, about: TaskFacts, base: OrganBase) -> BoxedMask | None:
        """Read one organ's mask; `None` where it is empty.

        Raises:
            ImageError: Its file is gone or damaged.
        """
        pending = next((one for one in self._pending if self._is_of(one, about, base)), None)
        if pending is not None:
            return pending.part
        if base.source is None or base.path is None:
            return None
        is_there, part = self._parts.find(base.path, base.organ)
        if not is_there:
            part = self._read(about, base)
            self._parts.keep(base.path, base.organ, part)
        return part

    def part_of_hash(self, about: TaskFacts, name: str, sha256: str | None) -> BoxedMask | None:
        """Read the mask of an organ by its hash, also one that is no longer shown; `None` is empty.

        Raises:
            ReviewError: There is no such mask.
        """
        base = self.bases(about).get(name)
        if sha256 is None:
            return None
        if base is not None and base.sha256 == sha256:
            return self.part(about, base)
        pending = next((one for one in self._pending if (one.organ, one.sha256) == (name, sha256)), None)
        if pending is not None:
            return pending.part
        found = find_base(self._project, about.facts, name, sha256, network=about.network)
        if found is None:
            raise ReviewError(
                f"no mask of {name} in {about.task.case_id} has the hash {sha256}; load the task again"
            )
        return BoxedArray.cut_out(found.mask)

    def known_part(self, base: OrganBase) -> BoxedMask | None:
        """Give a mask that was read before; `None` where it was not, or is empty."""
        return None if base.path is None else self._parts.find(base.path, base.organ)[1]

    def view(self, about: TaskFacts, source: str) -> MaskView:
        """Open the masks of one source.

        Args:
            about: The task's case.
            source: `shown`, `original`, `predicted:<network>` or `revision:<number>`.

        Raises:
            MissingError: There is no such source.
            HiddenError: The reader may not see it yet.
        """
        kind, _, which = source.partition(":")
        if source == "shown":
            return self._shown(about)
        if source == "original" and about.facts.case.original_label_path is not None:
            return self._original(about, about.facts.case.original_label_path)
        if kind == "predicted":
            return self._with_planted(about, self._predicted(about, which), which)
        if kind == "revision" and which.isascii() and which.isdigit():
            revision = _revision(about, int(which))
            base = revision_base(revision)
            part = self.part(about, base)
            return MaskView(geometry=about.facts.case.geometry, parts={revision.organ: part})
        raise MissingError(
            f"{about.task.case_id} has no masks called {source!r}; the task lists what there is"
        )

    def sources(self, about: TaskFacts) -> list[str]:
        """Name the sources that `view` opens for a task."""
        case, organ_name = about.facts.case, about.task.organ
        found = ["shown"] + (["original"] if case.original_label_path is not None else [])
        made = self._project.store.predictions.of_case(case.case_id)
        found += [f"predicted:{name}" for name, one in made.items() if one.masks_path.is_file()]
        revisions = [one for one in about.facts.revisions_of(organ_name) if not _is_hidden(about, one)]
        return found + [f"revision:{one.number}" for one in revisions]

    def warm(self, about: TaskFacts) -> None:
        """Decode the CT and read the masks of a task, so that they are at hand."""
        self.ct(about.task.case_id)
        for base in self.bases(about).values():
            if base.source in (MaskSource.REVISED, MaskSource.ORIGINAL) or base.organ == about.task.organ:
                self.part(about, base)

    def add_pending(self, masks: list[PendingMask]) -> None:
        """Show masks that were saved, until they are handed in."""
        with self._adding:
            self._pending = [*self._pending, *masks]

    def remove_pending(self, masks: list[PendingMask]) -> None:
        """Show what is kept instead of these."""
        with self._adding:
            self._pending = [one for one in self._pending if one not in masks]

    def tasks_handed_in(self, reader: str) -> set[int]:
        """Give the tasks of which something that a reader saved is being handed in."""
        return {one.task_number for one in self._pending if one.reader == reader}

    def _pending_of(self, about: TaskFacts, name: str) -> PendingMask | None:
        """Give what was saved last of an organ and this reader may see."""
        blinded = is_read_twice(about.tasks, name)
        of_organ = [one for one in self._pending if (one.case_id, one.organ) == (about.task.case_id, name)]
        seen = [one for one in of_organ if not blinded or one.reader == about.reader]
        return seen[-1] if seen else None

    def _is_of(self, pending: PendingMask, about: TaskFacts, base: OrganBase) -> bool:
        key = (about.task.case_id, base.organ, base.sha256)
        return (pending.case_id, pending.organ, pending.sha256) == key

    def _shown(self, about: TaskFacts) -> MaskView:
        bases = self.bases(about)
        is_coded = {
            name: one.source is MaskSource.PREDICTED and not one.is_apart for name, one in bases.items()
        }
        predicted = tuple(name for name in bases if is_coded[name])
        parts = {
            name: self.part(about, one)
            for name, one in bases.items()
            if one.source is not None and not is_coded[name]
        }
        if not predicted:
            return MaskView(geometry=about.facts.case.geometry, parts=parts)
        made = self._predicted(about, about.network)
        if set(predicted) != set(made.organs):
            kept = {organ(name).index for name in predicted}
            sets = tuple(tuple(index for index in members if index in kept) for members in made.sets)
            made = replace(made, sets=sets, organs=predicted)
        return replace(made, parts=parts)

    def _predicted(self, about: TaskFacts, network: str) -> MaskView:
        case = about.facts.case
        made = self._project.store.predictions.of_case(case.case_id).get(network)
        if made is None or not made.masks_path.is_file():
            raise MissingError(
                f"{network or 'the network'} has no prediction of {case.case_id}; "
                "the task lists those that there are"
            )
        sets, organs = read_sets(made.masks_path)
        name = f"{case.case_id}.masks-{network}"
        coded = self._volumes.open(name, made.masks_path, case.geometry.shape, codes)
        return MaskView(geometry=case.geometry, coded=coded, sets=sets, organs=organs)

    def _with_planted(self, about: TaskFacts, made: MaskView, network: str) -> MaskView:
        """Put the masks of catch trials in the place of what a network predicted."""
        parts: dict[str, BoxedMask | None] = {}
        for name, trial in about.planted.items():
            if name in made.organs:
                key = f"{name} by {network}"
                is_there, part = self._parts.find(trial.path, key)
                if not is_there:
                    part = planted_part(trial, made, is_main=network == about.network)
                    self._parts.keep(trial.path, key, part)
                parts[name] = part
        return replace(made, parts=parts) if parts else made

    def _original(self, about: TaskFacts, path: Path) -> MaskView:
        case = about.facts.case
        coded = self._volumes.open(f"{case.case_id}.original", path, case.geometry.shape, codes)
        known = {organ(name).index for name in case.original_organs}
        last = max(row.index for row in ORGANS)
        sets = tuple((index,) if index in known else () for index in range(last + 1))
        return MaskView(geometry=case.geometry, coded=coded, sets=sets, organs=case.original_organs)

    def _read(self, about: TaskFacts, base: OrganBase) -> BoxedMask | None:
        assert base.path is not None
        if base.source is MaskSource.PREDICTED and not base.is_apart:
            return self._predicted(about, base.network).part(base.organ)
        _, part = read_nifti_part(base.path)
        if part is None:
            return None
        value = organ(base.organ).index if base.source is MaskSource.ORIGINAL else 1
        return BoxedArray(part.box, part.values == value).tight()


def _revision(about: TaskFacts, number: int) -> Revision:
    found = next((one for one in about.facts.revisions if one.number == number), None)
    if found is None:
        raise MissingError(f"{about.task.case_id} has no revision {number}; the task lists those there are")
    if _is_hidden(about, found):
        raise HiddenError(f"{found.organ} is read twice, and revision {number} is another reader's")
    return found


def _is_hidden(about: TaskFacts, one: Revision) -> bool:
    return one.reader != about.reader and is_read_twice(about.tasks, one.organ)
