"""How long does a CT take to the network's grid? Run: python benchmarks/resample_speed.py [--quick].

Ours: averaged over each voxel's reach, axis by axis. Other: SimpleITK's linear interpolation, smoothed
beforehand so that it does not skip voxels either.
"""

import numpy as np
import SimpleITK as sitk

from measure import asked, median_seconds, options, report
from omentum.phantoms.phantom import make_phantom

SPACING_MM = 3.0


def main(quick: bool) -> None:
    shape = (256, 256, 75) if quick else (512, 512, 300)
    ct = make_phantom(0, shape=shape).ct
    grid = ct.geometry.spaced((SPACING_MM,) * 3)
    image = sitk.GetImageFromArray(ct.voxels.transpose(2, 1, 0).astype(np.float32))
    image.SetSpacing(ct.geometry.spacing_mm)

    def plainly() -> sitk.Image:
        sigmas = [0.4 * max(SPACING_MM / edge, 1.0) * edge for edge in ct.geometry.spacing_mm]
        smooth = sitk.SmoothingRecursiveGaussian(image, sigmas)
        origin = [0.5 * (SPACING_MM - edge) for edge in ct.geometry.spacing_mm]
        return sitk.Resample(
            smooth, grid.shape, sitk.Transform(), sitk.sitkLinear, origin, grid.spacing_mm,
            image.GetDirection(), -1024.0,
        )  # fmt: skip

    ours = median_seconds(lambda: ct.resampled(grid).voxels, quick=quick)
    other = median_seconds(plainly, quick=quick)
    print(f"{shape} to {grid.shape}: ours {ours:.2f} s, SimpleITK {other:.2f} s")
    report("resample_speed", ours=ours, other=other, unit="s", quick=quick, shape=shape)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
