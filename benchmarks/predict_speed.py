"""How much faster than the published configuration is a published network here, file to files?

Run: python benchmarks/predict_speed.py [--quick] [--network universal-swinunetr] [--device cuda]
[--variants].

Ours: `omentum predict CT.nii.gz -o OUT` as it is by default. Other: MONAI's transforms and sliding window, as
published (`published.py`). Same made weights, same CT, same run; each run is a process of its own. On a CPU
the CT is small enough to finish; on a GPU it has 512 x 512 x 300 voxels. With `--variants` also ours with
other numbers of windows at once, and with what is computed of each window compiled (`variant.py`); what a
machine cannot do, such as to compile without a C compiler, is told and left out.
"""

import os
import tempfile
from pathlib import Path

import torch

from measure import asked, options
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import save_network
from omentum.volumes.labels import SUBSETS
from processes import Side, compare

PUBLISHED = str(Path(__file__).with_name("published.py"))
VARIANT = str(Path(__file__).with_name("variant.py"))
VARIANTS = {
    "1 window": ["--windows", "1"],
    "2 windows": ["--windows", "2"],
    "8 windows": ["--windows", "8"],
    "compiled": ["--compiled", "inductor"],
    "CUDA graphs": ["--compiled", "cudagraphs"],
}
NETWORKS = ("universal-unet", "universal-swinunetr")
ORGANS = SUBSETS["omentum"]
CTS = {
    "quick": ((110, 110, 64), (1.5, 1.5, 1.5)),
    "cpu": ((288, 288, 128), (1.0, 1.0, 1.5)),
    "cuda": ((512, 512, 300), (0.7, 0.7, 1.5)),
}


def main(network: str, device: str, quick: bool, variants: bool) -> None:
    kind = torch.device(device).type
    name = "predict_speed" if network == NETWORKS[0] else f"predict_speed_{network.partition('-')[2]}"
    with tempfile.TemporaryDirectory() as home:
        os.environ["OMENTUM_HOME"] = home
        weights = Path(home) / "models" / "it" / "weights.safetensors"
        weights.parent.mkdir(parents=True)
        save_network(weights, build(NetworkSpec(architecture=network, organs=ORGANS, spacing_mm=1.5), seed=1))
        ours = ["-m", "omentum", "predict", "CT", "-o", "OUT", "--network", "it", "--device", device]
        other = [PUBLISHED, "CT", "-o", "OUT", str(weights), device]
        often = 3 if kind == "cuda" else 1  # on a CPU the other takes a quarter of an hour
        sides = {"ours": Side(ours), "other": Side(other, often)}
        for variant, arguments in VARIANTS.items() if variants else ():
            if kind == "cuda" or "--windows" in arguments or "inductor" in arguments:
                command = [VARIANT, "CT", "-o", "OUT", str(weights), device, *arguments]
                sides[variant] = Side(command, may_fail=True)
        grid = CTS["quick" if quick else kind]
        compare(name, quick, grid, sides, network=network, device=device, organs=len(ORGANS))


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument("--network", choices=NETWORKS, default=NETWORKS[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--variants", action="store_true", help="other ways to compute the windows, too")
    given = asked(parser)
    main(given.network, given.device, given.quick, given.variants)
