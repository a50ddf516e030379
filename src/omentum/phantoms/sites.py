"""Draw sites: each scans other patients in another way, and draws organs by other conventions.

A patient's seed and a site's seed are separate: the same patient may be scanned and drawn at every site.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from omentum.errors import ConfigError
from omentum.phantoms.conventions import Conventions, draw_conventions
from omentum.phantoms.site_scans import PatientGroup, ScanHabits
from omentum.phantoms.space import stream
from omentum.phantoms.styles import PHASES, Style

__all__ = ["SITE_SEEDS", "Site", "site_named", "site_style"]

SITE_SEEDS = {
    "site-1": 1,
    "site-2": 22,
    "site-3": 9,
    "site-4": 10,
    "site-5": 16,
    "site-6": 12,
    "dev-site-1": 3,
    "dev-site-2": 18,
    "dev-site-3": 5,
    "dev-site-4": 2,
}
"""Seeds of the sites that have a name. They are never changed, nor is what is drawn from them: figures
measured at a site are comparable as long as the site is the same. `site-` are for measuring, `dev-site-` for
development."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One hospital.

    Attributes:
        style: Phases, noise, grids and anomalies of its scans.
        group: Which patients come to it.
        scan: How its scanner shows them.
        conventions: How its people draw organs.
    """

    style: Style
    group: PatientGroup
    scan: ScanHabits
    conventions: Conventions


def site_style(seed: int, name: str | None = None) -> Site:
    """Draw one site; the same seed gives the same site.

    Example:
        >>> site_style(3).style.name, site_style(3) == site_style(3)
        ('site seed 3', True)
    """
    return Site(
        style=_draw_style(stream(seed, "site style"), name or f"site seed {seed}"),
        group=_draw_group(stream(seed, "site group")),
        scan=_draw_scan(stream(seed, "site scan")),
        conventions=draw_conventions(stream(seed, "site conventions")),
    )


@cache
def site_named(name: str) -> Site:
    """Find a site.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in SITE_SEEDS:
        raise ConfigError("style", name, f"the sites are {', '.join(SITE_SEEDS)}")
    return site_style(SITE_SEEDS[name], name)


def _draw_style(rng: np.random.Generator, name: str) -> Style:
    weights = np.full(len(PHASES), 0.04)
    weights[rng.choice(len(PHASES), p=(0.25, 0.25, 0.3, 0.2))] = 1.0 - 0.04 * (len(PHASES) - 1)
    noise_hu, edge_mm, slice_mm = rng.uniform(10.0, 34.0), rng.uniform(2.3, 2.9), rng.uniform(2.4, 4.7)
    others = ["abdomen", "upper_abdomen", "chest_abdomen"]
    usual = others.pop(int(rng.choice(3, p=(0.6, 0.2, 0.2))))
    return Style(
        name=name,
        phase_weights=(float(weights[0]), float(weights[1]), float(weights[2]), float(weights[3])),
        variation=float(rng.uniform(0.9, 1.3)),
        anomaly=float(rng.uniform(0.5, 2.0)),
        noise_hu=(float(0.8 * noise_hu), float(1.2 * noise_hu)),
        spacing_mm=(float(edge_mm - 0.1), float(edge_mm + 0.1)),
        slice_mm=(float(slice_mm - 0.3), float(slice_mm + 0.3)),
        fields=((usual, 0.8), *((other, 0.1) for other in others)),
    )


def _draw_group(rng: np.random.Generator) -> PatientGroup:
    return PatientGroup(
        size=float(rng.uniform(0.93, 1.07)),
        fat_mm=float(rng.uniform(-8.0, 8.0)),
        oral_contrast=float(rng.choice((0.05, 0.3, 0.8), p=(0.5, 0.3, 0.2))),
        enhancement=float(rng.uniform(0.8, 1.15)),
    )


def _draw_scan(rng: np.random.Generator) -> ScanHabits:
    return ScanHabits(
        kernel_mm=float(rng.uniform(-0.6, 2.0)),
        grain_mm=float(rng.uniform(1.0, 4.0)),
        grain_hu=float(rng.uniform(3.0, 18.0)),
        offset_hu=float(rng.uniform(-18.0, 18.0)),
        gain=float(rng.choice((0.93, 1.0, 1.1, 1.22))),
    )
