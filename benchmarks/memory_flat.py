"""Does the memory of a program that predicts grow with the number of cases?

Run: python benchmarks/memory_flat.py [--quick]. One program predicts 500 tiny CTs of a project, by the runner
in this process, and its memory is read after each. The first half is left out, as libraries grow until they
have seen one case of each kind. There is nothing to compare with: the aim is a slope of 0, within what the
allocator of the system does.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from disturbed.tiny_project import make_cts, make_home, make_project
from measure import alone, asked, options, report
from omentum import loop
from omentum.project.project import opened

N_CASES = {"full": 500, "quick": 60}
LEFT_OUT = 0.5


def main(quick: bool) -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as folder:
        taken = alone(resident_after_each, Path(folder), N_CASES["quick" if quick else "full"])
    resident_kb = np.array(taken.value)
    late = np.arange(len(resident_kb)) >= LEFT_OUT * len(resident_kb)
    slope_kb, _ = np.polyfit(np.flatnonzero(late), resident_kb[late], 1)
    print(
        f"{resident_kb[late][0] / 1e3:.1f} MB, then {resident_kb[-1] / 1e3:.1f} MB; {slope_kb:+.2f} kB a case"
    )
    report(
        "memory_flat",
        ours=round(float(slope_kb), 3),
        other=None,
        unit="kB a case",
        quick=quick,
        cases=len(resident_kb),
        resident_mb=[round(float(one) / 1e3, 1) for one in resident_kb[:: max(1, len(resident_kb) // 20)]],
        peak_gb=round(taken.peak_gb, 3),
    )


def resident_after_each(folder: Path, n_cases: int) -> list[float]:
    """Predict a project, and give the memory of this process after each case, in kB."""
    make_home(folder)
    make_cts(folder / "cts", n_cases)
    make_project(folder / "atlas", folder / "cts")
    found: list[float] = []
    with opened(folder / "atlas") as project:
        loop.predict(project, progress=lambda *_: found.append(resident_kb()))
    return found


def resident_kb() -> float:
    """Read the memory that this process has in RAM."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e3


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
