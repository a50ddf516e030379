"""Say which segments of an exported file a reader removed or renamed."""

from collections.abc import Sequence

from omentum.review.file_names import organ_in_name
from omentum.review.task_file import TaskFile
from omentum.volumes.segmentations import NamedMask

__all__ = ["gone_segments"]


def gone_segments(task_file: TaskFile | None, masks: Sequence[NamedMask]) -> list[str]:
    """Give a sentence for each segment that was exported and is not in a file any more.

    Args:
        task_file: Of the folder; `None` where it has none.
        masks: All that the file holds.
    """
    if task_file is None:
        return []
    found = {organ_in_name(one.name or "").organ for one in masks}
    return [_gone(name) for name in task_file.segments if name not in found]


def _gone(name: str) -> str:
    return (
        f"its segment {name!r} was removed or renamed, and nothing is taken of {name}; "
        f"where the organ is absent, save an empty segment {name}_revised"
    )
