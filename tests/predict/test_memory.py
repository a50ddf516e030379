"""How much memory does a published network take on a CT of full size? Measured of a whole process."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import save_network
from omentum.predict.network_predictor import NetworkPredictor
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct
from omentum.volumes.volume import Volume

SHAPE, SPACING_MM = (512, 512, 300), (0.7, 0.7, 1.5)
MOST_GB, MOST_GPU_GB = 4.0, 10.0

_PROGRAM = """
import resource, sys
from omentum.app.cli import app
try:
    app(["predict", sys.argv[1], "-o", sys.argv[2], "--network", "it", "--accept-values"])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.fixture
def corner_ct(tmp_path):
    """A CT of full size with body in two far corners only, each in one window of the network."""
    voxels = np.full(SHAPE, -1000, dtype=np.int16, order="F")
    voxels[:40, :40, :20] = 60
    voxels[-40:, -40:, -10:] = 60
    path = tmp_path / "corners.nii.gz"
    write_nifti(path, Volume(voxels, Geometry(SHAPE, np.diag([*SPACING_MM, 1.0]))))
    return path


@pytest.fixture
def weights(tmp_path):
    spec = NetworkSpec(architecture="universal-unet", organs=SUBSETS["omentum"], spacing_mm=1.5)
    path = tmp_path / "home" / "models" / "it" / "weights.safetensors"
    save_network(path, build(spec))
    return path


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="the peak is counted in other units there")
def test_32_classes_at_full_size_take_less_than_4_gb(corner_ct, weights, tmp_path):
    environment = {**os.environ, "OMENTUM_HOME": str(weights.parents[2])}
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, corner_ct, tmp_path / "out"],
        env=environment, capture_output=True, text=True, check=True, timeout=900,
    )  # fmt: skip
    peak_gb = int(ran.stdout.split()[-1]) * 1024 / 1e9
    assert len(json.loads((tmp_path / "out" / "summary.json").read_text())["organs"]) == 32
    assert 1.0 < peak_gb < MOST_GB


@pytest.mark.slow
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_32_classes_at_full_size_take_less_than_10_gb_of_a_gpu(corner_ct, weights):
    NetworkPredictor("it", weights, device="cuda").predict(read_ct(corner_ct))
    assert torch.cuda.max_memory_allocated() / 1e9 < MOST_GPU_GB
