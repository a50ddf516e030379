"""Find the weights of networks by name, and keep those that the user adds."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omentum.errors import CheckpointError, ConfigError, UnknownNetworkError
from omentum.names import checked_name
from omentum.networks.mask_folders import forget_mask_folder, known_mask_folders
from omentum.networks.user_folder import home
from omentum.volumes.atomic import write_json
from omentum.volumes.file_hash import file_sha256

if TYPE_CHECKING:
    from omentum.networks.network import Network

__all__ = [
    "AVERAGE",
    "PUBLISHED",
    "WEIGHTS_FILE",
    "Origin",
    "Published",
    "add_model",
    "check_free",
    "default_networks",
    "file_origin",
    "find_weights",
    "keep_network",
    "known_models",
    "name_taken",
    "organs_of",
    "origin_of",
    "remove_model",
]

WEIGHTS_FILE = "weights.safetensors"
AVERAGE = "average"
"""Reserved for the average of several networks."""
_ORIGIN_FILE = "origin.json"
_MAIN, _SECOND_OPINION = "starter", "starter-second"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A published checkpoint; its name is also its architecture's, and its urls are tried in order."""

    name: str
    file: str
    parameters: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where one of the user's own networks came from; written as `origin.json` beside its weights."""

    url: str | None
    """`None` for a local file."""
    file: str
    """Its name, or the path of a local file."""
    sha256: str
    """Of the original file, not of the kept weights."""
    size_bytes: int
    time: str
    """ISO 8601, UTC."""


_LIST: dict[str, Any] = json.loads(
    resources.files("omentum.networks").joinpath("published_checkpoints.json").read_text("utf-8")
)
PUBLISHED: dict[str, Published] = {
    row["name"]: Published(**{**row, "urls": tuple(row["urls"])}) for row in _LIST["checkpoints"]
}
"""What can be pulled, by name."""


def known_models(project_networks: Path | None = None) -> dict[str, Path]:
    """List all weights files by name; a project's come before the user's, these before the shipped."""
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


def organs_of(weights: Path) -> tuple[str, ...]:
    """Read from the header of a safetensors file which organs a network of ours knows, without PyTorch.

    Returns:
        Names; empty where the file has no spec of ours.
    """
    try:
        with weights.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return tuple(json.loads(header["__metadata__"]["omentum"])["organs"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def find_weights(name: str, project_networks: Path | None = None) -> Path:
    """Find a network's weights by name.

    Raises:
        UnknownNetworkError: There is none; it says whether the name can be pulled.
    """
    known = known_models(project_networks)
    if name not in known:
        raise UnknownNetworkError(name, sorted([*known, *known_mask_folders()]), published=PUBLISHED)
    return known[name]


def add_model(file: Path, name: str, *, organs: Sequence[str] = ()) -> Path:
    """Check a weights file and keep a copy under a name in the user's data folder.

    Args:
        file: See `load_network`.
        name: That `--network` will take.
        organs: Which organs the classes of the file are, where it does not say.

    Raises:
        CheckpointError: It does not fit a network known here, or the name is taken.
        ConfigError: The name cannot be that of a folder.
    """
    check_free(file, name)
    from omentum.networks.weights import load_network  # torch is slow to import, and names need no weights

    return keep_network(load_network(file, organs=organs), name, file_origin(file))


def origin_of(weights: Path) -> Origin | None:
    """Read the recorded origin of weights; `None` if there is none."""
    try:
        return Origin(**json.loads(weights.with_name(_ORIGIN_FILE).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def keep_network(network: "Network", name: str, origin: Origin) -> Path:
    """Write a network under a free name, its weights last."""
    from omentum.networks.weights import save_network

    kept = home() / "models" / name / WEIGHTS_FILE
    write_json(kept.with_name(_ORIGIN_FILE), asdict(origin))
    save_network(kept, network)
    return kept


def file_origin(file: Path, *, url: str | None = None, called: str | None = None) -> Origin:
    """Describe the file of a network, with its hash, its address and its name there."""
    sha256 = file_sha256(file)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    called = called or str(file.absolute())
    return Origin(url=url, file=called, sha256=sha256, size_bytes=file.stat().st_size, time=now)


def name_taken(file: Path, name: str) -> CheckpointError:
    """Make the error for a name that is taken."""
    return CheckpointError(file, f"there is a network {name!r} already; give another name or remove that one")


def check_free(file: Path, name: str, *, is_average: bool = False) -> None:
    """Refuse a name that a new network, which may be an average, cannot have.

    Raises:
        CheckpointError: It is taken.
        ConfigError: It cannot name a folder, or is reserved.
    """
    if checked_name("network", name) == AVERAGE and not is_average:
        raise ConfigError("network", name, "it is what the average of several is called; give another")
    if name in known_models() or name in known_mask_folders():
        raise name_taken(file, name)


def remove_model(name: str) -> None:
    """Remove a network from the user's data folder; of one that ran elsewhere, what it left stays there.

    Raises:
        UnknownNetworkError: The user has none of that name; shipped ones and a project's stay.
    """
    folder = home() / "models" / name
    if name in known_mask_folders():
        forget_mask_folder(name)
        return
    own = [path.parent.name for path in (home() / "models").glob(f"*/{WEIGHTS_FILE}")]
    if name not in own:
        raise UnknownNetworkError(name, sorted([*own, *known_mask_folders()]))
    shutil.rmtree(folder)
