"""How is a prediction timed, file to files? In a process of its own, so that its peak memory is its own.

In:  a command that predicts a CT, ours or an alternative's.
Out: seconds of each step, and the peak.
"""

import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["STEPS", "Run", "medians", "print_table", "timed", "write_ct"]

STEPS = ("start", "read", "resample", "forward", "masks", "write", "total")
"""`start` is what comes before the CT is touched: imports and weights. `total` leaves it out."""
SEED = 7
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024

Run = dict[str, float]
"""Seconds of each step, and `peak_gb`."""


def write_ct(path: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    """Write a synthetic CT, in another process: a child's peak counts from what its parent held."""
    maker = multiprocessing.get_context("spawn").Process(target=_write_ct, args=(path, shape, spacing_mm))
    maker.start()
    maker.join()


def _write_ct(path: Path, shape: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
    from omentum.phantoms.phantom import make_phantom
    from omentum.volumes.nifti import write_nifti

    write_nifti(path, make_phantom(SEED, shape=shape, spacing_mm=spacing_mm).ct)


def timed(command: Sequence[str], out: Path, environment: Mapping[str, str] | None = None) -> Run:
    """Run Python with these arguments; the steps are those of the `summary.json` that it leaves in `out`."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *command], env={**os.environ, **(environment or {})}) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    taken = time.perf_counter() - started
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    told: dict[str, float] = json.loads((out / "summary.json").read_text(encoding="utf-8"))["seconds"]
    forward = told["forward"] if "forward" in told else told["network"]
    steps = {name: told[name] for name in ("read", "resample", "masks")} | {"forward": forward}
    total = told["total"]
    rest = {"write": total - sum(steps.values()), "total": total, "start": taken - total}
    return {**steps, **rest, "peak_gb": used.ru_maxrss * _RSS_BYTES / 1e9}


def medians(runs: Mapping[str, Sequence[Run]]) -> tuple[dict[str, Run], Run]:
    """Give the median seconds of each step, and the highest peak, of each side."""
    seconds = {
        side: {step: round(statistics.median(one[step] for one in made), 3) for step in STEPS}
        for side, made in runs.items()
    }
    return seconds, {side: round(max(one["peak_gb"] for one in made), 3) for side, made in runs.items()}


def print_table(seconds: dict[str, Run], peak_gb: Run) -> None:
    """Print both sides, step by step."""
    print(f"{'seconds':12} {'ours':>8} {'other':>8} {'ratio':>8}")
    for step in STEPS:
        ours, other = seconds["ours"][step], seconds["other"][step]
        print(f"{step:12} {ours:8.2f} {other:8.2f} {other / max(ours, 1e-3):8.1f}")
    print(f"{'peak, GB':12} {peak_gb['ours']:8.2f} {peak_gb['other']:8.2f}")
