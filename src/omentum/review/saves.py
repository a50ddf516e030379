"""What a reader saved, on its way from the page into the record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from omentum.review.draft_files import KeptFile
from omentum.review.mask_view import PendingMask
from omentum.review.page_bases import TaskFacts
from omentum.volumes.boxes import BoxedMask

if TYPE_CHECKING:
    from omentum.review.handed_in import HandInResult

__all__ = ["Save", "SaveJob", "save_job"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """What became of something that a reader saved."""

    name: str
    task_number: int
    reader: str
    """Who saved it."""
    decides: bool = False
    """Whether it decides which mask stands where readings disagree."""
    state: Literal["queued", "done", "failed"] = "queued"
    bases: Mapping[str, str]
    """Hash of the mask of each organ that was saved."""
    results: "tuple[HandInResult, ...]" = ()
    said: str = ""
    """Why it failed, for people."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SaveJob:
    """A save that is kept as a file, with its masks."""

    save: Save
    kept: KeptFile
    masks: tuple[PendingMask, ...]
    begun_with: Mapping[str, str | None] = field(default_factory=dict)
    """Hash of the mask that each organ's edit began with."""
    comment: str = ""


def save_job(
    kept: KeptFile,
    about: TaskFacts,
    parts: Mapping[str, BoxedMask | None],
    hashes: Mapping[str, str],
    begun_with: Mapping[str, str | None],
) -> SaveJob:
    """Gather what is handed in of a file that is kept.

    Args:
        kept: The file.
        about: The task's case.
        parts: Mask of each organ; `None` is empty.
        hashes: Of these masks.
        begun_with: Hash of the mask that each organ's edit began with.
    """
    masks = tuple(
        PendingMask(
            case_id=about.task.case_id,
            organ=name,
            sha256=hashes[name],
            reader=kept.reader,
            task_number=kept.task_number,
            part=part,
        )
        for name, part in parts.items()
    )
    save = Save(
        name=kept.name,
        task_number=kept.task_number,
        reader=kept.reader,
        decides=kept.kind == "adjudicate",
        bases=dict(hashes),
    )
    return SaveJob(save=save, kept=kept, masks=masks, begun_with=begun_with)
