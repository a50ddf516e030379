"""How are times taken, and how are they told? Used by every benchmark here.

In:  functions to call; what they took.
Out: medians; a table, and one JSON object as the last line, written to `results/` by full runs.
"""

import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

__all__ = ["median_seconds", "report"]

MORE_IS_BETTER = ("F1",)
"""Units of which more is better."""
LONG_SECONDS = 20.0
"""A side that takes longer is run once in a quick run."""


def median_seconds(function: Callable[[], object], *, times: int = 5, quick: bool = False) -> float:
    """Call a function several times and give the median, in seconds."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
        if quick and taken[-1] > LONG_SECONDS:
            break
    return statistics.median(taken)


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
        "device": device if device == "cpu" else torch.cuda.get_device_name(device),
        "machine": f"{_processor()}, Python {platform.python_version()}",
        "quick": quick,
    }
    if keep and not quick:
        stamped = {**row, "commit": _commit(), "date": datetime.now(UTC).date().isoformat()}
        kept_as = name if device == "cpu" else f"{name}_gpu"
        results = Path(__file__).parent / "results" / f"{kept_as}.json"
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps(stamped, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(row) + "\n")


def on_file(name: str) -> dict[str, Any]:
    """Give the `figures` that a full run has kept."""
    path = Path(__file__).parent / "results" / f"{name}.json"
    figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return figures


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor()


def _commit() -> str:
    asked = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return asked.stdout.strip()
