"""Decide from a CT's histogram whether its values can be Hounsfield units (HU).

HU that were clipped to a window, masked to the body or padded outside the scanned circle are HU.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, NotHounsfieldError
from omentum.volumes.volume import Volume

__all__ = ["HuProblem", "as_hounsfield", "checked_offset", "hounsfield_problem"]

MOST_OFFSET_HU = 65536.0
SAMPLE_VOXELS = 200_000
LEAST_RANGE_HU = 30.0
"""From the lowest to the highest 0.1 %: noise alone is more."""
PADDING_HU = -1100.0
"""Nothing in a patient is below air; scanners pad with one value there, such as -2000 or -3024."""
BELOW_AIR_HU = -1300.0
"""Noise and ringing of filters reach this far below air, and no further."""
MOST_BELOW_AIR = 0.05
MOST_PADDINGS = 2
"""So many different values pad one CT: the scanner's and a program's."""
DENSE_HU = 400.0
"""Cortical bone, metal and dense contrast are above; under 2 % of a real abdomen, most of it near 400."""
LEAST_DENSE = 0.03
STORED_TISSUE = (874.0, 1274.0)
"""Fat to contrast-filled organs, where 1024 was added."""
LEAST_OF_DENSE = 0.6
MOST_DENSE = 0.35
"""No view of an abdomen has so much bone, metal and contrast."""
SIGNED_BYTE = (-128.0, 127.0)
"""Both ends of 8 bits with a sign; no window for people has them."""
STORED_OFFSET_HU = -1024.0
STORED_AIR = 24.0
"""Air, which is -1000 HU, where 1024 was added; where 1000 was added, it is at 0, and that is near."""
AIR_REACH_HU = 10.0
LEAST_AIR = 0.02
NEGATIVE_HU = -20.0
LEAST_NEGATIVE = 0.001
"""Every body holds fat (-100 HU), and nearly every picture some air."""
TISSUE_HU = (-200.0, 300.0)
LEAST_TISSUE = 0.005
"""Of a small body in a wide field of air, and of more in any other picture."""
LEAST_TISSUE_OF_SOLID = 0.25
"""Of what is denser than lung; in real abdomens it is 0.95."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HuProblem:
    """Why a CT's values cannot be HU.

    Attributes:
        said: What was seen and what it would be in HU, for people.
        offset_hu: What added to the values makes HU of them; `None` unless it is beyond doubt.
    """

    said: str
    offset_hu: float | None = None


def hounsfield_problem(voxels: npt.NDArray[Any]) -> HuProblem | None:
    """Explain why values cannot be HU; `None` where they can.

    Args:
        voxels: `(x, y, z)`, any number type. A regular sample of them is read.

    Source:
        Air is -1000 HU and water 0 by definition; fat is near -100, soft tissue 20 to 250 in any phase of
        contrast. Limits: docs/plausibility.md.

    Example:
        >>> hounsfield_problem(np.linspace(0, 255, 1000).reshape(10, 10, 10)).said
        'none of its values is below 0 (they run from 0 to 255), and in HU air is near -1000, fat near -100'
        >>> hounsfield_problem(np.linspace(-1000, 200, 1000).reshape(10, 10, 10)) is None
        True
    """
    values = _sample(voxels)
    if not values.size:
        return HuProblem(said="none of its values is a finite number")
    low, high = np.quantile(values, [0.001, 0.999])
    if high - low <= LEAST_RANGE_HU:
        runs = f"its values run from {values.min():.4g} to {values.max():.4g}"
        return HuProblem(said=f"{runs}, and in HU air is near -1000 and soft tissue near 40")
    rules = (_stored, _too_dense, _below_air, _of_a_signed_byte, _never_negative, _no_tissue)
    return next(filter(None, (rule(values) for rule in rules)), None)


def checked_offset(offset_hu: float) -> float:
    """Give an offset that can be added to values.

    Raises:
        ConfigError: It is no finite number, or out of range.

    Example:
        >>> checked_offset(-1024.0)
        -1024.0
    """
    if not -MOST_OFFSET_HU <= offset_hu <= MOST_OFFSET_HU:
        rule = f"it must be a number from {-MOST_OFFSET_HU:g} to {MOST_OFFSET_HU:g}"
        raise ConfigError("--hu-offset", offset_hu, rule)
    return offset_hu


def as_hounsfield(
    path: Path | str, ct: Volume, *, offset_hu: float = 0.0, accept: bool = False
) -> tuple[Volume, HuProblem | None]:
    """Add an offset to a CT's values, and refuse values that cannot be HU.

    Args:
        path: Where the CT is from, for the message.
        ct: As read.
        offset_hu: Added to every value first.
        accept: Take values all the same.

    Returns:
        The CT, int16 where its values allow, else float32; the problem that was accepted, if there is one.

    Raises:
        NotHounsfieldError: The values cannot be HU, and `accept` is not set.
    """
    if offset_hu:
        ct = replace(ct, voxels=_moved(ct.voxels, offset_hu))
    problem = hounsfield_problem(ct.voxels)
    if problem is not None and not accept:
        said = f"with {offset_hu:g} added, {problem.said}" if offset_hu else problem.said
        raise NotHounsfieldError(path, said, problem.offset_hu)
    return ct, problem


def _moved(voxels: npt.NDArray[Any], offset_hu: float) -> npt.NDArray[Any]:
    """Add a number; integers that would leave their type, or get a fraction, become float32."""
    limits = np.iinfo(np.int16)
    is_whole = voxels.dtype.kind in "iu" and float(offset_hu).is_integer()
    if is_whole and limits.min <= voxels.min() + offset_hu and voxels.max() + offset_hu <= limits.max:
        return (voxels.astype(np.int32) + int(offset_hu)).astype(np.int16)
    return voxels.astype(np.float32) + np.float32(offset_hu)


def _sample(voxels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Take every n-th voxel along each axis, the finite ones."""
    step = max(1, int(np.ceil((voxels.size / SAMPLE_VOXELS) ** (1 / 3))))
    steps = [slice(None, None, min(step, max(1, side // 8))) for side in voxels.shape]
    values = voxels[tuple(steps)].astype(np.float64).ravel()
    return np.asarray(values[np.isfinite(values)])


def _share(values: npt.NDArray[np.float64], low: float, high: float = np.inf) -> float:
    return float(np.mean((values >= low) & (values <= high))) if values.size else 0.0


def _stored(values: npt.NDArray[np.float64]) -> HuProblem | None:
    """Find values as scanners store them, HU + 1024 or so: soft tissue is where dense bone would be."""
    dense = values[values > DENSE_HU]
    is_tissue = _share(dense, *STORED_TISSUE) >= LEAST_OF_DENSE
    if _share(values, DENSE_HU) < LEAST_DENSE or not is_tissue:
        return None
    tissue = float(np.median(dense))
    air = _air(values)
    said = f"its soft tissue is near {tissue:.0f}, and in HU it is near 40"
    if air is None or abs(air - STORED_AIR) > AIR_REACH_HU:
        return HuProblem(said=f"{said}; perhaps 1000 or 1024 was added to them")
    return HuProblem(said=f"{said}: its values are HU + 1024", offset_hu=STORED_OFFSET_HU)


def _air(values: npt.NDArray[np.float64]) -> float | None:
    """Find where air is, near 24; values of exactly 0 may be clipped at -1024 HU, or be HU + 1000."""
    near = values[(np.abs(values - STORED_AIR) <= 100.0) & (values != 0.0)]
    if near.size < LEAST_AIR * values.size:
        return None
    counts = np.histogram(near, np.arange(STORED_AIR - 100.5, STORED_AIR + 101.5))[0]
    smooth = np.convolve(counts, np.ones(9), mode="same")
    return float(np.argmax(smooth)) + STORED_AIR - 100.0


def _without_paddings(values: npt.NDArray[np.float64]) -> int:
    """Count values without those of the most frequent ones, which may be padding or the end of a scale."""
    counts = np.sort(np.unique(values, return_counts=True)[1])[::-1]
    return int(counts[MOST_PADDINGS:].sum())


def _too_dense(values: npt.NDArray[np.float64]) -> HuProblem | None:
    share = _without_paddings(values[values > DENSE_HU]) / values.size
    if share <= MOST_DENSE:
        return None
    said = f"{share:.0%} of its values are above {DENSE_HU:g}, where dense bone and metal are in HU"
    return HuProblem(said=said)


def _below_air(values: npt.NDArray[np.float64]) -> HuProblem | None:
    share = _without_paddings(values[values < BELOW_AIR_HU]) / values.size
    if share <= MOST_BELOW_AIR:
        return None
    return HuProblem(said=f"{share:.0%} of its values are below {BELOW_AIR_HU:g}, and air is near -1000 HU")


def _never_negative(values: npt.NDArray[np.float64]) -> HuProblem | None:
    inside = values[values >= PADDING_HU]
    if not inside.size or np.mean(inside < NEGATIVE_HU) >= LEAST_NEGATIVE:
        return None
    runs = f"(they run from {inside.min():.4g} to {inside.max():.4g})"
    least = "0" if inside.min() >= 0 else f"{NEGATIVE_HU:g}"
    which = "none" if inside.min() >= float(least) else "hardly any"
    return HuProblem(
        said=f"{which} of its values is below {least} {runs}, and in HU air is near -1000, fat near -100"
    )


def _of_a_signed_byte(values: npt.NDArray[np.float64]) -> HuProblem | None:
    if (values.min(), values.max()) != SIGNED_BYTE:
        return None
    return HuProblem(said="its values run from -128 to 127, as a window does that was stretched to 8 bits")


def _no_tissue(values: npt.NDArray[np.float64]) -> HuProblem | None:
    inside = values[values >= PADDING_HU]
    solid = inside[inside >= TISSUE_HU[0]]
    share, of_solid = _share(inside, *TISSUE_HU), _share(solid, *TISSUE_HU)
    if share >= LEAST_TISSUE and of_solid >= LEAST_TISSUE_OF_SOLID:
        return None
    low, high = TISSUE_HU
    return HuProblem(
        said=f"{share:.1%} of its values are from {low:g} to {high:g}, where fat and soft tissue are in HU"
    )
