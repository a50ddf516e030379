"""Put one error of a known kind into true labels; the same draw gives the same error."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from omentum.errors import ConfigError
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ

__all__ = ["ERRORS", "Labelled", "with_error"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """A CT with labels.

    Attributes:
        hu: `(x, y, z)`.
        labels: 32-class indices, uint8, on the same grid, whose axes run along R, A, S in this order.
        wrong: Organs whose masks are wrong; none in the truth.
    """

    hu: npt.NDArray[Any]
    labels: npt.NDArray[np.uint8]
    geometry: Geometry
    wrong: tuple[str, ...] = ()

    def mask(self, name: str) -> npt.NDArray[np.bool_]:
        """Give one organ's mask."""
        return np.asarray(self.labels == organ(name).index)

    def is_whole(self, name: str) -> bool:
        """Tell whether an organ is there and does not touch the grid's border."""
        mask = self.mask(name)
        border = mask.copy()
        border[1:-1, 1:-1, 1:-1] = False
        return bool(mask.any() and not border.any())

    def painted(self, name: str, mask: npt.NDArray[np.bool_]) -> "Labelled":
        """Give an organ another mask, over whatever is there."""
        labels = np.where(self.labels == organ(name).index, 0, self.labels).astype(np.uint8)
        labels[mask] = organ(name).index
        return replace(self, labels=labels, wrong=(*self.wrong, name))


Rng = np.random.Generator
SOLID = ("liver", "spleen", "kidney_left", "kidney_right", "pancreas")


def with_error(truth: Labelled, error: str, rng: Rng) -> Labelled | None:
    """Put one error into true labels.

    Args:
        truth: True labels.
        error: One of `ERRORS`.
        rng: Draws the organ, the place and the size.

    Returns:
        The labels with the error; `None` where this patient has no organ that can have it.

    Raises:
        ConfigError: There is no such error.
    """
    if error not in _MAKERS:
        raise ConfigError("error", error, f"it must be one of {', '.join(ERRORS)}")
    organs, make = _MAKERS[error]
    whole = [name for name in organs if truth.is_whole(name)]
    return make(truth, whole[rng.integers(len(whole))], rng) if whole else None


def _swapped(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    partner = organ(name).partner
    assert partner is not None
    own, other = truth.mask(name), truth.mask(partner)
    return truth.painted(partner, own).painted(name, other) if other.any() else None


def _across(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    """Mirror an organ about the middle of the patient's body."""
    inside = np.flatnonzero((truth.hu > -300).sum(axis=(1, 2)) > 0)
    mirrored = np.zeros_like(truth.mask(name))
    at = np.argwhere(truth.mask(name))
    at[:, 0] = inside[0] + inside[-1] - at[:, 0]
    mirrored[tuple(at[(at[:, 0] >= 0) & (at[:, 0] < mirrored.shape[0])].T)] = True
    return truth.painted(name, mirrored)


def _on_one_side(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    """Give the upper half of one partner to the other, which leaves its own place."""
    partner = organ(name).partner
    assert partner is not None
    other = truth.mask(partner)
    if not other.any():
        return None
    half = other & (np.arange(other.shape[2]) > np.argwhere(other)[:, 2].mean())
    return replace(truth.painted(name, half), wrong=(name, partner))


def _dropped(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    return truth.painted(name, np.zeros_like(truth.mask(name)))


def _vessel_dropped(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Drop a great vessel; it is always cut by the field of view."""
    chosen = ("aorta", "postcava")[rng.integers(2)]
    return _dropped(truth, chosen, rng) if truth.mask(chosen).any() and truth.is_whole(name) else None


def _moved(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Move an organ 80 to 120 mm along the body's long axis, up or down, all of it within the grid."""
    mask = truth.mask(name)
    steps = round(float(rng.uniform(80, 120)) / truth.geometry.spacing_mm[2])
    levels = np.flatnonzero(mask.any(axis=(0, 1)))
    for step in (steps, -steps):
        if levels[0] + step >= 0 and levels[-1] + step < mask.shape[2]:
            return truth.painted(name, np.roll(mask, step, axis=2))
    return None


def _blob(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Add a ball of 3 to 14 mL, over 100 mm from the organ's middle and none of it near the organ."""
    mask = truth.mask(name)
    middle = np.argwhere(mask).mean(axis=0)
    radius_mm = rng.uniform(9, 15)
    edge = np.array(truth.geometry.spacing_mm)
    margin = np.ceil(radius_mm / edge).astype(int) + 1
    for _ in range(50):
        at = rng.integers(margin, np.array(mask.shape) - margin)
        ball = _ball(truth, at, radius_mm)
        apart = np.linalg.norm((at - middle) * edge)
        if apart > 100 and truth.hu[tuple(at)] > -300 and not (ball & ndimage.binary_dilation(mask)).any():
            return truth.painted(name, mask | ball)
    return None


def _shrunk(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    """Wear an organ away to under a seventh of its volume."""
    mask = truth.mask(name)
    goal = mask.sum() / 7
    depth = ndimage.distance_transform_edt(mask, sampling=truth.geometry.spacing_mm)
    return truth.painted(name, depth >= np.partition(depth[mask], int(-goal))[int(-goal)])


def _inflated(truth: Labelled, name: str, _rng: Rng) -> Labelled | None:
    """Grow an organ to four times its volume."""
    mask = truth.mask(name)
    away = ndimage.distance_transform_edt(~mask, sampling=truth.geometry.spacing_mm)
    reach = np.partition(away.ravel(), 4 * int(mask.sum()))[4 * int(mask.sum())]
    return truth.painted(name, away < reach)


def _split(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Take 8 mm out of an organ's middle, across an axis."""
    mask, axis = truth.mask(name), int(rng.integers(3))
    along = np.argwhere(mask)[:, axis]
    near = np.abs(np.arange(mask.shape[axis]) - np.median(along)) * truth.geometry.spacing_mm[axis] < 4.5
    gap = near.reshape([-1 if k == axis else 1 for k in range(3)])
    return truth.painted(name, mask & ~gap)


def _specks(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Strew 60 specks of 8 voxels over the picture."""
    mask = truth.mask(name)
    for at in rng.integers(1, np.array(mask.shape) - 3, size=(60, 3)):
        mask[tuple(slice(one, one + 2) for one in at)] = True
    return truth.painted(name, mask)


def _hole(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Take a ball of 9 to 15 mm radius out of an organ where it fits."""
    found = _inside(truth, name, rng, (9.0, 15.0))
    return None if found is None else truth.painted(name, truth.mask(name) & ~found)


def _filled_with(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Let an organ hold a ball of air or, in liver and spleen, of fat: as if it reached over bowel."""
    found = _inside(truth, name, rng, (11.0, 16.0))
    if found is None:
        return None
    mean = -800 if name not in {"liver", "spleen"} or rng.random() < 0.5 else -105
    hu = truth.hu.copy()
    hu[found] = rng.normal(mean, 15, int(found.sum())).astype(hu.dtype)
    return replace(truth, hu=hu, wrong=(name,))


def _cut(truth: Labelled, name: str, rng: Rng) -> Labelled | None:
    """Take all of an organ beyond a plane of voxels, a third to two thirds of the way."""
    mask, axis = truth.mask(name), int(rng.integers(3))
    planes = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis)))
    at = int(planes[0] + rng.uniform(0.33, 0.67) * len(planes))
    kept = np.arange(mask.shape[axis]) < at if rng.random() < 0.5 else np.arange(mask.shape[axis]) > at
    return truth.painted(name, mask & kept.reshape([-1 if k == axis else 1 for k in range(3)]))


def _turned(truth: Labelled, _name: str, rng: Rng) -> Labelled | None:
    """Give the CT an affine that mirrors it, turns it half round, or exchanges two axes."""
    turns = [[-1, 1, 1], [1, -1, 1], [1, 1, -1], [-1, -1, 1], [-1, 1, -1]]
    pick = int(rng.integers(len(turns) + 1))
    matrix = np.eye(4)
    if pick < len(turns):
        matrix[:3, :3] = np.diag(turns[pick])
    else:
        matrix[:2, :2] = [[0, 1], [1, 0]]
    geometry = Geometry(truth.geometry.shape, matrix @ truth.geometry.affine)
    present = [int(index) for index in np.unique(truth.labels) if index]
    return replace(truth, geometry=geometry, wrong=tuple(organ(index).name for index in present))


def _inside(
    truth: Labelled, name: str, rng: Rng, radius_mm: tuple[float, float]
) -> npt.NDArray[np.bool_] | None:
    """Draw a ball that fits inside an organ with 4 mm to spare; `None` where none does."""
    depth = ndimage.distance_transform_edt(truth.mask(name), sampling=truth.geometry.spacing_mm)
    radius = min(float(rng.uniform(*radius_mm)), float(depth.max()) - 4.0)
    if radius < radius_mm[0]:
        return None
    fits = np.argwhere(depth >= radius + 4.0)
    return _ball(truth, fits[rng.integers(len(fits))], radius)


def _ball(truth: Labelled, at: npt.NDArray[Any], radius_mm: float) -> npt.NDArray[np.bool_]:
    edge = truth.geometry.spacing_mm
    x, y, z = (((np.arange(side) - at[k]) * edge[k]) ** 2 for k, side in enumerate(truth.labels.shape))
    return np.asarray(x[:, None, None] + y[None, :, None] + z[None, None, :] < radius_mm**2)


_Maker = Callable[[Labelled, str, Rng], Labelled | None]
_KIDNEYS = ("kidney_left", "kidney_right")
_MAKERS: dict[str, tuple[tuple[str, ...], _Maker]] = {
    "sides swapped": (_KIDNEYS, _swapped),
    "on the other side": (("liver", "spleen", "gall_bladder", "stomach"), _across),
    "both on one side": (_KIDNEYS, _on_one_side),
    "dropped": ((*SOLID, "gall_bladder", "stomach"), _dropped),
    "vessel dropped": (_KIDNEYS, _vessel_dropped),
    "moved along the body": ((*SOLID, "gall_bladder"), _moved),
    "far ball added": ((*SOLID, "gall_bladder", "stomach"), _blob),
    "shrunk to a seventh": (SOLID, _shrunk),
    "grown fourfold": (SOLID, _inflated),
    "split in two": (SOLID, _split),
    "specks strewn": (SOLID, _specks),
    "hole punched": (SOLID, _hole),
    "air or fat inside": (SOLID, _filled_with),
    "cut by a plane": (SOLID, _cut),
    "whole CT turned": (SOLID, _turned),
}
ERRORS: tuple[str, ...] = tuple(_MAKERS)
"""Names of all errors."""
