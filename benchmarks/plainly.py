"""How is a CT predicted with common tools? Run by starter_speed.py: python benchmarks/plainly.py CT -o OUT.

The shipped starter in MONAI's sliding window; then organ by organ, so that it fits into memory: the
probability at full size, a threshold, a file from nibabel. No clean-up of the masks, and no pictures.
"""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import torch
from monai.inferers import sliding_window_inference
from torch.nn import functional as F

from omentum.networks.catalogue import find_weights
from omentum.networks.grid import to_network_grid
from omentum.networks.weights import load_network
from omentum.volumes.geometry import Geometry
from omentum.volumes.volume import Volume
from processes import step, write_summary

OVERLAP = 0.5
AIR_HU = -1024.0


@torch.inference_mode()
def main(source: Path, out: Path) -> None:
    network = load_network(find_weights("starter"))  # in PyTorch's own memory layout
    organs = network.spec.organs
    with step("total"):
        with step("read"):
            image = nib.load(source)
            hu = image.get_fdata(dtype=np.float32)
        with step("resample"):  # as ours does, so that both see the same
            ct = Volume(hu, Geometry(hu.shape, image.affine))
            small = np.ascontiguousarray(to_network_grid(ct, network.spec.spacing_mm).voxels)
        with step("forward"):
            logits = sliding_window_inference(
                torch.from_numpy(small)[None, None],
                roi_size=network.spec.window_voxels,
                sw_batch_size=1,
                predictor=lambda window: network(window, organs),
                overlap=OVERLAP,
                mode="gaussian",
                cval=AIR_HU,
            )
            probabilities = logits.sigmoid()
        out.mkdir(parents=True)
        for k, name in enumerate(organs):
            with step("masks"):
                full = F.interpolate(probabilities[:, k : k + 1], size=hu.shape, mode="trilinear")
                mask = (full[0, 0] > 0.5).numpy().astype(np.uint8)
            with step("write"):
                nib.save(nib.Nifti1Image(mask, image.affine), out / f"{name}.nii.gz")
    write_summary(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[3]))
