"""Make projects whose cases are predicted in a fraction of a second.

In:  folders, and how many cases.
Out: a user's data folder with a network; projects of tiny CTs, which nobody predicted yet.
"""

import os
from pathlib import Path

import numpy as np

from omentum import loop
from omentum.networks.catalogue import add_model
from omentum.networks.network import NetworkSpec, build
from omentum.networks.weights import save_network
from omentum.phantoms.phantom import make_phantom
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.labels import SUBSETS
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

__all__ = ["NETWORK", "make_cts", "make_home", "make_project"]

NETWORK = "tiny"
_NETWORK_MM = 12.0
_SHAPE = (24, 20, 20)
_SPACING_MM = (16.0, 16.0, 20.0)
_NOISE_HU = 30.0


def make_home(folder: Path) -> None:
    """Make a user's data folder, `OMENTUM_HOME` from now on, with an untrained network."""
    spec = NetworkSpec(
        architecture="starter",
        organs=SUBSETS["abdomenatlas-1.0"],
        spacing_mm=_NETWORK_MM,
        window_voxels=(32, 32, 32),
    )
    weights = folder / "weights.safetensors"
    folder.mkdir(parents=True, exist_ok=True)
    save_network(weights, build(spec, seed=7))
    os.environ["OMENTUM_HOME"] = str(folder / "home")
    add_model(weights, NETWORK)


def make_cts(folder: Path, n_cases: int) -> None:
    """Write CTs of one synthetic patient that differ in their noise."""
    patient = make_phantom(7, shape=_SHAPE, spacing_mm=_SPACING_MM).ct
    for number in range(n_cases):
        noise = np.random.default_rng(number).normal(0, _NOISE_HU, patient.voxels.shape)
        hu = (patient.voxels + noise).astype(np.int16)
        write_nifti(folder / f"case_{number:04d}" / "ct.nii.gz", Volume(hu, patient.geometry))


def make_project(root: Path, cts: Path, database: str | None = None) -> None:
    """Make a project of the CTs in a folder; its database is a SQLite file by default."""
    settings = Settings(networks=(NETWORK,), held_out_share=0.0, scoring="published")
    if database is not None:
        settings = settings.model_copy(update={"database": database})
    begin_project(root, settings)
    with opened(root) as project:
        loop.add_cases(project, [cts])
