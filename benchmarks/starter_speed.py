"""How long does a CT take to its masks, file to files, and in how much memory?

Run: python benchmarks/starter_speed.py [--quick]. Ours: `omentum predict CT.nii.gz -o OUT`. Other: the same
network in overlapping windows, with probabilities at full size (`plainly.py`). Each run is a process of its
own, so that its peak memory is its own.
"""

from pathlib import Path

from measure import asked, options
from processes import Side, compare

SIDES = {
    "ours": Side(["-m", "omentum", "predict", "CT", "-o", "OUT"]),
    "other": Side([str(Path(__file__).with_name("plainly.py")), "CT", "-o", "OUT"]),
}


def main(quick: bool) -> None:
    grid = ((128, 128, 75), (3.2, 3.2, 6.0)) if quick else ((512, 512, 300), (0.8, 0.8, 1.5))
    compare("starter_speed", quick, grid, SIDES)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
