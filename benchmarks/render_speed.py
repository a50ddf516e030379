"""Does rendering keep up with training? Run: python benchmarks/render_speed.py [--quick].

Ours: seconds one core takes for a new patient, from made anatomy alone and, where there are label maps, from
those alone; the slower of the two. Other: how long training gives it, the time of the steps in which the pool
of patients takes up one new one. Their quotient is how many trainings one core can feed.
"""

import statistics
import time
from collections.abc import Sequence

from measure import asked, options, report
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.phantoms.rendered import render_pair
from shared import label_maps

ALLOWED_SECONDS = 3 * 1.4
"""Steps to a new patient, each of two patches of 96 x 80 x 64 voxels on 2 cores."""


def main(quick: bool) -> None:
    n_patients, maps = (6 if quick else 40), label_maps()
    taken = {"made": seconds([], n_patients)}
    if maps:
        taken["mapped"] = seconds(maps, n_patients)
    median = {kind: statistics.median(each) for kind, each in taken.items()}
    slowest = {kind: max(each) for kind, each in taken.items()}
    for kind, each in median.items():
        print(
            f"{kind}: {each:.2f} s a patient, {slowest[kind]:.2f} s at most; allowed {ALLOWED_SECONDS:.1f} s"
        )
    worst = max(median.values())
    figures = {"seconds": median, "slowest": slowest}
    report("render_speed", ours=worst, other=ALLOWED_SECONDS, unit="s", quick=quick, **figures)


def seconds(maps: Sequence[AnatomyMap], n_patients: int) -> list[float]:
    """Time the first patients; each differs in size, so all are timed once."""
    taken = []
    for seed in range(n_patients):
        started = time.perf_counter()
        render_pair(seed, maps, 3.0, made_share=0.0 if maps else 1.0)
        taken.append(time.perf_counter() - started)
    return taken


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
