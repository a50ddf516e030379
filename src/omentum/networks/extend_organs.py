"""Add heads and adapters for organs to a network; all its other tensors stay the same."""

from collections.abc import Mapping, Sequence

import torch

from omentum.errors import UnknownOrganError
from omentum.networks.heads import Adapter, new_controller
from omentum.networks.network import Network
from omentum.volumes.labels import ORGANS, organ

__all__ = ["add_adapters", "add_heads", "similar_organ"]

_ALIKE = (
    ("aorta", "postcava", "portal_vein_and_splenic_vein", "celiac_trunk", "hepatic_vessel"),
    ("stomach", "duodenum", "colon", "intestine", "rectum", "esophagus"),
    ("gall_bladder", "bladder"),
    ("pancreas", "adrenal_gland_right", "adrenal_gland_left", "prostate", "spleen", "liver"),
    ("kidney_right", "kidney_left", "spleen", "liver"),
)
"""Organs that look alike on CT: vessels with contrast, gut, organs with fluid, glands, solid organs."""


def similar_organ(name: str, known: Sequence[str]) -> str | None:
    """Choose the known organ whose head initialises that of a new one.

    The first known one of: its partner on the other side; another lesion of the same hosts; its hosts; organs
    that look alike on CT. It is one head, not a mean: hidden units of separately trained heads do not match.

    Example:
        >>> similar_organ("adrenal_gland_left", ["liver", "kidney_left", "adrenal_gland_right"])
        'adrenal_gland_right'
        >>> similar_organ("kidney_cyst", ["liver", "kidney_left"])
        'kidney_left'
    """
    own = organ(name)
    growths = (row.name for row in ORGANS if row.hosts and row.hosts == own.hosts)
    alike = (one for row in _ALIKE if own.name in row for one in row)
    candidates = (own.partner, *growths, *own.hosts, *alike)
    return next((one for one in candidates if one in known and one != own.name), None)


def add_heads(network: Network, similar: Mapping[str, Sequence[str]], *, seed: int = 0) -> None:
    """Add heads for new organs, in place.

    A new head is a copy of a similar organ's, the mean of several, or random. Train it before predicting.

    Args:
        network: Its other tensors stay as they are.
        similar: For each new organ, known organs to initialise its head from.
        seed: Of random heads.

    Raises:
        UnknownOrganError: The network has no head for an organ named as similar.
    """
    heads = network.organ_heads.controllers
    device = next(network.parameters()).device
    for name, others in similar.items():
        for other in others:
            if other not in heads:
                raise UnknownOrganError(other, network.spec.organs)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = new_controller(network.context_channels)
        if others:
            states = [heads[other].state_dict() for other in others]
            fresh.load_state_dict(
                {key: torch.stack([one[key] for one in states]).mean(dim=0) for key in states[0]}
            )
        heads[organ(name).name] = fresh.to(device)
    network.spec = network.spec.changed(organs=(*network.spec.organs, *similar))


def add_adapters(network: Network, organs: Sequence[str], *, seed: int = 0) -> None:
    """Give organs adapters that are initially zero, in place; all other tensors stay as they are.

    Raises:
        ConfigError: The network has no head for one of them.
    """
    new = [name for name in organs if name not in network.spec.adapters]
    network.spec = network.spec.changed(adapters=(*network.spec.adapters, *new))
    device = next(network.parameters()).device
    for name in new:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network.organ_heads.adapters[name] = Adapter(network.wide_channels).to(device)
