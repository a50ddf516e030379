"""Take times and memory, and report them. Used by every benchmark here.

In:  functions to call; what they took.
Out: medians; one JSON object as the last line, written to `results/` by full runs.
"""

import argparse
import json
import multiprocessing
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

__all__ = ["Taken", "alone", "asked", "median_seconds", "options", "report"]

MORE_IS_BETTER = ("F1",)
"""Units of which more is better."""
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call gave, and what it took; `peak_gb` is that of the whole process, imports included."""

    value: Any
    seconds: float
    peak_gb: float


def options(doc: str | None, *, write: str = "") -> argparse.ArgumentParser:
    """Offer `--quick` and, where `write` says what it does, `--write`."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small run, which proves that it works")
    if write:
        parser.add_argument("--write", action="store_true", help=write)
    return parser


def asked(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; what is written comes from a full run."""
    given = parser.parse_args()
    if given.quick and getattr(given, "write", False):
        parser.error("--write keeps the figures of a full run: leave out --quick or --write")
    return given


def median_seconds(function: Callable[[], object], *, times: int = 5, quick: bool = False) -> float:
    """Call a function several times, once in a quick run, and give the median, in seconds."""
    taken = []
    for _ in range(1 if quick else times):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def alone(function: Callable[..., object], *arguments: object) -> Taken:
    """Call a function in a process of its own, so that its peak memory is its own.

    What the function's module imports at its top is not in the seconds.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_taken, function, arguments).result()


def _taken(function: Callable[..., object], arguments: tuple[object, ...]) -> Taken:
    started = time.perf_counter()
    value = function(*arguments)
    seconds = time.perf_counter() - started
    peak = PEAK.search(Path("/proc/self/status").read_text(encoding="utf-8"))
    assert peak is not None
    return Taken(value, seconds, int(peak[1]) * 1024 / 1e9)


def report(
    name: str,
    *,
    ours: float | None,
    other: float | None,
    unit: str,
    quick: bool,
    keep: bool = True,
    **figures: Any,
) -> None:
    """Print the figures, and keep those of full runs unless they are for looking at only.

    `ratio` is how many times better ours is than the alternative, if there is one and ours got there at all:
    less is better, but for a share such as F1. A `device` among the figures says where
    ours ran, if not on the CPU: such results have a file of their own, with the GPU's name.
    """
    device = figures.pop("device", "cpu")
    ratio = None
    if other is not None and ours is not None:
        ratio = ours / other if unit in MORE_IS_BETTER else other / ours
    row = {
        "name": name,
        "ours": ours,
        "other": other,
        "unit": unit,
        "ratio": ratio,
        "figures": figures,
        "device": device if device == "cpu" else _gpu(device),
        "machine": f"{_processor()}, Python {platform.python_version()}",
        "quick": quick,
    }
    if keep and not quick:
        stamped = {**row, "commit": _commit(), "date": datetime.now(UTC).date().isoformat()}
        kept_as = name if device == "cpu" else f"{name}_gpu"
        results = Path(__file__).parent / "results" / f"{kept_as}.json"
        results.write_text(json.dumps(stamped, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(row) + "\n")


def _gpu(device: str) -> str:
    import torch

    return torch.cuda.get_device_name(device)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
