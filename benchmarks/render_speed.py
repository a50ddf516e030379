"""Does rendering keep up with training? Run: python benchmarks/render_speed.py [--quick].

Ours: seconds one core takes for a new patient, from made anatomy alone and, where `../shared` has label
maps, from those alone; the slower of the two. Other: how long training gives it, the time of the steps in
which the pool of patients takes up one new one. Their quotient is how many trainings one core can feed.
"""

import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import report
from omentum.phantoms.anatomy_map import TOTALSEGMENTATOR, AnatomyMap, read_anatomy
from omentum.phantoms.rendered import render_pair

SPACING_MM = 3.0
STEP_SECONDS = 1.4
"""One training step on 2 cores: two patches of 96 x 80 x 64 voxels."""
STEPS_A_PATIENT = 3
MAPS = Path(__file__).resolve().parents[2] / "shared" / "data" / "label_maps"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long patients of one kind take."""

    median: float
    slowest: float

    @property
    def cores(self) -> float:
        """Cores that rendering keeps busy beside the training."""
        return self.median / (STEPS_A_PATIENT * STEP_SECONDS)


def main(quick: bool) -> None:
    n_patients = 6 if quick else 40
    allowed = STEPS_A_PATIENT * STEP_SECONDS
    paces = {"made": pace([], n_patients, made_share=1.0)}
    started = time.perf_counter()
    maps = [read_anatomy(path, TOTALSEGMENTATOR) for path in sorted(MAPS.glob("s*.nii.gz"))]
    map_seconds = (time.perf_counter() - started) / max(len(maps), 1)
    if maps:
        paces["mapped"] = pace(maps, n_patients, made_share=0.0)
    print(f"{'anatomy':8} {'s a pair':>9} {'slowest':>8} {'pairs/s':>8} {'cores':>6}")
    for kind, one in paces.items():
        print(f"{kind:8} {one.median:9.2f} {one.slowest:8.2f} {1 / one.median:8.2f} {one.cores:6.2f}")
    print(f"training takes up a patient every {allowed:.1f} s")
    figures = {
        f"{kind}_{figure}": value
        for kind, one in paces.items()
        for figure, value in (("slowest", one.slowest), ("seconds", one.median), ("cores", one.cores))
    }
    worst = max(one.median for one in paces.values())
    report(
        "render_speed",
        ours=worst,
        other=allowed,
        unit="s",
        quick=quick,
        seconds_a_map=map_seconds if maps else None,
        **figures,
    )


def pace(maps: Sequence[AnatomyMap], n_patients: int, *, made_share: float) -> Pace:
    """Time the first patients; each differs in size, so all are timed once."""
    taken = []
    for seed in range(n_patients):
        started = time.perf_counter()
        render_pair(seed, maps, SPACING_MM, made_share=made_share)
        taken.append(time.perf_counter() - started)
    return Pace(statistics.median(taken), max(taken))


if __name__ == "__main__":
    main("--quick" in sys.argv)
