"""Records of a hand-in: the mask that a reader hands in, and what became of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.records import Revision
from omentum.records.released_cases import TracedMask

__all__ = ["HandIn", "HandInResult"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HandIn:
    """A mask that a reader hands in."""

    case_id: str
    organ: str
    mask: npt.NDArray[np.bool_]
    """Voxels `(x, y, z)` on the CT's grid; none of them says that the organ is absent."""
    reader: str
    """Pseudonym."""
    task_number: int | None = None
    """The task that it is for; `None` without one."""
    base_sha256: str | None = None
    """Hash of the mask that was shown; that of the task where not said, else unknown."""
    shown: npt.NDArray[np.bool_] | None = None
    """The mask that was shown, if it came along; it is found by its hash where it did not."""
    network: str = ""
    """Whose masks were shown; the task's or the main network's where not said."""
    round_number: int | None = None
    """Round that it is for; the task's or the current one where not said."""
    holder: str = ""
    """Who holds the task, where that is not the reader."""
    decides: bool = False
    """Whether the reader decides by it which mask stands, whatever others drew."""
    is_aside: bool = False
    """Whether it was drawn in passing, at the task of another organ, so that its own tasks stay open."""
    minutes: float | None = None
    """Time it took; what was measured at the task where not said, else unknown."""
    comment: str = ""
    """The reader's own words."""
    origin: str = ""
    """What the file looked like that it was imported from, where such imports are repeated."""
    traced: TracedMask | None = None
    """What a release of another project says of it, which is kept as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandInResult:
    """What became of a mask that was handed in."""

    revision: Revision
    """As it is kept."""
    why_not: str = ""
    """Why it does not stand, in a sentence for people; empty if it stands."""
    is_known: bool = False
    """Whether the same reader handed in the same mask of the same task before, so that nothing was added."""

    @property
    def stands(self) -> bool:
        """Whether it is the mask that stands now."""
        return not self.why_not
