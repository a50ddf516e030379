"""Do thousands of cases come in within a minute? Run: python benchmarks/many_cases.py [--quick].

Real headers, small voxels: 10,000 CTs of 16 x 16 x 16, half of them with a label, in LiTS's layout. Times
are of one run each, with the growth of peak memory from a tenth of the cases to all of them. There is no
alternative to compare with: the aim is 60 s a step, and memory that does not grow with the number of cases.
"""

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from measure import report
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SIDE = 16
STEPS = {
    "add": ["add", "{data}", "--no-check-labels", "--json"],
    "add again": ["add", "{data}", "--no-check-labels", "--json"],
    "status": ["status", "--json"],
}


def make_data(root: Path, n_cases: int) -> Path:
    """Write CTs that differ, and labels for every second one."""
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: make_case(root / "04_LiTS", number), range(n_cases)))
    return root / "04_LiTS"


def make_case(folder: Path, number: int) -> None:
    coarse = np.random.default_rng(number).integers(-180, 280, (4, 4, 4)).astype(np.int16)
    ct = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    grid = Geometry(ct.shape, np.diag([-0.78, -0.78, 2.5, 1.0]))
    write_nifti(folder / "img" / f"case_{number}.nii.gz", Volume(ct, grid))
    if number % 2 == 0:
        label = np.zeros(ct.shape, dtype=np.uint8)
        label[4:12, 4:12, 4:12] = 1
        write_nifti(folder / "label" / f"case_{number}.nii.gz", Volume(label, grid))


def run_steps(n_cases: int) -> dict[str, dict[str, float]]:
    """Time each step in a process of its own, with its peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder), n_cases)
        project = Path(folder) / "atlas"
        omentum(["init", str(project), "--network", "starter"])
        found = {}
        for name, words in STEPS.items():
            started = time.perf_counter()
            peak_mb = omentum(["-C", str(project), *(word.format(data=data) for word in words)])
            found[name] = {"seconds": time.perf_counter() - started, "peak_mb": peak_mb}
        return found


def omentum(words: list[str]) -> float:
    """Run a command, and give the peak memory that it took, in MB."""
    script = (
        "import json, resource, sys\nsys.argv[0] = 'omentum'\nfrom omentum.app.cli import main\n"
        "try:\n    main()\nfinally:\n"
        "    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *words], check=True, capture_output=True, text=True)
    return float(json.loads(done.stderr.strip().splitlines()[-1])) / 1024


def main(quick: bool) -> None:
    n_cases = 500 if quick else 10_000
    few, many = run_steps(n_cases // 10), run_steps(n_cases)
    for name, one in many.items():
        grown = one["peak_mb"] - few[name]["peak_mb"]
        print(f"{name}: {one['seconds']:.1f} s for {n_cases} cases, {one['peak_mb']:.0f} MB ({grown:+.0f})")
    report(
        "many_cases", ours=max(one["seconds"] for one in many.values()), other=None, unit="s", quick=quick,
        n_cases=n_cases, steps=many, steps_of_a_tenth=few,
    )  # fmt: skip


if __name__ == "__main__":
    main("--quick" in sys.argv)
