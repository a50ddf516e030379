"""How long does a CT take to its masks, file to files, and in how much memory?

Run: python benchmarks/starter_speed.py [--quick]. Ours: `omentum predict CT.nii.gz -o OUT`. Other: the same
network in overlapping windows, with probabilities at full size (`plainly.py`). Each run is a process of its
own, so that its peak memory is its own.
"""

import sys
import tempfile
from pathlib import Path

from measure import report
from processes import Run, medians, print_table, timed, write_ct

PLAINLY = Path(__file__).with_name("plainly.py")
COMMANDS = {"ours": ("-m", "omentum", "predict"), "other": (str(PLAINLY),)}
TIMES = 3


def main(quick: bool) -> None:
    shape, spacing_mm = ((128, 128, 75), (3.2, 3.2, 6.0)) if quick else ((512, 512, 300), (0.8, 0.8, 1.5))
    with tempfile.TemporaryDirectory() as name:
        ct = Path(name) / "ct.nii.gz"
        write_ct(ct, shape, spacing_mm)
        runs: dict[str, list[Run]] = {side: [] for side in COMMANDS}
        for k in range(1 if quick else TIMES):
            for side, made in runs.items():
                out = Path(name) / f"{side}-{k}"
                made.append(timed([*COMMANDS[side], str(ct), "-o", str(out)], out))
    seconds, peak_gb = medians(runs)
    print_table(seconds, peak_gb)
    report(
        "starter_speed",
        ours=seconds["ours"]["total"],
        other=seconds["other"]["total"],
        unit="s",
        quick=quick,
        shape=shape,
        spacing_mm=spacing_mm,
        runs=len(runs["ours"]),
        seconds=seconds,
        peak_gb=peak_gb,
    )


if __name__ == "__main__":
    main("--quick" in sys.argv)
