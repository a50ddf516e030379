"""Convert checkpoints of the published networks to ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from omentum.abdomenatlas.checkpoints import (
    EMBEDDING,
    TEXT_NUMBERS,
    architecture_of,
    canonical_names,
    class_names,
)
from omentum.errors import CheckpointError
from omentum.networks.heads import HEAD_NUMBERS
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.tensor_fit import check_fit
from omentum.networks.universal import CONTEXT_CHANNELS, split_controller

__all__ = ["published_network"]

SPACING_MM = 1.5
_POSITIONS = "relative_position_index"


def published_network(path: Path, tensors: Mapping[str, Tensor], organs: Sequence[str]) -> Network | None:
    """Make a network of the tensors of a published file.

    Args:
        path: Where they are from, to name in errors.
        tensors: In the file's order. Names may begin with `module.`, those of the backbone with `backbone.`.
        organs: The file's classes in its order, or the name of one subset; none if their number identifies
            them.

    Returns:
        On the CPU, in float32; or `None`, where neither names nor shapes are those of a published network.

    Raises:
        CheckpointError: Tensors do not fit, have a controller an organ already, or are of other classes.
        ConfigError: An organ is named twice.
        UnknownOrganError: An organ is not known.
    """
    named = canonical_names(tensors)
    if any(name.startswith("controllers.") for name in named):
        raise CheckpointError(
            path,
            "it has a controller for each class (Continue_Tuning's layout), which takes 256 numbers where "
            "features and text make 768, so what it computed is unknown; give a file with one controller",
        )
    architecture, is_marked = architecture_of(named)
    if architecture is None:
        return None
    embedding = named.get(EMBEDDING, next(iter(named.values())))
    if embedding.shape[1:] != (TEXT_NUMBERS,):
        if not is_marked:
            return None
        rule = f"it has the tensors of {architecture}, but no {EMBEDDING} of {TEXT_NUMBERS} numbers a class"
        raise CheckpointError(path, f"{rule}; give the whole network, with its heads")
    names = class_names(path, len(embedding), organs)
    network = build(NetworkSpec(architecture=architecture, organs=names, spacing_mm=SPACING_MM))
    wanted = _layout(network, len(names))
    if _fits_in_order(wanted, named):
        named = dict(zip(wanted, named.values(), strict=True))
    elif not is_marked:
        return None
    check_fit(path, wanted, named)
    _check_positions(path, wanted, named)
    network.load_state_dict(_split(network, named, names))
    return network.eval()


def _layout(network: Network, n_classes: int) -> dict[str, Tensor]:
    """List what a published file of this network holds, in its order; only shapes and types count."""
    layout = {EMBEDDING: torch.empty(n_classes, TEXT_NUMBERS, device="meta")}
    for name, value in _shared(network).items():
        layout[name] = value
        module, _, kind = name.rpartition(".")
        if name.endswith(".bn1.bias"):
            layout[f"{module}.running_mean"] = layout[f"{module}.running_var"] = value
            layout[f"{module}.num_batches_tracked"] = torch.tensor(0)
        elif kind == "relative_position_bias_table":
            layout[f"{module}.{_POSITIONS}"] = network.get_buffer(f"{module}.{_POSITIONS}")
    layout["controller.weight"] = torch.empty(HEAD_NUMBERS, 2 * CONTEXT_CHANNELS, 1, 1, 1, device="meta")
    layout["controller.bias"] = torch.empty(HEAD_NUMBERS, device="meta")
    layout["text_to_vision.weight"] = torch.empty(CONTEXT_CHANNELS, TEXT_NUMBERS, device="meta")
    layout["text_to_vision.bias"] = torch.empty(CONTEXT_CHANNELS, device="meta")
    return layout


def _shared(network: Network) -> dict[str, Tensor]:
    """Give what is the same in our network and in the published one."""
    state = network.state_dict().items()
    return {name: value for name, value in state if not name.startswith("organ_heads.")}


def _fits_in_order(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> bool:
    """Tell whether names fail, but the number of tensors and every shape and kind fit one after the other."""
    return (
        given.keys() != wanted.keys()
        and len(given) == len(wanted)
        and all(
            one.shape == other.shape and one.is_floating_point() == other.is_floating_point()
            for one, other in zip(given.values(), wanted.values(), strict=True)
        )
    )


def _check_positions(path: Path, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> None:
    """Refuse an attention whose table of positions is read in another order than ours."""
    for name, value in wanted.items():
        if name.endswith(_POSITIONS) and not torch.equal(given[name].long(), value):
            raise CheckpointError(
                path, f"{name} is not that of windows of 7 voxels a side; give a file as published"
            )


def _split(network: Network, given: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, Tensor]:
    """Make our state dict of a published one."""
    ours = {name: given[name].float() for name in _shared(network)}
    controllers = split_controller(
        given["controller.weight"],
        given["controller.bias"],
        given[EMBEDDING],
        given["text_to_vision.weight"],
        given["text_to_vision.bias"],
    )
    for name, (weight, bias) in zip(names, controllers, strict=True):
        ours[f"organ_heads.controllers.{name}.weight"] = weight
        ours[f"organ_heads.controllers.{name}.bias"] = bias
    return ours
