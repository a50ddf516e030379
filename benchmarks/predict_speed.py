"""How much faster than the published configuration is a published network here, file to files?

Run: python benchmarks/predict_speed.py [--quick] [--network universal-swinunetr] [--weights FILE]
     [--device cuda].

Ours: `omentum predict CT.nii.gz -o OUT` as it is by default. Other: MONAI's transforms and sliding window, as
published (`published.py`). Same weights (made ones, unless a file is given), same CT, same run; each run is a
process of its own. On a CPU the CT is small enough to finish; on a GPU it has 512 x 512 x 300 voxels.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch

from measure import report
from omentum.networks.network import NetworkSpec, build
from omentum.networks.precision import compute_dtype
from omentum.networks.weights import load_network, save_network
from omentum.volumes.labels import SUBSETS
from processes import Run, medians, print_table, timed, write_ct

PUBLISHED = Path(__file__).with_name("published.py")
GFLOP_A_WINDOW = {"universal-unet": 1657.0, "universal-swinunetr": 644.0}
CTS = {
    "quick": ((110, 110, 64), (1.5, 1.5, 1.5)),
    "cpu": ((288, 288, 128), (1.0, 1.0, 1.5)),
    "cuda": ((512, 512, 300), (0.7, 0.7, 1.5)),
}
TIMES = {"cpu": 3, "cuda": 3}
MATRIX = 4096


def main(network: str, weights: Path | None, device: str, quick: bool) -> None:
    kind = torch.device(device).type
    shape, spacing_mm = CTS["quick" if quick else kind]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ct, used, home = folder / "ct.nii.gz", weights or folder / "weights.safetensors", folder / "home"
        write_ct(ct, shape, spacing_mm)
        if weights is None:
            spec = NetworkSpec(architecture=network, organs=SUBSETS["omentum"], spacing_mm=1.5)
            save_network(used, build(spec, seed=1))
        kept = home / "models" / "it" / "weights.safetensors"
        kept.parent.mkdir(parents=True)
        kept.symlink_to(used.resolve())
        runs: dict[str, list[Run]] = {"ours": [], "other": []}
        for k in range(1 if quick else TIMES[kind]):
            out = folder / f"ours-{k}"
            options = ["-o", str(out), "--network", "it", "--device", device]
            command = ["-m", "omentum", "predict", str(ct), *options]
            runs["ours"].append(timed(command, out, {"OMENTUM_HOME": str(home)}))
            if kind == "cuda" or k == 0:  # on a CPU the other takes a quarter of an hour: once
                out = folder / f"other-{k}"
                runs["other"].append(timed([str(PUBLISHED), str(ct), "-o", str(out), str(used), device], out))
        organs = load_network(used).spec.organs
        rates = measured_rates(used, device)
    seconds, peak_gb = medians(runs)
    print_table(seconds, peak_gb)
    print(json.dumps(rates))
    report(
        "predict_speed" if network == "universal-unet" else f"predict_speed_{network.partition('-')[2]}",
        ours=seconds["ours"]["total"],
        other=seconds["other"]["total"],
        unit="s",
        quick=quick,
        network=network,
        device=device,
        organs=len(organs),
        shape=shape,
        spacing_mm=spacing_mm,
        runs={side: len(made) for side, made in runs.items()},
        seconds=seconds,
        peak_gb=peak_gb,
        rates=rates,
    )


@torch.inference_mode()
def measured_rates(weights: Path, device: str) -> dict[str, float]:
    """Measure one window's backbone beside a matrix product in the same numbers, in GFLOP/s."""
    network = load_network(weights)
    numbers = compute_dtype(network, "auto", device)
    network.set_compute_dtype(numbers)
    network = network.to(device, memory_format=torch.channels_last_3d)
    window = torch.rand(1, 1, *network.spec.window_voxels, dtype=numbers, device=device)
    seconds = _best(lambda: network.backbone(window), device)
    a = torch.rand(MATRIX, MATRIX, dtype=numbers, device=device)
    matrix = 2 * MATRIX**3 / _best(lambda: a @ a, device) / 1e9
    backbone = GFLOP_A_WINDOW[network.spec.architecture] / seconds
    return {
        "numbers": str(numbers).removeprefix("torch."),
        "window_s": round(seconds, 4),
        "backbone_gflops": round(backbone),
        "matrix_gflops": round(matrix),
        "share_of_matrix": round(backbone / matrix, 3),
    }


def _best(function, device: str) -> float:
    taken = []
    for _ in range(4):
        started = time.perf_counter()
        function()
        if torch.device(device).type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(time.perf_counter() - started)
    return min(taken[1:])


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true")
    options.add_argument("--network", choices=sorted(GFLOP_A_WINDOW), default="universal-unet")
    options.add_argument("--weights", type=Path)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = options.parse_args()
    main(given.network, given.weights, given.device, given.quick)
