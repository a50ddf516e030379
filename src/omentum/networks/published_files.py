"""Convert checkpoints of the published networks to ours."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from omentum.errors import CheckpointError, ConfigError
from omentum.networks.heads import HEAD_NUMBERS
from omentum.networks.network import Network, NetworkSpec, build
from omentum.networks.tensor_fit import check_fit
from omentum.networks.universal import CONTEXT_CHANNELS, split_controller
from omentum.volumes.labels import SUBSETS, organ

__all__ = ["published_network"]

SPACING_MM = 1.5
TEXT_NUMBERS = 512
_EMBEDDING = "organ_embedding"
_POSITIONS = "relative_position_index"
_AT_ROOT = (_EMBEDDING, "precls_conv", "GAP", "controller", "controllers", "text_to_vision")
_MARKS = {"backbone.down_tr64.": "universal-unet", "backbone.swinViT.": "universal-swinunetr"}
_BY_NUMBER_OF_TENSORS = {117: "universal-unet", 170: "universal-swinunetr"}
_BY_NUMBER_OF_CLASSES = {
    len(SUBSETS[subset]): SUBSETS[subset] for subset in ("omentum", "abdomenatlas-1.1", "abdomenatlas-1.0")
}


def published_network(path: Path, tensors: Mapping[str, Tensor], organs: Sequence[str]) -> Network | None:
    """Make a network of the tensors of a published file.

    Args:
        path: Where they are from, to name in errors.
        tensors: In the file's order, which counts where names do not tell. Names may begin with `module.`,
            and those of the backbone with `backbone.`.
        organs: The file's classes in its order, or the name of one subset; none where their number tells.

    Returns:
        On the CPU, in float32; or `None`, where neither names nor shapes are those of a published network.

    Raises:
        CheckpointError: Tensors do not fit, have a controller an organ already, or are of other classes.
        ConfigError: An organ is named twice.
        UnknownOrganError: An organ is not known.
    """
    named = _canonical(tensors)
    if any(name.startswith("controllers.") for name in named):
        raise CheckpointError(
            path,
            "it has a controller for each class (Continue_Tuning's layout), which takes 256 numbers where "
            "features and text make 768, so what it computed cannot be told; give a file with one controller",
        )
    marked = [kind for mark, kind in _MARKS.items() if any(name.startswith(mark) for name in named)]
    architecture = marked[0] if marked else _BY_NUMBER_OF_TENSORS.get(len(named))
    if architecture is None:
        return None
    embedding = named.get(_EMBEDDING, next(iter(named.values())))
    if embedding.shape[1:] != (TEXT_NUMBERS,):
        if not marked:
            return None
        rule = f"it has the tensors of {architecture}, but no {_EMBEDDING} of {TEXT_NUMBERS} numbers a class"
        raise CheckpointError(path, f"{rule}; give the whole network, with its heads")
    names = _class_names(path, len(embedding), organs)
    network = build(NetworkSpec(architecture=architecture, organs=names, spacing_mm=SPACING_MM))
    wanted = _layout(network, len(names))
    if _fits_in_order(wanted, named):
        named = dict(zip(wanted, named.values(), strict=True))
    elif not marked:
        return None
    check_fit(path, wanted, named)
    _check_positions(path, wanted, named)
    network.load_state_dict(_split(network, named, names))
    return network.eval()


def _canonical(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name tensors as SuPreM does: `backbone.` before all but the heads, and no `module.` before that."""
    names = list(tensors)
    if all(name.startswith("module.") for name in names):
        names = [name.removeprefix("module.") for name in names]
    if not any(name.startswith("backbone.") for name in names):
        names = [name if name.partition(".")[0] in _AT_ROOT else f"backbone.{name}" for name in names]
    return dict(zip(names, tensors.values(), strict=True))


def _class_names(path: Path, n_classes: int, organs: Sequence[str]) -> tuple[str, ...]:
    """Tell which organ each row of the embedding belongs to."""
    if not organs:
        if n_classes not in _BY_NUMBER_OF_CLASSES:
            known = ", ".join(map(str, sorted(_BY_NUMBER_OF_CLASSES)))
            rule = f"it has {n_classes} classes, and only of {known} it is known which organs they are"
            raise CheckpointError(path, f"{rule}; name them in the file's order")
        return _BY_NUMBER_OF_CLASSES[n_classes]
    one_subset = len(organs) == 1 and organs[0] in SUBSETS
    names = SUBSETS[organs[0]] if one_subset else tuple(organ(name).name for name in organs)
    if len(set(names)) < len(names):
        raise ConfigError("organs", tuple(organs), "each organ must be named once, in the file's order")
    if len(names) != n_classes:
        rule = f"it has {n_classes} classes, but {len(names)} organs are named for it"
        raise CheckpointError(path, f"{rule}; name one for each class, in the file's order")
    return names


def _layout(network: Network, n_classes: int) -> dict[str, Tensor]:
    """List what a published file of this network holds, in its order; only shapes and types count."""
    layout = {_EMBEDDING: torch.empty(n_classes, TEXT_NUMBERS, device="meta")}
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
        given[_EMBEDDING],
        given["text_to_vision.weight"],
        given["text_to_vision.bias"],
    )
    for name, (weight, bias) in zip(names, controllers, strict=True):
        ours[f"organ_heads.controllers.{name}.weight"] = weight
        ours[f"organ_heads.controllers.{name}.bias"] = bias
    return ours
