"""Who is meant by a network's name? Weights that are here, or files that a network left elsewhere.

In:  a name.
Out: an `Opinion`, loaded and checked before any CT is read.
"""

from collections.abc import Sequence
from pathlib import Path

from omentum.errors import ConfigError
from omentum.networks.catalogue import find_weights
from omentum.networks.left_files import LeftFiles, known_files
from omentum.predict.inference_config import Manner
from omentum.predict.mask_files import FilesNetwork
from omentum.predict.predictor import Predictor
from omentum.predict.predictors import FilesOpinion, Opinion
from omentum.volumes.labels import organs_named

__all__ = ["opinion_named"]


def opinion_named(
    name: str,
    *,
    organs: Sequence[str] = (),
    device: str = "cpu",
    manner: Manner | None = None,
    project_networks: Path | None = None,
    optional: Sequence[str] = (),
) -> Opinion:
    """Load a network.

    Args:
        name: Of weights, of a project or the user's; or of files.
        organs: Names or subsets; all that it knows if empty. Of files, those that they have among these.
        device: `cpu`, `cuda`, ...
        manner: How it predicts.
        project_networks: Folder of a project's own networks.
        optional: Those of the organs that it may do without.

    Raises:
        UnknownNetworkError: There is none of that name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for an organ asked for.
        ConfigError: It cannot compute as asked for, or its files are not there or have none of the organs.
    """
    left = known_files().get(name)
    if left is not None:
        return FilesOpinion(_files(name, left, organs))
    weights = find_weights(name, project_networks)
    return Predictor(name, weights, organs=organs, device=device, manner=manner, optional=optional)


def _files(name: str, left: LeftFiles, organs: Sequence[str]) -> FilesNetwork:
    files = FilesNetwork(name=name, folder=left.folder, ids=left.ids, organs=left.organs)
    if not organs:
        return files
    wanted = tuple(row.name for row in organs_named(organs) if row.name in files.organs)
    if not wanted:
        raise ConfigError("organs", list(organs), f"the files of {name!r} have none of them")
    return FilesNetwork(name=name, folder=left.folder, ids=left.ids, organs=wanted)
