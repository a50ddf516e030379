"""Show the masks of a case from one source, in any box of the grid; and keep masks that were read."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from omentum.errors import MissingError
from omentum.volumes.boxes import BoxedArray, BoxedMask, shifted
from omentum.volumes.decoded import DecodedVolume
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti_slices import joined_planes

__all__ = ["MaskView", "PartCache", "PendingMask"]

_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PendingMask:
    """A mask that was saved, and is not handed in yet."""

    case_id: str
    organ: str
    sha256: str
    reader: str
    task_number: int
    part: BoxedMask | None
    """`None` where it is empty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskView:
    """Masks of one case from one source."""

    geometry: Geometry
    coded: DecodedVolume | None = None
    """The set-coded map that most of them are in."""
    sets: tuple[tuple[int, ...], ...] = ((),)
    organs: tuple[str, ...] = ()
    """Organs that are taken from the map."""
    parts: Mapping[str, BoxedMask | None] = field(default_factory=dict)
    """Masks of other organs; `None` is empty."""

    @property
    def is_plain(self) -> bool:
        """Whether it is the map as it is, without a part."""
        return self.coded is not None and not self.parts

    def part(self, name: str) -> BoxedMask | None:
        """Give the mask of an organ of the map; `None` where it is empty."""
        assert self.coded is not None
        holds = np.array([organ(name).index in members for members in self.sets])
        nothing = np.zeros(self.geometry.shape[1::-1], dtype=np.uint8)
        planes = (holds[one].view(np.uint8) if one.any() else nothing for one in self.coded.planes())
        found = joined_planes(planes)
        return None if found is None else BoxedArray(found.box, found.values.view(np.bool_))

    def masks(self, box: Box) -> MaskSet:
        """Give the masks inside a box of the grid."""
        grid = self.geometry.cropped(box)
        values = np.zeros(grid.shape, np.uint8, order="F") if self.coded is None else self.coded.part(box)
        found = MaskSet(values, self.sets, self.organs, grid)
        if not self.parts:
            return found
        return found.with_parts({name: _inside(part, box) for name, part in self.parts.items()})


class PartCache:
    """Masks of single organs that were read lately, by file and organ, in bounded memory."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._parts: OrderedDict[tuple[object, ...], BoxedMask | None] = OrderedDict()

    def find(self, path: Path, name: str) -> tuple[bool, BoxedMask | None]:
        """Tell whether a mask is there, and give it; `None` is empty.

        Raises:
            MissingError: The file is gone.
        """
        key = _key(path, name)
        with self._lock:
            if key not in self._parts:
                return False, None
            self._parts.move_to_end(key)
            return True, self._parts[key]

    def keep(self, path: Path, name: str, part: BoxedMask | None) -> None:
        """Keep a mask; those that were used longest ago go."""
        key = _key(path, name)
        with self._lock:
            self._parts[key] = part
            left = sum(one.values.nbytes for one in self._parts.values() if one is not None)
            while left > self._most_bytes and len(self._parts) > 1:
                _, gone = self._parts.popitem(last=False)
                left -= 0 if gone is None else gone.values.nbytes


def _inside(part: BoxedMask | None, box: Box) -> BoxedMask | None:
    """Give what of a mask lies in a box, in its coordinates; `None` where nothing does."""
    if part is None:
        return None
    x, y, z = (
        slice(max(own.start, other.start), min(own.stop, other.stop))
        for own, other in zip(part.box, box, strict=True)
    )
    if any(side.start >= side.stop for side in (x, y, z)):
        return None
    return BoxedArray(shifted((x, y, z), box, -1), part.values[shifted((x, y, z), part.box, -1)])


def _key(path: Path, name: str) -> tuple[object, ...]:
    """Name a mask by its file, as it is now, and its organ."""
    try:
        stat = path.stat()
    except OSError:
        raise MissingError(f"{path} is gone; bring it back, or run the step that wrote it again") from None
    return path, stat.st_size, stat.st_mtime_ns, name
