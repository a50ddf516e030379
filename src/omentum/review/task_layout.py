"""Name the layouts in which tasks go out as folders."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from omentum.errors import ConfigError
from omentum.review.claims import TWO_WEEKS

__all__ = ["DEFAULT_OPTIONS", "ExportOptions", "TaskLayout", "task_layout_named"]


class TaskLayout(StrEnum):
    """The files in which a case's masks go out."""

    NIFTI = "nifti"
    """One NIfTI file an organ, and one of all organs."""
    SEG_NRRD = "seg.nrrd"
    """One file of segments for 3D Slicer, which saves it in place."""
    MITK = "mitk"
    """As `NIFTI`, with the list of tasks that MITK opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions:
    """How tasks go out.

    Attributes:
        layout: In which files.
        lasting: For how long they are reserved.
    """

    layout: TaskLayout = TaskLayout.NIFTI
    lasting: timedelta = TWO_WEEKS


DEFAULT_OPTIONS = ExportOptions()


def task_layout_named(name: str) -> TaskLayout:
    """Find a layout of task folders.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in list(TaskLayout):
        raise ConfigError("--as", name, f"it must be one of {', '.join(TaskLayout)}")
    return TaskLayout(name)
