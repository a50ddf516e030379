"""Give a network heads for organs that the project added, each begun as the head of a similar organ."""

from collections.abc import Sequence

from omentum.networks.extend_organs import add_heads, similar_organ
from omentum.networks.network import Network
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource

__all__ = ["add_new_organs", "vouched_organs"]


def add_new_organs(
    project: Project, network: Network, cases: Sequence[LabelledCase], *, seed: int
) -> dict[str, tuple[str, ...]]:
    """Give the network, in place, a head for each new organ of the project that a case has a label of.

    Returns:
        For each of them the organs that its head begins as.

    Raises:
        UnknownOrganError: The network has no head for an organ that the settings name as similar.
    """
    drawn = vouched_organs(cases)
    heads = {}
    for name, named in project.settings.similar_to_new.items():
        if name in network.spec.organs or name not in drawn:
            continue
        found = similar_organ(name, network.spec.organs)
        heads[name] = named or (() if found is None else (found,))
    if heads:
        add_heads(network, heads, seed=seed)
    return heads


def vouched_organs(cases: Sequence[LabelledCase]) -> set[str]:
    """Give the organs that people vouch for in any case."""
    return {mask.organ for one in cases for mask in one.masks if mask.source is not MaskSource.PREDICTED}
