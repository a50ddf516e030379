"""How long does it take to write nine organ masks of a CT? Run: python benchmarks/write_speed.py [--quick].

Ours: one 0/1 NIfTI an organ from the set-coded map. Other: nibabel, as the published scripts write them.
"""

import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from measure import asked, median_seconds, options, report
from omentum.phantoms.phantom import make_phantom
from omentum.volumes.labels import SUBSETS
from omentum.volumes.mask_files import write_organ_files
from omentum.volumes.masks import MaskSet

ORGANS = SUBSETS["abdomenatlas-1.0"]


def main(quick: bool) -> None:
    shape = (256, 256, 75) if quick else (512, 512, 300)
    labels = make_phantom(0, shape=shape).labels
    masks = MaskSet.from_labels(labels.voxels, labels.geometry, ORGANS)
    folder = Path(tempfile.mkdtemp())

    def plainly() -> None:
        for name in ORGANS:
            image = nib.Nifti1Image(masks.mask(name).astype(np.uint8), masks.geometry.affine)
            nib.save(image, folder / f"{name}.nii.gz")

    ours = median_seconds(lambda: write_organ_files(folder, masks), times=3, quick=quick)
    other = median_seconds(plainly, times=3, quick=quick)
    print(f"nine masks of {shape}: ours {ours:.2f} s, nibabel {other:.2f} s")
    report("write_speed", ours=ours, other=other, unit="s", quick=quick, shape=shape)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
