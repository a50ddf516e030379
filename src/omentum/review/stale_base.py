"""Find out whether edits began with masks that are no longer there, or may not be changed by their task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omentum.errors import HiddenError
from omentum.records import Revision
from omentum.review.edit_files import OrganEdit
from omentum.review.page_bases import OrganBase, TaskFacts, why_locked

__all__ = ["StaleMask", "require_editable", "stale_masks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleMask:
    """An organ of which another mask is there by now."""

    base_sha256: str | None
    """Hash of the mask that the edit began with."""
    now: OrganBase
    """What is there."""

    @property
    def revision(self) -> Revision | None:
        """The revision that it is; `None` where it is none, or is not handed in yet."""
        return self.now.revision


def stale_masks(bases: Mapping[str, OrganBase], begun_with: Mapping[str, str | None]) -> dict[str, StaleMask]:
    """Give the organs whose edits began with another mask than is there.

    Args:
        bases: What is there, by organ.
        begun_with: Hash of the mask that each edit began with.
    """
    return {
        name: StaleMask(base_sha256=sha256, now=bases[name])
        for name, sha256 in begun_with.items()
        if bases[name].sha256 != sha256
    }


def require_editable(about: TaskFacts, bases: Mapping[str, OrganBase], edits: Sequence[OrganEdit]) -> None:
    """Refuse edits of organs that the task may not change, with `HiddenError`."""
    for edit in edits:
        if edit.organ not in bases:
            known = ", ".join(bases)
            raise HiddenError(
                f"{edit.organ} is no organ of this project, which has {known}; edit one of those"
            )
        if why := why_locked(about, edit.organ):
            raise HiddenError(f"{edit.organ} cannot be changed here: {why}")
