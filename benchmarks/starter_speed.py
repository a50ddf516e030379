"""How long does a CT take to its masks, file to files, and in how much memory?

Run: python benchmarks/starter_speed.py [--quick]. Ours: `omentum predict CT.nii.gz -o OUT`. Other: the same
network in overlapping windows, with probabilities at full size (`plainly.py`). Each run is a process of its
own, so that its peak memory is its own.
"""

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import report

PLAINLY = Path(__file__).with_name("plainly.py")
COMMANDS = {"ours": ("-m", "omentum", "predict"), "other": (str(PLAINLY),)}
STEPS = ("start", "read", "resample", "forward", "masks", "write", "total")
"""`start` is what comes before the CT is touched: imports and weights. `total` leaves it out."""
SEED = 7
TIMES = 3
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024

Run = dict[str, float]
"""Seconds of each step, and `peak_gb`."""


def main(quick: bool) -> None:
    shape, spacing_mm = ((128, 128, 75), (3.2, 3.2, 6.0)) if quick else ((512, 512, 300), (0.8, 0.8, 1.5))
    with tempfile.TemporaryDirectory() as name:
        ct = Path(name) / "ct.nii.gz"
        # Made in another process: a child's peak counts from what its parent held when it was started.
        maker = multiprocessing.get_context("spawn").Process(target=write_ct, args=(ct, shape, spacing_mm))
        maker.start()
        maker.join()
        runs: dict[str, list[Run]] = {side: [] for side in COMMANDS}
        for k in range(1 if quick else TIMES):
            for side, made in runs.items():
                made.append(timed(COMMANDS[side], ct, Path(name) / f"{side}-{k}"))
    seconds = {
        side: {step: round(statistics.median(one[step] for one in made), 3) for step in STEPS}
        for side, made in runs.items()
    }
    peak_gb = {side: round(max(one["peak_gb"] for one in made), 3) for side, made in runs.items()}
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


def write_ct(path: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    from omentum.phantoms.phantom import make_phantom
    from omentum.volumes.nifti import write_nifti

    write_nifti(path, make_phantom(SEED, shape=shape, spacing_mm=spacing_mm).ct)


def timed(command: tuple[str, ...], ct: Path, out: Path) -> Run:
    """Predict in a new process; the steps are those of the `summary.json` that it writes."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *command, str(ct), "-o", str(out)]) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - started
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    told: dict[str, float] = json.loads((out / "summary.json").read_text(encoding="utf-8"))["seconds"]
    forward = told["forward"] if "forward" in told else told["trunk"] + told["heads"]
    steps = {name: told[name] for name in ("read", "resample", "masks")} | {"forward": forward}
    total = told["total"]
    rest = {"write": total - sum(steps.values()), "total": total, "start": taken - total}
    return {**steps, **rest, "peak_gb": used.ru_maxrss * _RSS_BYTES / 1e9}


def print_table(seconds: dict[str, Run], peak_gb: Run) -> None:
    print(f"{'seconds':12} {'ours':>8} {'other':>8} {'ratio':>8}")
    for step in STEPS:
        ours, other = seconds["ours"][step], seconds["other"][step]
        print(f"{step:12} {ours:8.2f} {other:8.2f} {other / max(ours, 1e-3):8.1f}")
    print(f"{'peak, GB':12} {peak_gb['ours']:8.2f} {peak_gb['other']:8.2f}")


if __name__ == "__main__":
    main("--quick" in sys.argv)
