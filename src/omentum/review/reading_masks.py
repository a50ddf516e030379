"""Show who adjudicates a task its readings, what they share, and where they differ."""

import threading
from collections import OrderedDict

import numpy as np

from omentum.project.project import Project
from omentum.records import Revision, TaskState
from omentum.review.adjudicate import Reading, made_part, readings_of, sources_of
from omentum.review.mask_view import MaskView
from omentum.review.page_bases import TaskFacts, revision_base
from omentum.review.page_masks import PageMasks
from omentum.review.page_spots import ShownSpot
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.geometry import Geometry
from omentum.volumes.mask_hash import boxed_sha256

__all__ = ["ReadingMasks"]

_KEPT = 8
"""Masks made of readings that are kept in memory: those of two or three tasks."""


class ReadingMasks:
    """The readings of tasks in adjudication, and the masks that are made of them.

    Args:
        project: The project.
        masks: Reads the mask of a revision, and keeps what was read.
    """

    def __init__(self, project: Project, masks: PageMasks) -> None:
        self._project, self._masks = project, masks
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[str, ...], BoxedMask | None] = OrderedDict()

    def of(self, about: TaskFacts) -> tuple[Reading, ...]:
        """Give the readings of a task that is in adjudication; none of any other."""
        if about.task.state is not TaskState.IN_ADJUDICATION:
            return ()
        return readings_of(self._project, about.task, about.facts)

    def part(self, about: TaskFacts, readings: tuple[Reading, ...], source: str) -> BoxedMask | None:
        """Give the mask of a source; `None` where it is empty.

        Raises:
            ConfigError: There is no such source.
            ImageError: The file of a reading is gone or damaged.
        """
        key = (source, *(one.revision.sha256 for one in readings))
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        part = made_part(readings, source, lambda revision: self._read(about, revision))
        if not source.startswith("revision:"):  # those are kept by who reads them
            self._keep(key, part)
        return part

    def view(self, about: TaskFacts, readings: tuple[Reading, ...], source: str) -> MaskView:
        """Open the mask of a source."""
        part = self.part(about, readings, source)
        return MaskView(geometry=about.facts.case.geometry, parts={about.task.organ: part})

    def hashes(self, about: TaskFacts, readings: tuple[Reading, ...]) -> dict[str, str]:
        """Give the hash of each source's mask: the base of an edit that begins with it."""
        geometry = about.facts.case.geometry
        known = {one.source: one.revision.sha256 for one in readings}
        return {
            source: known.get(source) or boxed_sha256(self.part(about, readings, source), geometry)
            for source in sources_of(readings)
        }

    def volume_ml(self, about: TaskFacts, readings: tuple[Reading, ...], source: str) -> float:
        """Measure the mask of a source."""
        part = self.part(about, readings, source)
        n_voxels = 0 if part is None else int(np.count_nonzero(part.values))
        return round(n_voxels * about.facts.case.geometry.voxel_ml, 3)

    def spots(self, about: TaskFacts, readings: tuple[Reading, ...]) -> tuple[ShownSpot, ...]:
        """List the regions in which readings differ, the largest first."""
        from omentum.measures.joint_readings import Difference, differences  # slow to import

        geometry = about.facts.case.geometry
        found = differences([self._read(about, one.revision) for one in readings])

        def shown(number: int, one: Difference) -> ShownSpot:
            (low_x, high_x), (low_y, high_y), (low_z, high_z) = ((a.start, a.stop - 1) for a in one.box)
            volume_ml = one.n_voxels * geometry.voxel_ml
            return ShownSpot(
                number=number,
                said=_said(readings, one.held_by, volume_ml),
                volume_ml=round(volume_ml, 4),
                error_ml=None,
                low_voxel=(low_x, low_y, low_z),
                high_voxel=(high_x, high_y, high_z),
                centre_mm=_rounded_mm(geometry, one.centre),
            )

        return tuple(shown(number, one) for number, one in enumerate(found, start=1))

    def _read(self, about: TaskFacts, revision: Revision) -> BoxedMask | None:
        return self._masks.part(about, revision_base(revision))

    def _keep(self, key: tuple[str, ...], part: BoxedMask | None) -> None:
        with self._lock:
            self._made[key] = part
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)


def _said(readings: tuple[Reading, ...], held_by: tuple[int, ...], volume_ml: float) -> str:
    """Say who holds a region and who does not.

    Example: `A and C hold 3.1 mL that B does not`.
    """
    own = [one.label for place, one in enumerate(readings) if place in held_by]
    others = [one.label for place, one in enumerate(readings) if place not in held_by]
    holds, does = "holds" if len(own) == 1 else "hold", "does" if len(others) == 1 else "do"
    amount = f"{volume_ml:.1f}" if volume_ml >= 0.05 else f"{volume_ml:.3f}"
    return f"{' and '.join(own)} {holds} {amount} mL that {' and '.join(others)} {does} not"


def _rounded_mm(geometry: Geometry, index: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = np.round(geometry.to_mm(index), 3).tolist()
    return x, y, z
