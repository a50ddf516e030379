"""How much memory does it take to tune heads of the largest network on 12 revised and 24 replayed cases?

Run: python benchmarks/continual_memory.py [--quick] [--cuda]. Ours: the whole of it, in a process of its own:
cases of full size at 1.5 mm, the trunk of `universal-swinunetr` in windows of 96 x 96 x 96, the cache on
disk, heads of four organs. There is something to see in one window's worth of each case, for what is held at
a time is one window however many there are. Nothing else is compared: the aim is 6 GB of the host's memory,
or 8 GB of a GPU's. That it hardly grows with the cases is shown by a run with a quarter as many.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from measure import report

ORGANS = ("aorta", "gall_bladder", "stomach", "postcava")
SHAPE, SIDE = (268, 200, 268), 96
N_CASES, N_QUICK = 36, 4
AIM_GB = {"cpu": 6.0, "cuda": 8.0}
_RSS_BYTES = 1 if sys.platform == "darwin" else 1024


def main(quick: bool, device: str) -> None:
    n_cases = N_QUICK if quick else N_CASES
    rows = {n: measured(n, device, quick) for n in (max(1, n_cases // 4), n_cases)}
    print(f"{'cases':>6} {'host, GB':>9} {'GPU, GB':>8} {'cache, GB':>10} {'seconds':>8}")
    for n, row in rows.items():
        print(
            f"{n:6} {row['host_gb']:9.2f} {row['gpu_gb']:8.2f} {row['cache_gb']:10.3f} {row['seconds']:8.0f}"
        )
    key = "host_gb" if device == "cpu" else "gpu_gb"
    report(
        "continual_memory",
        ours=rows[n_cases][key],
        other=None,
        unit="GB",
        quick=quick,
        aim_gb=AIM_GB[device],
        device=device,
        runs=rows,
    )


def measured(n_cases: int, device: str, quick: bool) -> dict[str, float]:
    """Tune in a process of its own, so that the peak is its own."""
    command = [sys.executable, __file__, "--tune", str(n_cases), device, *(["--quick"] if quick else [])]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row: dict[str, float] = json.loads(said.splitlines()[-1])
    return row


def tune(n_cases: int, device: str, quick: bool) -> None:
    """Cache and tune; print what it took."""
    import copy

    import torch

    from omentum.networks.network import NetworkSpec, build
    from omentum.networks.precision import compute_dtype
    from omentum.networks.weights import load_network  # noqa: F401  (registers every architecture)
    from omentum.tune.cache import FeatureCache
    from omentum.tune.config import ContinualConfig
    from omentum.tune.continual import tune_heads

    started = time.perf_counter()
    spec = NetworkSpec(architecture="universal-swinunetr", organs=ORGANS, spacing_mm=1.5)
    network = build(spec).eval()
    trunk = copy.deepcopy(network)
    trunk.set_compute_dtype(compute_dtype(trunk, "auto", device))
    trunk.to(device, memory_format=torch.channels_last_3d)
    config = ContinualConfig(steps=20 if quick else 200, augmented_copies=0)
    samples, size_bytes = [], 0
    with tempfile.TemporaryDirectory() as folder:
        cache = FeatureCache(Path(folder), trunk, config, overlap=0.5)
        for number in range(n_cases):
            case = made_up(number)
            wanted = cache.wanted(case, ORGANS)
            cache.make_room(wanted)
            samples += cache.samples(lambda case=case: case, wanted)
            size_bytes += sum(one.path.stat().st_size for one in wanted)
        del trunk, cache
        weights = {(one.organ, one.case_id): 1.0 for one in samples}
        tune_heads(network.to(device), samples, weights, config)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_BYTES / 1e9
    gpu_gb = torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0
    row = {"host_gb": peak_gb, "gpu_gb": gpu_gb, "cache_gb": size_bytes / 1e9}
    print(json.dumps({**row, "seconds": time.perf_counter() - started}))


def made_up(number: int):
    """Make a case of full size: tissue of one window's size in air, with a box for each organ."""
    from omentum.records import MaskSource
    from omentum.tune.prepared_cases import PreparedCase
    from omentum.volumes.geometry import Geometry
    from omentum.volumes.masks import MaskSet

    rng = np.random.default_rng(number)
    hu = np.full(SHAPE, -1000, dtype=np.int16)
    tissue = tuple(slice(low, low + SIDE) for low in rng.integers(0, np.array(SHAPE) - SIDE))
    hu[tissue] = rng.normal(40, 60, (SIDE, SIDE, SIDE))
    parts = []
    for name in ORGANS:
        mask = np.zeros(SHAPE, dtype=bool)
        low = np.array([part.start for part in tissue]) + rng.integers(0, SIDE - 32, 3)
        mask[tuple(slice(one, one + 32) for one in low)] = True
        parts.append((name, mask))
    masks = MaskSet.build(Geometry(SHAPE, np.diag([1.5, 1.5, 1.5, 1.0])), ORGANS, parts)
    sources = dict.fromkeys(ORGANS, MaskSource.REVISED)
    return PreparedCase(case_id=f"case_{number:02d}", hu=hu, masks=masks, sources=sources, key=str(number))


if __name__ == "__main__":
    if "--tune" in sys.argv:
        place = sys.argv.index("--tune")
        tune(int(sys.argv[place + 1]), sys.argv[place + 2], "--quick" in sys.argv)
    else:
        main("--quick" in sys.argv, "cuda" if "--cuda" in sys.argv else "cpu")
