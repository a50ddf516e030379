"""Give the masks of a case to programs that know label maps alone.

In:  a case, and a reader who has a task of it.
Out: a label map of what the review page would show; what was given is noted, for the map that comes back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from omentum.errors import ImageError, MissingError
from omentum.project.project import Project
from omentum.records import Task
from omentum.review.claimed_tasks import give_back
from omentum.review.claims import claim_next, held_tasks
from omentum.review.own_tasks import own_tasks, required_own_tasks, task_to_look_at
from omentum.review.page_bases import OrganBase, TaskFacts
from omentum.review.page_masks import PageMasks
from omentum.review.shown_labels import GivenMask, ShownLabels
from omentum.review.tasks import ANY_TASK, TaskFilter
from omentum.volumes.boxes import BoxedArray, whole
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet

__all__ = ["ALL", "OF_TASK", "GivenLabels", "LabelExchange", "OpenMasks"]

OF_TASK = "task"
ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenLabels:
    """The masks of a case as they are given."""

    masks: MaskSet
    """Painted: each voxel is of one organ, numbered from 1 in the order of `organs`; or whole."""
    organs: tuple[str, ...]
    """Those with a voxel, by rising index: organs without one get no number."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenMasks:
    """The masks of a case as one task shows them."""

    about: TaskFacts
    bases: Mapping[str, OrganBase]
    """By organ: what is shown, and an edit begins with."""


class LabelExchange:
    """The label maps that programs get.

    Args:
        project: The project.
        masks: What readers are shown.
    """

    def __init__(self, project: Project, masks: PageMasks) -> None:
        self.project, self.masks = project, masks
        self.shown = ShownLabels(project.folder.cache_dir / "review" / "given-labels")

    def next_task(self, reader: str, organ_name: str | None = None) -> Task | None:
        """Claim the next task that has a mask to draw; `None` where none is free.

        Tasks about a whole CT are answered on the review page. What the reader saved and is not handed in
        yet is not given again.
        """
        only = ANY_TASK if organ_name is None else TaskFilter(organ=organ(organ_name).name)
        had = {one.number for one in held_tasks(self.project, reader)}
        without = self.masks.tasks_handed_in(reader)
        while (task := claim_next(self.project, reader, only=only, without=without)) is not None:
            if self._can_be_drawn(task):
                self.shown.begin(task.case_id, reader, task.number or 0)
                return task
            if task.number not in had:
                give_back(self.project, [task.number or 0], reader)
            without.add(task.number or 0)
        return None

    def current_task(self, case_id: str, reader: str) -> Task:
        """Give the task of a case on which a reader works: the last one asked for, else the first open one.

        Raises:
            UnknownCaseError: There is no such case.
            ReviewError: The reader has none of it.
        """
        own = required_own_tasks(self.project, case_id, reader)
        asked = self.shown.get(case_id, reader).task_number
        return next((one for one in own if one.number == asked), own[0])

    def give(self, case_id: str, reader: str, wanted: str = OF_TASK, *, painted: bool = True) -> GivenLabels:
        """Give the masks that the review page would show, and note that they were given.

        Args:
            case_id: The case.
            reader: Pseudonym.
            wanted: `task` for the organ of the reader's task, `all`, or the name of an organ.
            painted: Give a label map, in which an organ hides another; else masks that may overlap.

        Raises:
            UnknownCaseError: There is no such case.
            UnknownOrganError: There is no such organ.
            ReviewError: The reader has no task of the case, or nothing is shown of it.
        """
        opened = self.opened(case_id, reader, self._names(case_id, reader, wanted))
        if not opened:
            raise MissingError(f"{case_id} shows no mask of {wanted}; ask for one of the project's organs")
        hashes = {name: one.bases[name].sha256 for name, one in opened.items()}
        there = {name: sha256 for name, sha256 in hashes.items() if sha256 is not None}
        masks = self.read(opened, there)
        if painted:
            masks = MaskSet.from_labels(masks.painted(), masks.geometry, masks.organs)
        given = {name: GivenMask(sha256=sha256, is_whole=not painted) for name, sha256 in there.items()}
        self.shown.add(case_id, reader, given)
        return _with_voxels(masks)

    def shown_organs(self, case_id: str, reader: str) -> list[str]:
        """Name the organs of which the review page shows a mask.

        Raises:
            UnknownCaseError: There is no such case.
            MissingError: The case has no task.
        """
        own = own_tasks(self.project, case_id, reader)
        about = self.masks.about(task_to_look_at(self.project, case_id, "", own), reader)
        return [name for name, base in self.masks.bases(about).items() if base.source is not None]

    def opened(self, case_id: str, reader: str, names: Iterable[str]) -> dict[str, OpenMasks]:
        """Open each organ by the task through which it is shown; organs that no task shows are left out."""
        own = own_tasks(self.project, case_id, reader)
        by_task: dict[int, OpenMasks] = {}
        found = {}
        for name in names:
            task = task_to_look_at(self.project, case_id, name, own)
            number = task.number or 0
            if number not in by_task:
                about = self.masks.about(task, reader)
                by_task[number] = OpenMasks(about=about, bases=self.masks.bases(about))
            if name in by_task[number].bases:
                found[name] = by_task[number]
        return found

    def read(self, opened: Mapping[str, OpenMasks], hashes: Mapping[str, str]) -> MaskSet:
        """Read masks by their hashes, those that one task shows in one pass; also such as were shown before.

        Raises:
            ReviewError: A mask is gone.
        """
        grid = next(iter(opened.values())).about.facts.case.geometry
        found = MaskSet.build(grid, (), ())
        for one in {id(one): one for one in opened.values()}.values():
            names = [name for name in hashes if opened[name] is one]
            now = [name for name in names if one.bases[name].sha256 == hashes[name]]
            parts = {
                name: self.masks.part_of_hash(one.about, name, hashes[name]) for name in set(names) - set(now)
            }
            seen = self.masks.view(one.about, "shown").masks(whole(grid.shape)).only(now)
            if found.organs:
                parts |= {name: BoxedArray.cut_out(seen.mask(name)) for name in now}
            found = (found if found.organs else seen).with_parts(parts)
        return found

    def _can_be_drawn(self, task: Task) -> bool:
        if task.is_of_ct:
            return False
        try:
            self.masks.ct(task.case_id)
        except (ImageError, MissingError):
            return False
        return True

    def _names(self, case_id: str, reader: str, wanted: str) -> list[str]:
        if wanted == OF_TASK:
            return [self.current_task(case_id, reader).organ]
        return self.shown_organs(case_id, reader) if wanted == ALL else [organ(wanted).name]


def _with_voxels(masks: MaskSet) -> GivenLabels:
    """Leave out organs without a voxel, so that numbers and the values that are there agree."""
    volumes_ml = masks.volumes_ml()
    names = tuple(name for name in masks.organs if volumes_ml[name] > 0)
    return GivenLabels(masks=masks.only(names), organs=names)
