"""Keep decoded volumes on disk, so that a box of a compressed file is read at once.

A gzip stream has no index: a box in the middle needs all that comes before it. So a file is decoded once, in
the background, into a raw copy that is mapped into memory; a box can be read as soon as its own slices are
decoded. The copies take a bounded space, and can be deleted at any time.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import sweep, writing
from omentum.volumes.geometry import Box
from omentum.volumes.library_errors import said_by
from omentum.volumes.nifti_slices import Plane, raw_planes

__all__ = ["DecodedVolume", "DecodedVolumes", "Step", "codes", "hounsfield"]

Step = tuple[int, int, int]
"""Every how many-th voxel along each axis."""
EVERY_VOXEL: Step = (1, 1, 1)
MOST_BYTES = 8 << 30
_MOST_OPEN = 12
_STREAMED_BYTES = 1 << 20
_INT16 = np.iinfo(np.int16)
Convert = Callable[[np.dtype[Any], tuple[float, float]], tuple[np.dtype[Any], Callable[[Plane], Plane]]]
"""Gives from a file's dtype and scaling the dtype to keep, and what makes it of a slice."""


class DecodedVolume:
    """A volume that is decoded, or is being decoded; its parts can be read from any thread."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self._changed = threading.Condition()
        self._n_ready = 0
        self._error: Exception | None = None
        self._voxels: npt.NDArray[Any] | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels, little-endian; waits until it is known."""
        return self._wait(0).dtype

    def part(self, box: Box, step: Step = EVERY_VOXEL) -> npt.NDArray[Any]:
        """Copy the voxels of a box, `(x, y, z)` in Fortran order; waits until its slices are decoded.

        Raises:
            UnreadableImageError: The file is damaged, and so cannot be decoded that far.
        """
        voxels = self._wait(box[2].stop)
        strided = tuple(slice(own.start, own.stop, every) for own, every in zip(box, step, strict=True))
        return np.array(voxels[strided], order="F")

    def slabs(self, box: Box, step: Step = EVERY_VOXEL) -> Iterator[bytes]:
        """Give the bytes of a box piece by piece in rising z, each as soon as it is decoded; as `part`."""
        x, y, z = box
        plane_bytes = self.dtype.itemsize * (x.stop - x.start) * (y.stop - y.start)
        n_planes = max(1, _STREAMED_BYTES // plane_bytes) * step[2]
        for start in range(z.start, z.stop, n_planes):
            slab = (x, y, slice(start, min(start + n_planes, z.stop)))
            yield self.part(slab, step).tobytes(order="F")

    def planes(self) -> Iterator[Plane]:
        """Give the slices `(y, x)` in rising z, each as soon as it is decoded; errors as `part`."""
        for z in range(self.shape[2]):
            yield self._wait(z + 1)[:, :, z].T

    def show(self, voxels: npt.NDArray[Any], n_ready: int) -> None:
        """Let parts up to a slice be read."""
        with self._changed:
            self._voxels, self._n_ready = voxels, n_ready
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """Let all who wait know that no more is decoded."""
        with self._changed:
            self._error = error
            self._changed.notify_all()

    @property
    def is_broken(self) -> bool:
        """Whether decoding ended with an error."""
        return self._error is not None

    def _wait(self, n_slices: int) -> npt.NDArray[Any]:
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or (self._voxels is not None and self._n_ready >= n_slices)
            )
            if self._voxels is None or self._n_ready < n_slices:
                assert self._error is not None
                raise self._error
            return self._voxels


class DecodedVolumes:
    """The decoded volumes of a project.

    Args:
        folder: Holds the raw copies; what a killed program left there is removed.
        most_bytes: Space for them; those that were used longest ago are removed.
    """

    def __init__(self, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._folder, self._most_bytes = folder, most_bytes
        self._lock = threading.Lock()
        self._at_once = threading.Semaphore(2)
        self._open: OrderedDict[Path, DecodedVolume] = OrderedDict()
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)

    def open(self, name: str, source: Path, shape: tuple[int, int, int], convert: Convert) -> DecodedVolume:
        """Open a file's voxels, and begin to decode them where that was not done.

        Args:
            name: Of the case and what it is; becomes part of the copy's name.
            source: A NIfTI file; another size or time of it makes another copy.
            shape: Of the volume.
            convert: `hounsfield` or `codes`.

        Raises:
            UnreadableImageError: There is no such file.
        """
        path = self._folder / f"{name}.{_stamp(source, convert)}.raw"
        with self._lock:
            volume = self._open.get(path)
            if volume is None or volume.is_broken:
                volume = self._open[path] = DecodedVolume(shape)
                threading.Thread(
                    target=self._fill,
                    args=(volume, path, source, convert),
                    name=f"decode {name}",
                    daemon=True,
                ).start()
            self._open.move_to_end(path)
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        return volume

    def _fill(self, volume: DecodedVolume, path: Path, source: Path, convert: Convert) -> None:
        try:
            with self._at_once:
                if path.is_file():
                    os.utime(path)
                    self._map(volume, path, source, convert)
                else:
                    self._decode(volume, path, source, convert)
                    self._make_room(path)
        except UnreadableImageError as error:
            volume.fail(error)
        except Exception as error:  # a foreign file may raise anything, and those who wait have to know
            cure = "copy it again from its source, and check the disk's space"
            volume.fail(
                UnreadableImageError(source, f"it cannot be decoded ({said_by(error, source)})", cure)
            )

    def _map(self, volume: DecodedVolume, path: Path, source: Path, convert: Convert) -> None:
        with raw_planes(source) as (layout, scaling, _):
            dtype, _ = convert(layout.dtype, scaling)
        volume.show(np.memmap(path, dtype, "r", shape=volume.shape, order="F"), volume.shape[2])

    def _decode(self, volume: DecodedVolume, path: Path, source: Path, convert: Convert) -> None:
        with writing(path) as part, raw_planes(source) as (layout, scaling, planes):
            dtype, converted = convert(layout.dtype, scaling)
            if layout.geometry.shape != volume.shape:
                seen = f"its shape is {layout.geometry.shape}, and that of the CT {volume.shape}"
                raise UnreadableImageError(source, seen, "bring back the file that was there")
            with part.open("wb", buffering=0) as file:
                file.truncate(int(np.prod(volume.shape)) * dtype.itemsize)
                voxels = np.memmap(part, dtype, "r", shape=volume.shape, order="F")
                for n_ready, plane in enumerate(planes, start=1):
                    file.write(np.ascontiguousarray(converted(plane)).data)
                    volume.show(voxels, n_ready)

    def _make_room(self, newest: Path) -> None:
        """Remove the copies that were used longest ago, until the rest fits."""
        found = [(path, path.stat()) for path in self._folder.glob("*.raw")]
        left = sum(stat.st_size for _, stat in found)
        for path, stat in sorted(found, key=lambda one: one[1].st_mtime):
            if left <= self._most_bytes or path == newest:
                break
            left -= stat.st_size
            with suppress(OSError):  # another program has it open, where that keeps files from being removed
                path.unlink(missing_ok=True)


def hounsfield(
    dtype: np.dtype[Any], scaling: tuple[float, float]
) -> tuple[np.dtype[Any], Callable[[Plane], Plane]]:
    """Make int16 HU of slices; values beyond int16 are cut, fractions rounded."""
    kept: np.dtype[Any] = np.dtype("<i2")
    if scaling == (1.0, 0.0) and dtype.kind in "iu" and np.can_cast(dtype, kept):
        return kept, lambda plane: plane.astype(kept, copy=False)
    slope, intercept = scaling

    def cut(plane: Plane) -> Plane:
        values = np.rint(plane.astype(np.float64) * slope + intercept)
        finite: Plane = np.clip(np.nan_to_num(values, nan=_INT16.min), _INT16.min, _INT16.max)
        return finite.astype(kept)

    return kept, cut


def codes(
    dtype: np.dtype[Any], _scaling: tuple[float, float]
) -> tuple[np.dtype[Any], Callable[[Plane], Plane]]:
    """Keep the codes of a set-coded map, or labels, as they are."""
    kept = dtype.newbyteorder("<")
    return kept, lambda plane: plane.astype(kept, copy=False)


def _stamp(source: Path, convert: Convert) -> str:
    """Name a file by its path, size and time, and what is made of it."""
    try:
        stat = source.stat()
    except OSError:
        raise UnreadableImageError(source, "there is no such file", "bring it back from a backup") from None
    seen = f"{source.absolute()} {stat.st_size} {stat.st_mtime_ns} {getattr(convert, '__name__', '')}"
    return hashlib.sha256(seen.encode("utf-8", "surrogateescape")).hexdigest()[:16]
