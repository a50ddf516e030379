"""Signed distances to solids, negative inside, in mm.

They are exact enough near the surface for borders a voxel wide.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from omentum.phantoms.interpolate import FloatArray, RealArray

__all__ = ["Points", "capsule", "ellipsoid", "outline", "smooth_max", "smooth_min", "smooth_path", "turned"]

Points = tuple[RealArray, RealArray, RealArray]
"""Coordinates x, y, z of points, in mm."""


def smooth_max(first: RealArray, second: RealArray, blend_mm: float) -> FloatArray:
    """Intersect two solids with a rounded edge.

    Example:
        >>> a, b = np.zeros(1, np.float32), np.zeros(1, np.float32)
        >>> smooth_max(a, b, 8.0).tolist(), smooth_max(a, b - 20, 8.0).tolist()
        ([2.0], [0.0])
    """
    overlap = np.maximum(1.0 - np.abs(first - second) / np.float32(blend_mm), np.float32(0.0))
    return np.asarray(np.maximum(first, second) + np.float32(0.25 * blend_mm) * overlap**2, dtype=np.float32)


def smooth_min(first: RealArray, second: RealArray, blend_mm: float) -> FloatArray:
    """Join two solids with a rounded groove."""
    return -smooth_max(-first, -second, blend_mm)


def turned(points: Points, degrees: Sequence[float]) -> Points:
    """Turn points about the x, y and z axis by small angles, one after another."""
    x, y, z = points
    for axis, angle in enumerate(degrees):
        cos, sin = np.float32(np.cos(np.radians(angle))), np.float32(np.sin(np.radians(angle)))
        if axis == 0:
            y, z = cos * y - sin * z, sin * y + cos * z
        elif axis == 1:
            z, x = cos * z - sin * x, sin * z + cos * x
        else:
            x, y = cos * x - sin * y, sin * x + cos * y
    return x, y, z


def ellipsoid(
    points: Points,
    centre_mm: Sequence[float],
    radii_mm: Sequence[float],
    degrees: Sequence[float] = (0.0, 0.0, 0.0),
) -> FloatArray:
    """Measure the distance to an ellipsoid, turned by `degrees` about its centre.

    Example:
        >>> x, y, z = (np.float32([v]) for v in (12.0, 0.0, 0.0))
        >>> float(ellipsoid((x, y, z), (0, 0, 0), (10, 20, 30))[0].round(3))
        2.0
    """
    x, y, z = (axis - np.float32(c) for axis, c in zip(points, centre_mm, strict=True))
    if any(degrees):
        x, y, z = turned((x, y, z), degrees)
    a, b, c = (np.float32(r) for r in radii_mm)
    near = np.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2 + (z / c**2) ** 2)
    # Their quotient is a length between the radii, also at the centre, where both vanish.
    tiny = np.float32(1e-6)
    return np.asarray((near - 1.0) * (near + tiny) / (slope + tiny / min(a, b, c)), dtype=np.float32)


def outline(
    x: RealArray, y: RealArray, half_width: RealArray, ends: tuple[RealArray, RealArray]
) -> FloatArray:
    """Measure the radial distance to an upright, rounded-box-like outline.

    Args:
        x: To the patient's right, from the middle.
        y: To the front.
        half_width: Half of its width, a value for each height or point.
        ends: Where it ends at the back and in front.
    """
    back, front = ends
    across = y - (back + front) * np.float32(0.5)
    half_depth = (front - back) * np.float32(0.5)
    near = ((np.abs(x) / half_width) ** 2.4 + (np.abs(across) / half_depth) ** 2.4) ** np.float32(1 / 2.4)
    radius = np.sqrt(x**2 + across**2)
    return np.asarray(radius * (1.0 - 1.0 / np.maximum(near, np.float32(0.05))), dtype=np.float32)


def capsule(points: Points, start: Sequence[float], end: Sequence[float]) -> FloatArray:
    """Measure the distance to a straight piece of a tube; ends are `(x, y, z, radius)` in mm."""
    x, y, z = (axis - np.float32(s) for axis, s in zip(points, start[:3], strict=True))
    dx, dy, dz = (np.float32(e - s) for s, e in zip(start[:3], end[:3], strict=True))
    length2 = max(float(dx * dx + dy * dy + dz * dz), 1e-6)
    t = np.clip((x * dx + y * dy + z * dz) * np.float32(1.0 / length2), np.float32(0.0), np.float32(1.0))
    distance = np.sqrt((x - t * dx) ** 2 + (y - t * dy) ** 2 + (z - t * dz) ** 2)
    return np.asarray(distance - (np.float32(start[3]) + t * np.float32(end[3] - start[3])), dtype=np.float32)


def smooth_path(knots: npt.ArrayLike, step_mm: float) -> npt.NDArray[np.float64]:
    """Lay a smooth curve through knots `(x, y, z, radius)`, cut into straight pieces of about `step_mm`."""
    points = np.asarray(knots, dtype=np.float64)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points[:, :3], axis=0), axis=1))])
    if len(points) == 2:
        return points
    n_pieces = max(int(np.ceil(along[-1] / step_mm)), 2)
    curve = np.asarray(CubicSpline(along, points, axis=0)(np.linspace(0.0, along[-1], n_pieces + 1)))
    curve[:, 3] = np.clip(curve[:, 3], points[:, 3].min(), points[:, 3].max())
    return curve
