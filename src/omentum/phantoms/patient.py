"""The traits that all organs of one synthetic patient share: size, fat, contrast phase, variants."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from omentum.phantoms.space import stream
from omentum.phantoms.styles import PHASES, Style

__all__ = ["Patient", "draw_patient"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patient:
    """Traits of one synthetic patient.

    Attributes:
        seed: Every random number of the phantom follows from it.
        phase: Contrast phase, one of `PHASES`.
        variation: How much shapes vary.
        size: Width, depth and height against the average.
        tilt_degrees: Turns about the x, y and z axis on the table.
        fat_mm: Thickness of the fat under the skin.
        leanness: How much of the wall's fat planes are missing, 0 to 1; lean patients' organs touch.
        fatty_liver: Whether the liver is darker than usual.
        lesions: How many lesions liver and kidneys have.
        effusion: Whether there is fluid beside the lungs.
        oral_contrast: Whether stomach and bowel are filled with contrast medium.
        enhancement: Strength of the contrast against the average.
        noise_hu: Standard deviation of the noise in the middle of the body.
    """

    seed: int
    phase: str
    variation: float
    size: tuple[float, float, float]
    tilt_degrees: tuple[float, float, float]
    fat_mm: float
    leanness: float
    has_gall_bladder: bool
    missing_kidney: str | None
    small_kidney: str | None
    large_spleen: bool
    fatty_liver: bool
    lesions: int
    effusion: bool
    oral_contrast: bool
    enhancement: float
    noise_hu: float
    has_table: bool

    @property
    def to_scanner(self) -> npt.NDArray[np.float64]:
        """3 x 3, from atlas to scanner mm."""
        matrix = np.diag(self.size)
        for axis, angle in enumerate(np.radians(self.tilt_degrees)):
            turn = np.eye(3)
            first, second = (axis + 1) % 3, (axis + 2) % 3
            turn[first, first] = turn[second, second] = np.cos(angle)
            turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
            matrix = turn @ matrix
        return matrix


def draw_patient(seed: int, style: Style) -> Patient:
    """Draw one patient and how the scan is made."""
    rng = stream(seed, "patient")
    spread = style.variation
    build = rng.normal(1.0, 0.05 * spread)
    width, depth, height = (float(build * rng.normal(1.0, 0.035 * spread)) for _ in range(3))
    tilts = rng.normal(0.0, 1.8 * spread, 3)
    plump = float(np.clip(rng.normal(0.4, 0.3), 0.0, 1.0))
    missing, shrunken = _side(rng, 0.02 * style.anomaly), _side(rng, 0.04 * style.anomaly)
    return Patient(
        seed=seed,
        phase=str(rng.choice(PHASES, p=style.phase_weights)),
        variation=spread,
        size=(_near_one(width), _near_one(depth * (0.90 + 0.19 * plump)), _near_one(height)),
        tilt_degrees=(float(tilts[0]), float(tilts[1]), float(tilts[2])),
        fat_mm=6.0 + 26.0 * plump,
        leanness=1.0 - plump,
        has_gall_bladder=bool(rng.random() > 0.08 * style.anomaly),
        missing_kidney=missing,
        small_kidney=shrunken if shrunken != missing else None,
        large_spleen=bool(rng.random() < 0.06 * style.anomaly),
        fatty_liver=bool(rng.random() < 0.15 * style.anomaly),
        lesions=int(rng.poisson(0.8 * style.anomaly)),
        effusion=bool(rng.random() < 0.12 * style.anomaly),
        oral_contrast=bool(rng.random() < 0.2),
        enhancement=float(np.clip(rng.normal(1.0, 0.12 * spread), 0.65, 1.4)),
        noise_hu=float(rng.uniform(*style.noise_hu)),
        has_table=bool(rng.random() < 0.8),
    )


def _near_one(factor: float) -> float:
    return float(np.clip(factor, 0.82, 1.2))


def _side(rng: np.random.Generator, chance: float) -> str | None:
    side = str(rng.choice(("right", "left")))
    return side if rng.random() < chance else None
