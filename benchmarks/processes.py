"""Time predictions, file to files, each in a process of its own.

In:  commands that predict a CT, ours and an alternative's.
Out: seconds of each step, and the peak memory.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measure import alone, report
from page import table

__all__ = ["Side", "compare", "step", "write_summary"]

STEPS = ("start", "read", "resample", "forward", "masks", "write", "total")
"""`start` is what comes before the CT is touched: imports and weights. `total` leaves it out."""
Run = dict[str, float]
"""Seconds of each step, and `peak_gb`."""
Grid = tuple[tuple[int, int, int], tuple[float, float, float]]
_seconds: dict[str, float] = defaultdict(float)
"""Taken in this process by each step so far."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side.

    Attributes:
        command: Python's arguments, with CT and OUT for the paths.
        times: How often it runs in a full run.
        may_fail: Leave it out where this machine cannot do it.
    """

    command: Sequence[str]
    times: int = 3
    may_fail: bool = False


@contextmanager
def step(name: str) -> Iterator[None]:
    """Time a step of an alternative."""
    started = time.perf_counter()
    yield
    _seconds[name] += time.perf_counter() - started


def write_summary(out: Path) -> None:
    """Leave the seconds of an alternative's steps where `compare` reads them."""
    (out / "summary.json").write_text(json.dumps({"seconds": _seconds}), encoding="utf-8")


def compare(name: str, quick: bool, grid: Grid, sides: Mapping[str, Side], **figures: Any) -> None:
    """Time both sides on a synthetic CT in turn, and report.

    Args:
        name: Of the benchmark.
        quick: Whether each side runs once.
        grid: Shape of the CT, and its spacing in mm.
        sides: `ours` and `other`.
        figures: Further ones.
    """
    runs: dict[str, list[Run]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder:
        ct = Path(folder) / "ct.nii.gz"
        alone(_write_ct, ct, grid)
        for k in range(1 if quick else max(one.times for one in sides.values())):
            for side, one in sides.items():
                if k < one.times:
                    out = Path(folder) / f"{side}-{k}"
                    words = {"CT": str(ct), "OUT": str(out)}
                    try:
                        runs[side].append(_timed([words.get(word, word) for word in one.command], out))
                    except subprocess.CalledProcessError as error:
                        if not one.may_fail:
                            raise
                        print(f"{side}: left out, as it ended with code {error.returncode}")
    runs = {side: made for side, made in runs.items() if made}
    seconds = {
        side: {step: round(statistics.median(one[step] for one in made), 3) for step in STEPS}
        for side, made in runs.items()
    }
    peak_gb = {side: round(max(one["peak_gb"] for one in made), 3) for side, made in runs.items()}
    rows = [[step, *(f"{seconds[side][step]:.2f}" for side in runs)] for step in STEPS]
    print(table([["seconds", *runs], *rows, ["peak, GB", *(f"{peak_gb[side]:.2f}" for side in runs)]]))
    figures |= {"shape": grid[0], "spacing_mm": grid[1], "seconds": seconds, "peak_gb": peak_gb}
    figures["runs"] = {side: len(made) for side, made in runs.items()}
    ours, other = (seconds[side]["total"] for side in ("ours", "other"))
    report(name, ours=ours, other=other, unit="s", quick=quick, **figures)


def _write_ct(path: Path, grid: Grid) -> None:
    """Write it in another process: a child's peak counts from what its parent held."""
    from omentum.phantoms.phantom import make_phantom
    from omentum.volumes.nifti import write_nifti

    write_nifti(path, make_phantom(7, shape=grid[0], spacing_mm=grid[1]).ct)


def _timed(command: Sequence[str], out: Path) -> Run:
    """Run Python with these arguments; the steps are those of the `summary.json` that it leaves in `out`."""
    started = time.perf_counter()
    with subprocess.Popen([sys.executable, *command]) as process:
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
    return {**steps, **rest, "peak_gb": used.ru_maxrss * 1024 / 1e9}
