"""Plant one error of a wanted size in a true mask, as networks make them: at its border, or where it touches.

In:  the true mask, other organs and the CT around it; volumes of errors that readers corrected.
Out: the mask with the error; readers are shown it to learn how often they miss one (catch trials).
Pure functions on arrays; the same generator gives the same error. Planted errors are no natural ones:
docs/catch-trials.md says what follows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.measures.components import pieces_of
from omentum.measures.morphology import dilated, eroded
from omentum.measures.overlap import dice

__all__ = ["PLANTED_KINDS", "OrganInCt", "PlantedError", "ScaledSizes", "plant_error"]

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float32]
Rng = np.random.Generator

TABLE_SHARES = (0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5)
"""Volumes of errors as shares of the organ's volume, where a project has too few revisions; chosen."""
_TRIES = 12
_LEAST_VOXELS = 8
_MOST_REMOVED = 0.8
"""Share of an organ that is removed at most, so that something is left to look at."""
_WARP = 0.25
"""How uneven the border of an error is: the deviation of the logarithm of distances."""
_COARSE = 5
_HU_BESIDE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganInCt:
    """A true mask with what lies around it, in one box of the CT's grid.

    Attributes:
        mask: The true mask `(x, y, z)`.
        others: Where any other organ is known to be.
        hu: The CT.
        spacing_mm: Edge lengths of a voxel `(x, y, z)`, in mm.
    """

    mask: Mask
    others: Mask
    hu: npt.NDArray[np.number]
    spacing_mm: tuple[float, float, float]

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel, in mL."""
        return float(np.prod(self.spacing_mm)) / 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaledSizes:
    """Volumes of errors that readers corrected, in mL; a table by the organ's volume where there are none."""

    added_ml: Sequence[float] = ()
    """What readers added: what networks had left out."""
    removed_ml: Sequence[float] = ()
    """What readers removed: what networks had added."""

    def known(self, *, is_removal: bool, volume_ml: float) -> list[float]:
        """Give the volumes that an error may have which removes from a mask, or adds to it."""
        found = self.added_ml if is_removal else self.removed_ml
        return list(found) or [share * volume_ml for share in TABLE_SHARES]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlantedError:
    """A mask with a planted error.

    Attributes:
        mask: The mask with the error, `(x, y, z)` in the same box.
        kind: One of `PLANTED_KINDS`.
        error_ml: Volume by which it differs from the true mask.
        centre_voxel: Middle of the error, in the box.
        is_major: Whether Dice to the true mask is below the limit.
    """

    mask: Mask
    kind: str
    error_ml: float
    centre_voxel: tuple[float, float, float]
    is_major: bool


def plant_error(
    organ: OrganInCt, sizes: ScaledSizes, limit: float, rng: Rng, *, is_major: bool
) -> PlantedError | None:
    """Plant one error.

    Args:
        organ: The true mask and what is around it.
        sizes: Of the volumes that make the error as grave as wanted one is drawn; where none does, it is
            somewhat above, or below, the least volume of a major error.
        limit: Dice below which a revision is major, in (0, 1).
        rng: Draws kind, place, size and shape.
        is_major: Whether the error is to be major.

    Returns:
        The mask with the error; `None` where none as grave fits this organ.
    """
    for _ in range(_TRIES):
        kind = PLANTED_KINDS[int(rng.integers(len(PLANTED_KINDS)))]
        planted = _planted(organ, kind, sizes, limit, rng, is_major)
        if planted is not None and planted.is_major is is_major:
            return planted
    return None


def _planted(
    organ: OrganInCt, kind: str, sizes: ScaledSizes, limit: float, rng: Rng, is_major: bool
) -> PlantedError | None:
    is_removal, place = _KINDS[kind]
    volume_ml = int(np.count_nonzero(organ.mask)) * organ.voxel_ml
    least_ml = volume_ml * _least_major_share(limit, is_removal=is_removal)
    known = sizes.known(is_removal=is_removal, volume_ml=volume_ml)
    wanted_ml = _drawn_ml(known, least_ml, rng, is_major=is_major)
    if is_removal:
        wanted_ml = min(wanted_ml, _MOST_REMOVED * volume_ml)
    n_wanted = round(wanted_ml / organ.voxel_ml)
    placed = place(organ, rng)
    if placed is None or n_wanted < _LEAST_VOXELS:
        return None
    changed = _nearest(*placed, n_wanted, _warp(organ.mask.shape, rng))
    n_changed = int(np.count_nonzero(changed))
    if n_changed < max(_LEAST_VOXELS, n_wanted // 2):
        return None
    mask = organ.mask ^ changed
    x, y, z = (float(at.mean()) for at in np.nonzero(changed))
    return PlantedError(
        mask=mask,
        kind=kind,
        error_ml=n_changed * organ.voxel_ml,
        centre_voxel=(x, y, z),
        is_major=(dice(mask, organ.mask) or 0.0) < limit,
    )


def _least_major_share(limit: float, *, is_removal: bool) -> float:
    """Give the share of an organ's volume from which an error is major, as Dice falls with it.

    Example:
        >>> round(_least_major_share(0.9, is_removal=True), 3)
        0.182
    """
    return 2.0 * (1.0 - limit) / (2.0 - limit if is_removal else limit)


def _drawn_ml(known: Sequence[float], least_ml: float, rng: Rng, *, is_major: bool) -> float:
    fit = [one for one in known if (one > 1.03 * least_ml if is_major else 0 < one < 0.9 * least_ml)]
    if fit:
        return float(fit[int(rng.integers(len(fit)))])
    return least_ml * float(rng.uniform(1.1, 1.8) if is_major else rng.uniform(0.2, 0.8))


def _nearest(candidates: Mask, scores: Scores, n_wanted: int, warp: Scores) -> Mask:
    """Take the voxels of the least scores, and of these the piece with the least one."""
    places = np.flatnonzero(candidates)
    taken = np.zeros(candidates.size, dtype=bool)
    if not places.size:
        return taken.reshape(candidates.shape)
    warped = (scores * warp).reshape(-1)[places]
    n = min(n_wanted, places.size)
    order = np.argpartition(warped, n - 1)[:n]
    taken[places[order]] = True
    pieces = pieces_of(taken.reshape(candidates.shape))
    first = pieces.numbers.reshape(-1)[places[order[np.argmin(warped[order])]]]
    return np.asarray(pieces.numbers == first)


def _warp(shape: tuple[int, ...], rng: Rng) -> Scores:
    """Make a smooth random field around 1, by linear interpolation, so that no error is a ball."""
    field = rng.normal(0.0, _WARP, (_COARSE,) * 3).astype(np.float32)
    for side in shape:  # each axis in turn goes from the front to the back
        at = np.linspace(0, _COARSE - 1, side)
        weights = np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(_COARSE))).astype(np.float32)
        field = np.tensordot(field, weights, axes=(0, 1))
    return np.asarray(np.exp(field), dtype=np.float32)


_Placed = tuple[Mask, Scores]
"""Where an error may be, and how far each voxel is from where it begins."""


def _around(organ: OrganInCt, starts: Mask, candidates: Mask, rng: Rng) -> _Placed | None:
    """Begin at one of some voxels, and grow in all directions."""
    places = np.argwhere(starts)
    if not len(places):
        return None
    at = places[int(rng.integers(len(places)))]
    squares = [
        ((np.arange(side, dtype=np.float32) - at[axis]) * organ.spacing_mm[axis]) ** 2
        for axis, side in enumerate(candidates.shape)
    ]
    far = np.sqrt(squares[0][:, None, None] + squares[1][None, :, None] + squares[2][None, None, :])
    return candidates, np.asarray(far + 1.0, dtype=np.float32)


def _like_organ(organ: OrganInCt) -> Mask:
    """Find voxels as bright as the organ, as networks seldom take air or bone for it."""
    low, high = np.percentile(organ.hu[organ.mask], (2, 98))
    return np.asarray((organ.hu >= low - _HU_BESIDE) & (organ.hu <= high + _HU_BESIDE))


def _border(organ: OrganInCt) -> Mask:
    return np.asarray(organ.mask & ~eroded(organ.mask))


def _bulge(organ: OrganInCt, rng: Rng) -> _Placed | None:
    return _around(organ, _border(organ), ~organ.mask & _like_organ(organ), rng)


def _bite(organ: OrganInCt, rng: Rng) -> _Placed | None:
    return _around(organ, _border(organ), organ.mask, rng)


def _contact(organ: OrganInCt) -> Mask:
    return np.asarray(organ.mask & dilated(organ.others & ~organ.mask))


def _leak(organ: OrganInCt, rng: Rng) -> _Placed | None:
    return _around(organ, _contact(organ), organ.others & ~organ.mask, rng)


def _bite_at_contact(organ: OrganInCt, rng: Rng) -> _Placed | None:
    return _around(organ, _contact(organ), organ.mask, rng)


def _along(organ: OrganInCt, rng: Rng) -> tuple[int, int, int, Scores]:
    """Choose an end of the organ on its longest axis; give axis, its plane, the way out, and the distance."""
    lengths = [np.flatnonzero(organ.mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    extents = [
        (at[-1] - at[0] + 1) * edge if at.size else 0.0
        for at, edge in zip(lengths, organ.spacing_mm, strict=True)
    ]
    axis = int(np.argmax(extents))
    way = 1 if rng.random() < 0.5 else -1
    plane = int(lengths[axis][-1 if way > 0 else 0])
    beyond = (np.arange(organ.mask.shape[axis], dtype=np.float32) - plane) * way * organ.spacing_mm[axis]
    shape = [-1 if one == axis else 1 for one in range(3)]
    distance = np.broadcast_to(beyond.reshape(shape), organ.mask.shape)
    return axis, plane, way, np.asarray(distance, dtype=np.float32)


def _end_cut(organ: OrganInCt, rng: Rng) -> _Placed | None:
    _, _, _, beyond = _along(organ, rng)
    return organ.mask, np.asarray(1.0 - np.minimum(beyond, 0.0), dtype=np.float32)


def _end_grown(organ: OrganInCt, rng: Rng) -> _Placed | None:
    """Go on with the cross-section of the end, as far as the CT is as bright."""
    axis, plane, way, beyond = _along(organ, rng)
    depth = plane - 2 * way
    ends = np.take(organ.mask, [min(max(depth, 0), organ.mask.shape[axis] - 1), plane], axis=axis)
    section = ends.any(axis=axis, keepdims=True)
    candidates = np.broadcast_to(section, organ.mask.shape) & (beyond > 0) & _like_organ(organ)
    far = np.asarray(1.0 + np.maximum(beyond, 0.0), dtype=np.float32)
    return np.asarray(candidates & ~organ.mask), far


_KINDS: dict[str, tuple[bool, Callable[[OrganInCt, Rng], _Placed | None]]] = {
    "bulge": (False, _bulge),
    "bite": (True, _bite),
    "leak at a contact": (False, _leak),
    "bite at a contact": (True, _bite_at_contact),
    "end cut": (True, _end_cut),
    "end grown": (False, _end_grown),
}
"""For each kind whether it removes from the mask, and where it may be."""
PLANTED_KINDS: tuple[str, ...] = tuple(_KINDS)
"""Names of all kinds."""
