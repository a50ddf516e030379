"""How is a CT predicted as published?

Run by predict_speed.py: python benchmarks/published.py CT -o OUT WEIGHTS DEVICE.

MONAI's transforms and sliding window, as the code of AbdomenAtlas-8K uses them: overlap 0.75, Gaussian, all
logits in float32 at once, one grouped convolution a layer for the heads, the inverse of all transforms and
one NIfTI file an organ. Its clean-up of masks, soft predictions and entropies are left out.
"""

import sys
from pathlib import Path

import torch
from monai import transforms as mt
from monai.inferers import sliding_window_inference
from torch import Tensor
from torch.nn import functional as F

from omentum.networks.network import Network
from omentum.networks.weights import load_network
from processes import step, write_summary

OVERLAP = 0.75
LAYERS = ((8, 8), (8, 8), (8, 1))


@torch.inference_mode()
def main(source: Path, out: Path, weights: Path, device: str) -> None:
    network = load_network(weights).to(device)
    torch.backends.cudnn.allow_tf32 = False
    before = mt.Compose(
        [
            mt.Orientationd("image", axcodes="RAS", labels=None),
            mt.Spacingd("image", pixdim=(network.spec.spacing_mm,) * 3, mode="bilinear"),
            mt.ScaleIntensityRanged("image", -175.0, 250.0, 0.0, 1.0, clip=True),
            mt.CropForegroundd("image", source_key="image", allow_smaller=True),
        ]
    )
    read = mt.Compose([mt.LoadImaged("image"), mt.EnsureChannelFirstd("image")])
    with step("total"):
        with step("read"):
            loaded = read({"image": source})
        with step("resample"):
            case = before(loaded)
        with step("forward"):
            logits = sliding_window_inference(
                case["image"][None].to(device),
                roi_size=network.spec.window_voxels,
                sw_batch_size=1,
                predictor=lambda window: logits_of(network, window),
                overlap=OVERLAP,
                mode="gaussian",
            )
            masks = (logits.sigmoid() > 0.5).cpu()[0]
        inverse = mt.Invertd("mask", transform=before, orig_keys="image", nearest_interp=True, to_tensor=True)
        for name, mask in zip(network.spec.organs, masks, strict=True):
            with step("masks"):
                whole = inverse({**case, "mask": mask[None]})["mask"]
            with step("write"):
                mt.SaveImage(output_dir=out, output_postfix=name, separate_folder=False, print_log=False)(
                    whole
                )
    write_summary(out)


def logits_of(network: Network, window: Tensor) -> Tensor:
    """Run the network on intensities; heads as grouped convolutions over features repeated for each organ."""
    organs = network.spec.organs
    features, context = network.trunk(window * 425 - 175)
    numbers = [network.organ_heads.controllers[name](context)[0] for name in organs]
    shapes = [after * before for before, after in LAYERS] + [after for _, after in LAYERS]
    (*weights_and_biases,) = zip(*(torch.split(one, shapes) for one in numbers), strict=True)
    values = features.repeat(1, len(organs), 1, 1, 1)
    for k, (before, _) in enumerate(LAYERS):
        weight = torch.cat(weights_and_biases[k]).reshape(-1, before, 1, 1, 1)
        values = F.conv3d(values, weight, torch.cat(weights_and_biases[k + 3]), groups=len(organs))
        if k < len(LAYERS) - 1:
            values = F.relu(values)
    return values


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[3]), Path(sys.argv[4]), sys.argv[5])
