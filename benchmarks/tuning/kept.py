"""Keep what took long to make, under the settings and the code that it depends on.

In:  settings, the code that training runs through, a function that trains.
Out: a network, trained now or kept from before; a run that was killed goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import omentum
from omentum.networks.network import Network
from omentum.networks.weights import load_network, save_network
from tuning.curves import WEIGHTS

__all__ = ["SCRATCH", "code_sha256", "folder_of", "network_in"]

SCRATCH = Path(__file__).resolve().parents[2] / "scratch" / "tuning"


def code_sha256(rooms: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Hash the modules of rooms of the package, and files beside them."""
    package, digest = Path(omentum.__file__).parent, hashlib.sha256()
    for path in (*(one for room in rooms for one in sorted((package / room).glob("*.py"))), *files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def folder_of(question: str, settings: dict[str, Any]) -> Path:
    """Name the folder of one benchmark with these settings and this code."""
    code = code_sha256(("networks", "phantoms", "tune"), sorted(Path(__file__).parent.glob("*.py")))
    text = code + json.dumps(settings, sort_keys=True)
    return SCRATCH / question / hashlib.sha256(text.encode()).hexdigest()[:12]


def network_in(folder: Path, train: Callable[[], Network]) -> Network:
    """Give the network of a folder: the one kept there, or one trained now and then kept."""
    path = folder / WEIGHTS
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_network(path, train())
    return load_network(path)
