"""Keep the probabilities of one case as uint8 inside each organ's box, compressed in one file."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr
from zarr.codecs import BloscCodec
from zarr.storage import ZipStore

from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import writing
from omentum.volumes.boxes import BoxedArray, BoxedBytes
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import organ
from omentum.volumes.library_errors import raise_if_unreachable, require_reachable
from omentum.volumes.volume import Volume

__all__ = [
    "ENTROPIES_NAME",
    "FULL",
    "LEAST",
    "ProbabilityMaps",
    "reach",
    "read_probabilities",
    "write_probabilities",
]

FULL = 255
"""Stored value of probability 1."""
LEAST = 3
"""Least stored value that counts for an organ's box: 0.012, under any threshold in use."""
ENTROPIES_NAME = "entropies.zarr.zip"
"""Beside the probabilities of a network whose entropies are known: `-p ln p` times 255, same format."""
_CHUNK = 64


@dataclass(frozen=True, slots=True, eq=False)
class ProbabilityMaps:
    """Probabilities of one case's organs from one network.

    Attributes:
        geometry: The network's grid; its axes are parallel to the CT's, in the same order.
        organs: Names of all organs that were predicted.
        parts: Each organ's values on that grid, probability times 255; empty organs are absent.
    """

    geometry: Geometry
    organs: tuple[str, ...]
    parts: Mapping[str, BoxedBytes]

    def on_grid(self, name: str, target: Geometry) -> BoxedArray[np.float32] | None:
        """Interpolate one organ's probability inside its box.

        Args:
            name: The organ.
            target: The CT's grid, or any whose axes are parallel to `geometry`'s, in the same order.

        Returns:
            Probabilities in [0, 1] in a box of `target`; `None` if the organ is empty.
        """
        part = self.parts.get(organ(name).name)
        if part is None:
            return None
        near = self._with_margin(part.box, target)
        source = Volume(part.crop(near), self.geometry.cropped(near))
        box = reach(source.geometry, target)
        probability = source.resampled(target.cropped(box)).voxels
        probability /= FULL
        return BoxedArray(box, probability)

    def _with_margin(self, box: Box, target: Geometry) -> Box:
        """Grow a box as far as a voxel of `target` reaches."""
        steps = np.ceil(np.array(target.spacing_mm) / np.array(self.geometry.spacing_mm)).astype(int).tolist()
        x, y, z = (
            slice(max(0, part.start - step), min(side, part.stop + step))
            for step, part, side in zip(steps, box, self.geometry.shape, strict=True)
        )
        return x, y, z


def reach(source: Geometry, target: Geometry) -> Box:
    """Give the box of voxels on `target` whose centres lie within the voxels of a (smaller) parallel grid."""
    outer = np.array([(-0.5,) * 3, np.array(source.shape) - 0.5])
    low, high = np.sort(target.to_index(source.to_mm(outer)), axis=0)
    starts = np.clip(np.ceil(low), 0, np.array(target.shape) - 1).astype(int)
    stops = np.clip(np.floor(high) + 1, starts + 1, target.shape).astype(int)
    x, y, z = (slice(int(start), int(stop)) for start, stop in zip(starts, stops, strict=True))
    return x, y, z


def write_probabilities(path: Path, maps: ProbabilityMaps) -> None:
    """Write all maps into one file, whole or not at all."""
    with writing(path) as part, ZipStore(part, mode="w") as store:
        root = zarr.create_group(store, attributes=_attributes(maps))
        for name, (_, values) in maps.parts.items():
            root.create_array(
                name,
                data=np.ascontiguousarray(values),
                chunks=tuple(min(side, _CHUNK) for side in values.shape),
                compressors=BloscCodec(cname="zstd", clevel=3, shuffle="noshuffle"),
            )


def read_probabilities(path: Path) -> ProbabilityMaps:
    """Read what `write_probabilities` wrote.

    Raises:
        UnreadableImageError: It is not such a file.
    """
    try:
        zipfile.ZipFile(path).close()  # gives a clear error where `ZipStore` does not
        with ZipStore(path, mode="r") as store:
            root = zarr.open_group(store, mode="r")
            grid: Any = root.attrs["geometry"]
            names: Any = root.attrs["organs"]
            starts: Any = root.attrs["starts"]
            parts = {name: _part(starts[name], np.asarray(root[name])) for name in starts}
    except (OSError, KeyError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise_if_unreachable(path, error)
        require_reachable(path)  # `zipfile` calls a file that it cannot read no zip file
        raise UnreadableImageError(
            path, f"it holds no probabilities ({error})", "run `omentum predict` again"
        ) from None
    geometry = Geometry(tuple(grid["shape"]), np.array(grid["affine"]))
    return ProbabilityMaps(geometry, tuple(names), parts)


def _part(start: list[int], values: npt.NDArray[np.uint8]) -> BoxedBytes:
    x, y, z = (slice(low, low + side) for low, side in zip(start, values.shape, strict=True))
    return BoxedArray((x, y, z), values)


def _attributes(maps: ProbabilityMaps) -> dict[str, Any]:
    return {
        "geometry": {"shape": list(maps.geometry.shape), "affine": maps.geometry.affine.tolist()},
        "organs": list(maps.organs),
        "starts": {name: [part.start for part in box] for name, (box, _) in maps.parts.items()},
    }
