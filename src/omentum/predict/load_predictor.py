"""Load a predictor by name, with its weights or folder of mask files checked."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omentum.errors import ConfigError
from omentum.networks.catalogue import find_weights
from omentum.networks.mask_folders import known_mask_folders
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predictors import Predictor
from omentum.volumes.labels import organs_named

__all__ = ["load_predictor"]


def load_predictor(
    name: str,
    *,
    organs: Sequence[str] = (),
    device: str = "cpu",
    config: InferenceConfig | None = None,
    project_networks: Path | None = None,
    optional: Sequence[str] = (),
) -> Predictor:
    """Load a predictor.

    Args:
        name: Of weights, of a project or the user's; or of a folder of mask files.
        organs: Names or subsets; all that it knows if empty. Of mask files, those that they have among these.
        device: `cpu`, `cuda`, ...
        config: How a network predicts.
        project_networks: Folder of a project's own networks.
        optional: Those of the organs that it need not know.

    Raises:
        UnknownNetworkError: There is none of that name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for an organ asked for.
        ConfigError: It cannot compute as configured, or its folder does not exist or has none of the organs.
    """
    left = known_mask_folders().get(name)
    if left is None:
        weights = find_weights(name, project_networks)
        return NetworkPredictor(name, weights, organs=organs, device=device, config=config, optional=optional)
    files = MaskFilesPredictor(name=name, folder=left.folder, ids=left.ids, organs=left.organs)
    wanted = tuple(row.name for row in organs_named(organs) if row.name in files.organs)
    if organs and not wanted:
        raise ConfigError("organs", list(organs), f"the files of {name!r} have none of them")
    return replace(files, organs=wanted) if organs else files
