"""What has been done already? Each trained network is kept with what it depends on in its folder's name.

In:  settings, the code that training runs through, a function that trains.
Out: a network, trained now or kept from before; a run that was killed goes on where it was.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from omentum.networks.network import Network
from omentum.networks.weights import load_network, save_network
from tuning.code import code_sha256
from tuning.cohort import SCRATCH
from tuning.curves import WEIGHTS

__all__ = ["folder_of", "network_in"]

_ROOMS = ("networks", "phantoms", "tune")
_NOT_RUN = ("page.py",)
"""Tells of results, and makes none."""


def folder_of(question: str, settings: dict[str, Any]) -> Path:
    """Name the folder of one benchmark with these settings and this code."""
    here = [path for path in sorted(Path(__file__).parent.glob("*.py")) if path.name not in _NOT_RUN]
    text = code_sha256(_ROOMS, here) + json.dumps(settings, sort_keys=True)
    return SCRATCH / question / hashlib.sha256(text.encode()).hexdigest()[:12]


def network_in(folder: Path, train: Callable[[], Network]) -> Network:
    """Give the network of a folder: the one kept there, or one trained now and then kept."""
    path = folder / WEIGHTS
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        save_network(path, train())
    return load_network(path)
