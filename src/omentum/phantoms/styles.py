"""Styles of cohorts: contrast phases, variation of shapes, noise and slice thickness to draw from."""

from dataclasses import dataclass

from omentum.errors import ConfigError

__all__ = ["PHASES", "STYLES", "Style", "style_named"]

PHASES = ("non_contrast", "arterial", "portal_venous", "delayed")
"""Contrast phases, by rising time after the injection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A distribution of patients and scans.

    Attributes:
        name: What it is asked for by.
        phase_weights: How often each phase of `PHASES` is drawn.
        variation: How much shape, pose and size vary; 1 is a hospital's mixture.
        anomaly: Multiplies the chance of whatever most patients do not have (no gall bladder, one
            kidney, a large spleen, lesions, effusion).
        noise_hu: Least and greatest standard deviation of the noise.
        spacing_mm: Least and greatest drawn voxel edge in the axial plane.
        slice_mm: Least and greatest drawn distance of slices.
        fields: How often each field of view is drawn.
    """

    name: str
    phase_weights: tuple[float, float, float, float]
    variation: float
    anomaly: float
    noise_hu: tuple[float, float]
    spacing_mm: tuple[float, float]
    slice_mm: tuple[float, float]
    fields: tuple[tuple[str, float], ...]


STYLES: dict[str, Style] = {
    style.name: style
    for style in (
        Style(
            name="easy",
            phase_weights=(0.0, 0.0, 1.0, 0.0),
            variation=0.6,
            anomaly=0.3,
            noise_hu=(5.0, 10.0),
            spacing_mm=(2.4, 2.8),
            slice_mm=(2.4, 2.8),
            fields=(("abdomen", 1.0),),
        ),
        Style(
            name="mixed",
            phase_weights=(0.2, 0.2, 0.45, 0.15),
            variation=1.0,
            anomaly=1.0,
            noise_hu=(6.0, 22.0),
            spacing_mm=(2.2, 3.0),
            slice_mm=(2.0, 3.0),
            fields=(("abdomen", 0.6), ("upper_abdomen", 0.2), ("chest_abdomen", 0.2)),
        ),
        Style(
            name="hard",
            phase_weights=(0.45, 0.35, 0.0, 0.2),
            variation=1.35,
            anomaly=2.0,
            noise_hu=(18.0, 38.0),
            spacing_mm=(2.2, 3.0),
            slice_mm=(3.0, 5.0),
            fields=(("abdomen", 0.5), ("upper_abdomen", 0.3), ("chest_abdomen", 0.2)),
        ),
        Style(
            name="broad",
            phase_weights=(0.25, 0.25, 0.3, 0.2),
            variation=1.5,
            anomaly=1.5,
            noise_hu=(4.0, 32.0),
            spacing_mm=(1.5, 3.0),
            slice_mm=(0.7, 5.0),
            fields=(("abdomen", 0.4), ("upper_abdomen", 0.25), ("chest_abdomen", 0.2), ("trunk", 0.15)),
        ),
    )
}
"""Every style by name."""


def style_named(name: str) -> Style:
    """Find a style.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in STYLES:
        raise ConfigError("style", name, f"it must be one of {', '.join(STYLES)}")
    return STYLES[name]
