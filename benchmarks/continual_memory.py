"""How much memory does it take to tune heads of the largest network on 12 revised and 24 replayed cases?

Run: python benchmarks/continual_memory.py [--quick] [--cuda]. Ours: the whole of it, in a process of its own:
cases of full size at 1.5 mm, the trunk of `universal-swinunetr` in windows of 96 x 96 x 96, the cache on
disk, heads of four organs. There is something to see in one window's worth of each case, for what is held at
a time is one window however many there are. Nothing else is compared: the aim is 6 GB of the host's memory,
or 8 GB of a GPU's. That it hardly grows with the cases is shown by a run with a quarter as many.
"""

import copy
import tempfile
from pathlib import Path

import numpy as np
import torch

from measure import alone, asked, options, report
from omentum.networks.network import NetworkSpec, build
from omentum.networks.precision import compute_dtype
from omentum.networks.weights import load_network  # noqa: F401  (registers every architecture)
from omentum.records import MaskSource
from omentum.tune.cache import FeatureCache
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet

ORGANS = ("aorta", "gall_bladder", "stomach", "postcava")
SHAPE, SIDE = (268, 200, 268), 96
N_CASES, N_QUICK = 36, 4
AIM_GB = {"cpu": 6.0, "cuda": 8.0}


def main(quick: bool, device: str) -> None:
    n_cases = N_QUICK if quick else N_CASES
    rows = {}
    print(f"{'cases':>6} {'host, GB':>9} {'GPU, GB':>8} {'cache, GB':>10} {'seconds':>8}")
    for n in (max(1, n_cases // 4), n_cases):
        taken = alone(tune, n, device, quick)
        cache_gb, gpu_gb = taken.value
        rows[n] = {"host_gb": taken.peak_gb, "gpu_gb": gpu_gb, "cache_gb": cache_gb, "seconds": taken.seconds}
        print(f"{n:6} {taken.peak_gb:9.2f} {gpu_gb:8.2f} {cache_gb:10.3f} {taken.seconds:8.0f}")
    ours, aim = rows[n_cases]["host_gb" if device == "cpu" else "gpu_gb"], AIM_GB[device]
    figures = {"aim_gb": aim, "device": device, "runs": rows}
    report("continual_memory", ours=ours, other=None, unit="GB", quick=quick, **figures)


def tune(n_cases: int, device: str, quick: bool) -> tuple[float, float]:
    """Cache and tune; give the GB of the cache, and the most that the GPU held."""
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
    return size_bytes / 1e9, torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0


def made_up(number: int) -> PreparedCase:
    """Make a case of full size: tissue of one window's size in air, with a box for each organ."""
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
    parser = options(__doc__)
    parser.add_argument("--cuda", action="store_true", help="on a GPU; figures are kept apart")
    given = asked(parser)
    main(given.quick, "cuda" if given.cuda else "cpu")
