"""Keep what readers save at once, and hand it in in the background, that of a case one after the other.

A save is checked and kept as a file before it is answered; what a killed program left is handed in at the
next start. Handing in twice adds nothing.
"""

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal

from omentum.errors import (
    ClaimedError,
    EditsError,
    MissingError,
    OmentumError,
    ReviewError,
    StaleBaseError,
)
from omentum.project.project import Project
from omentum.records import Task
from omentum.review.blinding import results_as_seen
from omentum.review.case_threads import CaseLocks, CaseThreads
from omentum.review.claimed_tasks import require_claimed
from omentum.review.draft_files import DraftFiles, KeptFile, Kind, new_name, saves_left
from omentum.review.edit_files import OrganEdit, edited, packed_mask, read_edits
from omentum.review.page_bases import TaskFacts
from omentum.review.page_masks import PageMasks
from omentum.review.save_tries import WITH_EDITS, is_overtaken, may_pass, patiently
from omentum.review.saves import Save, SaveJob, save_job
from omentum.review.stale_base import require_editable, stale_masks
from omentum.review.tasks import required_task
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.mask_hash import boxed_sha256

__all__ = ["SaveQueue"]

_LOG = logging.getLogger(__name__)
_REMEMBERED = 1000
_N_THREADS = max(1, min(4, (os.cpu_count() or 1) - 1))
"""Saves of so many cases are handed in at once; each holds masks of its case in memory."""
_OF_CT = "task {} is about a whole CT; confirm its findings, or skip it"
Answer = Literal["accept", "absent"]


class SaveQueue:
    """The saves of a project.

    Args:
        project: The project.
        masks: What readers are shown, which has each save at once.
        on_change: Is told of each save that was kept, handed in or failed; from any thread.
    """

    def __init__(
        self, project: Project, masks: PageMasks, on_change: Callable[[Save], None] = lambda _: None
    ) -> None:
        self._project, self._masks, self._on_change = project, masks, on_change
        self._locks = CaseLocks()
        self._known = threading.Lock()
        self._threads = CaseThreads[SaveJob](self._work, _N_THREADS, "hand in")
        self._saves: OrderedDict[str, Save] = OrderedDict()

    def start(self) -> None:
        """Begin to hand in, first what was left."""
        for kept in saves_left(self._project.folder):
            try:
                if is_overtaken(self._project, kept):
                    kept.path.unlink(missing_ok=True)
                    continue
                self._put(self._read_again(kept))
            except Exception as error:  # one damaged file must not keep the others from being handed in
                self._fail(kept, error)
        self._threads.start()

    def close(self) -> None:
        """End once all that was saved is handed in; what is killed before waits for the next start."""
        self._threads.close()

    def get(self, name: str, reader: str) -> Save:
        """Find a reader's save of this run; there being none raises `MissingError`."""
        found = self._saves.get(name)
        if found is None or found.reader != reader:
            raise MissingError(f"no save is called {name!r}; what was saved is in the history of its organ")
        return found

    def drained(self) -> None:
        """Wait until all that was saved so far is handed in or failed."""
        self._threads.join()

    def handed_in(self, case_id: str, seconds: float = 30.0) -> bool:
        """Wait until what was saved of a case so far is handed in or failed; false if that takes longer."""
        return self._threads.wait(case_id, seconds)

    def save(self, task: Task, reader: str, content: bytes) -> Save:
        """Keep edits that a reader sent.

        Args:
            task: The task that they are for.
            reader: Pseudonym.
            content: An edit file.

        Raises:
            EditsError: They are damaged, do not fit the CT, or there are none, or the task is about a whole
                CT.
            HiddenError: An organ may not be changed by this task.
            ClaimedError: The reader never claimed the task; the edits are kept as a draft.
            StaleBaseError: Other masks are there by now; the edits are kept as a draft.
        """
        if task.is_of_ct:
            raise EditsError(_OF_CT.format(task.number))
        drafts = self._drafts(task, reader)
        with self._locks.of(task.case_id):
            with self._project.store.reading_together():
                about = self._masks.about(task, reader)
                file = read_edits(content, about.facts.case.geometry)
                if not file.edits:
                    raise EditsError("there is no edit to save; accept the task where the mask is right")
                begun_with = {one.organ: one.base_sha256 for one in file.edits}
                bases = self._masks.bases(about)
                require_editable(about, bases, file.edits)
                self._require_claimed(task, reader, content, begun_with)
            stale = stale_masks(bases, begun_with)
            if stale and file.header.on_stale == "refuse":
                kept = drafts.rescue(content, "stale-base", begun_with=begun_with)
                raise StaleBaseError(stale, kept.name)
            parts = {one.organ: edited(self._base_part(about, one), one) for one in file.edits}
            job = self._kept(about, "save", parts, content, begun_with)
            self._put(replace(job, comment=file.header.comment))
        if file.header.draft is not None:
            drafts.remove(file.header.draft)
        return job.save

    def answer(self, task: Task, reader: str, kind: Answer, base: str | None, comment: str = "") -> Save:
        """Keep that the mask of a task is right, or that its organ is not there.

        Args:
            task: The task.
            reader: Pseudonym.
            kind: Which of both.
            base: Hash of the mask that the reader saw; `None` where there was none.
            comment: The reader's own words.

        Raises:
            ReviewError: The task is about a whole CT, or there is no mask to accept.
            ClaimedError: The reader never claimed the task.
            StaleBaseError: Another mask is there by now.
        """
        if task.is_of_ct:
            raise ReviewError(_OF_CT.format(task.number))
        with self._locks.of(task.case_id):
            with self._project.store.reading_together():
                require_claimed(self._project, task, reader)
                about = self._masks.about(task, reader)
                bases = self._masks.bases(about)
            if stale := stale_masks(bases, {task.organ: base}):
                raise StaleBaseError(stale, None)
            if kind == "accept" and base is None:
                raise ReviewError(f"{task.organ} has no mask to accept; draw it, or say that it is absent")
            part = self._masks.part(about, bases[task.organ]) if kind == "accept" else None
            job = self._kept(about, kind, {task.organ: part}, comment.encode(), {task.organ: base})
            self._put(replace(job, comment=comment))
        return job.save

    def decide(
        self, task: Task, person: str, part: BoxedMask | None, begun_with: str | None, comment: str
    ) -> Save:
        """Keep a mask that decides between the readings of a task.

        Args:
            task: The task.
            person: Who decides.
            part: The mask; `None` is empty.
            begun_with: Hash of the mask that it is measured against.
            comment: For people.
        """
        about = self._masks.about(task, person)
        content = packed_mask(about.facts.case.geometry, task.organ, part, comment=comment)
        with self._locks.of(task.case_id):
            job = self._kept(about, "adjudicate", {task.organ: part}, content, {task.organ: begun_with})
            self._put(replace(job, comment=comment))
        return job.save

    def _require_claimed(
        self, task: Task, reader: str, content: bytes, begun_with: Mapping[str, str | None]
    ) -> None:
        """Refuse edits of somebody who never claimed the task, and keep them as a draft."""
        try:
            require_claimed(self._project, task, reader, is_drawn=True)
        except ClaimedError as error:
            kept = self._drafts(task, reader).rescue(content, "failed", begun_with=dict(begun_with))
            raise ClaimedError(f"{error}; the edits are kept as the draft {kept.name}") from error

    def _drafts(self, task: Task, reader: str) -> DraftFiles:
        assert task.number is not None
        return DraftFiles(self._project.folder, task.case_id, task.number, reader)

    def _base_part(self, about: TaskFacts, edit: OrganEdit) -> BoxedMask | None:
        return self._masks.part_of_hash(about, edit.organ, edit.base_sha256)

    def _kept(
        self,
        about: TaskFacts,
        kind: Kind,
        parts: Mapping[str, BoxedMask | None],
        content: bytes,
        begun_with: Mapping[str, str | None],
    ) -> SaveJob:
        """Keep a save as a file."""
        hashes = {name: boxed_sha256(part, about.facts.case.geometry) for name, part in parts.items()}
        name = new_name(f"s-{about.task.number or 0:06d}")
        drafts = self._drafts(about.task, about.reader)
        kept = drafts.put_save(name, kind, content, bases=hashes, begun_with=dict(begun_with))
        return save_job(kept, about, parts, hashes, begun_with)

    def _read_again(self, kept: KeptFile) -> SaveJob:
        """Read a save that an earlier run kept."""
        about = self._masks.about(required_task(self._project, kept.task_number), kept.reader)
        begun_with, content = kept.told["begun_with"], kept.content()
        if kept.kind in WITH_EDITS:
            file = read_edits(content, about.facts.case.geometry)
            parts = {one.organ: edited(self._base_part(about, one), one) for one in file.edits}
            comment = file.header.comment
        else:
            organ_name, comment = about.task.organ, content.decode()
            base = self._masks.part_of_hash(about, organ_name, begun_with[organ_name])
            parts = {organ_name: base if kept.kind == "accept" else None}
        job = save_job(kept, about, parts, kept.told["bases"], begun_with)
        return replace(job, comment=comment)

    def _put(self, job: SaveJob) -> None:
        self._masks.add_pending(list(job.masks))
        self._note(job.save)
        self._threads.put(job.masks[0].case_id, job)

    def _note(self, save: Save) -> None:
        with self._known:
            self._saves[save.name] = save
            while len(self._saves) > _REMEMBERED:
                self._saves.popitem(last=False)
        self._on_change(save)

    def _work(self, job: SaveJob) -> None:
        try:
            patiently(job.kept.name, lambda: self._hand_in(job))
        except Exception as error:  # the reader's work is kept, and the next save goes on
            self._fail(job.kept, error, job.save)
        finally:
            with self._locks.of(job.masks[0].case_id):
                self._masks.remove_pending(list(job.masks))

    def _hand_in(self, job: SaveJob) -> None:
        from omentum.review.hand_in import hand_in  # what measures masks is slow to import
        from omentum.review.saved_masks import as_hand_in

        task = required_task(self._project, job.kept.task_number)
        geometry = self._project.store.cases.get(task.case_id).geometry
        masks = [
            as_hand_in(
                task,
                geometry,
                one,
                begun_with=job.begun_with.get(one.organ),
                comment=job.comment,
                decides=job.save.decides,
            )
            for one in job.masks
        ]
        handed_in = hand_in(self._project, masks)
        results = results_as_seen(
            self._project, required_task(self._project, job.kept.task_number), handed_in
        )
        job.kept.path.unlink(missing_ok=True)
        with self._locks.of(task.case_id):
            self._masks.remove_pending(list(job.masks))
            self._note(replace(job.save, state="done", results=results))

    def _fail(self, kept: KeptFile, error: Exception, save: Save | None = None) -> None:
        """Turn edits that cannot be handed in into a draft; where not even that can be, their file stays.

        So does the file of an answer, where the database or the disk is at fault.
        """
        if not isinstance(error, OmentumError):
            _LOG.error("the save %s cannot be handed in", kept.name, exc_info=error)
        try:
            if kept.kind in WITH_EDITS:
                case_id = required_task(self._project, kept.task_number).case_id
                drafts = DraftFiles(self._project.folder, case_id, kept.task_number, kept.reader)
                drafts.rescue(kept.content(), "failed", begun_with=kept.told.get("begun_with", {}))
            if kept.kind in WITH_EDITS or not may_pass(error):
                kept.path.unlink(missing_ok=True)
        except (OmentumError, OSError):
            _LOG.exception(
                "the save %s stays in %s, and is tried again at the next start", kept.name, kept.path
            )
        save = save or Save(name=kept.name, task_number=kept.task_number, reader=kept.reader, bases={})
        self._note(replace(save, state="failed", said=str(error)))
