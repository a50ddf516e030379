"""Where are the weights of a network that somebody calls by name?

In:  a name, and the folder of a project's own networks if there is one.
Out: the weights file: the project's, the user's own, or the one shipped in the package; in that order.
"""

import os
from importlib import resources
from pathlib import Path

import platformdirs

from omentum.errors import CheckpointError, UnknownNetworkError
from omentum.networks.weights import load_network, save_network
from omentum.settings import checked_name

__all__ = [
    "WEIGHTS_FILE",
    "add_model",
    "default_networks",
    "find_weights",
    "home",
    "known_models",
    "remove_model",
]

WEIGHTS_FILE = "weights.safetensors"
_MAIN, _SECOND_OPINION = "starter", "starter-second"


def home() -> Path:
    """Give the user's data folder: `OMENTUM_HOME`, or where the system keeps such data."""
    return Path(os.environ.get("OMENTUM_HOME") or platformdirs.user_data_dir("omentum"))


def known_models(project_networks: Path | None = None) -> dict[str, Path]:
    """List all weights files by name; a project's hides the user's, the user's the shipped."""
    shipped = Path(str(resources.files("omentum.networks"))) / "shipped"
    folders = [shipped, home() / "models", *([project_networks] if project_networks else [])]
    return {
        weights.parent.name: weights
        for folder in folders
        for weights in sorted(folder.glob(f"*/{WEIGHTS_FILE}"))
    }


def default_networks() -> tuple[str, ...]:
    """Name the networks of a new project: the starter, with its second opinion where that is known."""
    return (_MAIN, _SECOND_OPINION) if _SECOND_OPINION in known_models() else (_MAIN,)


def find_weights(name: str, project_networks: Path | None = None) -> Path:
    """Find a network's weights by name.

    Raises:
        UnknownNetworkError: There is none.
    """
    known = known_models(project_networks)
    if name not in known:
        raise UnknownNetworkError(name, sorted(known))
    return known[name]


def add_model(file: Path, name: str) -> Path:
    """Check a weights file and keep a copy under a name in the user's data folder.

    Returns:
        Where it is kept.

    Raises:
        CheckpointError: It does not fit a network known here, or the name is taken.
        ConfigError: The name cannot be that of a folder.
    """
    if checked_name("network", name) in known_models():
        raise CheckpointError(
            file, f"there is a network {name!r} already; give another name or remove that one"
        )
    network = load_network(file)
    kept = home() / "models" / name / WEIGHTS_FILE
    save_network(kept, network)
    return kept


def remove_model(name: str) -> None:
    """Remove a network from the user's data folder.

    Raises:
        UnknownNetworkError: The user has none of that name; shipped ones and a project's stay.
    """
    folder = home() / "models" / name
    own = sorted(path.parent.name for path in (home() / "models").glob(f"*/{WEIGHTS_FILE}"))
    if name not in own:
        raise UnknownNetworkError(name, own)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
