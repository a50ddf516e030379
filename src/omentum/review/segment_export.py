"""Write a case's masks as one `.seg.nrrd` file, which 3D Slicer saves in place."""

from collections.abc import Sequence
from dataclasses import replace

from omentum.records import MaskSource, Task
from omentum.review.shown_masks import ShownCase
from omentum.review.task_file import ShownOrgan, segments_name
from omentum.review.written_folder import WrittenFolder
from omentum.volumes.mask_hash import organ_sha256s
from omentum.volumes.slicer_segments import write_segments

__all__ = ["show_segments"]


def show_segments(
    tasks: Sequence[Task], shown: ShownCase, written: WrittenFolder
) -> tuple[list[ShownOrgan], list[ShownOrgan]]:
    """Write a segment for each organ that is known, those of the tasks first.

    A file that a reader saved over stays as it is.

    Args:
        tasks: Organs to look at, in the order of the queue.
        shown: What the reader is shown.
        written: The case's folder.

    Returns:
        What the folder says of the tasks' organs, and of all segments of the file.
    """
    name = segments_name(tasks[0].case_id)
    now = _organs(tasks, shown)
    before = {one: written.before.organs[one] for one in written.before.segments}
    if written.is_changed(name):
        written.keep(name)
        now = before
    elif written.is_ours(name) and _bases(now) == _bases(before):
        written.keep(name)
    elif now:
        write_segments(written.folder / name, shown.masks, list(now))
        written.note(name)
    of_tasks = [
        replace(now.get(task.organ, ShownOrgan(organ=task.organ)), task_number=task.number)
        for task in tasks
        if not task.is_of_ct
    ]
    return of_tasks, list(now.values())


def _organs(tasks: Sequence[Task], shown: ShownCase) -> dict[str, ShownOrgan]:
    """Give what is shown of each organ that the masks know."""
    names = dict.fromkeys(task.organ for task in tasks if task.organ in shown.masks.organs)
    hashes = organ_sha256s(shown.masks)
    rows = {**names, **dict.fromkeys(shown.masks.organs)}
    return {
        name: shown.organs.get(name)
        or ShownOrgan(organ=name, base_sha256=hashes[name], base_source=MaskSource.PREDICTED)
        for name in rows
    }


def _bases(organs: dict[str, ShownOrgan]) -> list[tuple[str, str | None]]:
    return [(name, one.base_sha256) for name, one in organs.items()]
