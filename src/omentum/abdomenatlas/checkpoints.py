"""Identify the published checkpoints: names of tensors, architectures and classes.

Source: Liu et al. 2023, arXiv:2301.00785, and the checkpoints of AbdomenAtlas and SuPreM.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from omentum.errors import CheckpointError, ConfigError
from omentum.volumes.labels import ORGANS, SUBSETS, organ

__all__ = ["EMBEDDING", "TEXT_NUMBERS", "architecture_of", "canonical_names", "class_names"]

Tensor = TypeVar("Tensor")

EMBEDDING = "organ_embedding"
TEXT_NUMBERS = 512
"""Numbers of the text embedding of a class."""
_AT_ROOT = (EMBEDDING, "precls_conv", "GAP", "controller", "controllers", "text_to_vision")
_MARKS = {"backbone.down_tr64.": "universal-unet", "backbone.swinViT.": "universal-swinunetr"}
_BY_NUMBER_OF_TENSORS = {117: "universal-unet", 170: "universal-swinunetr"}
_BY_NUMBER_OF_CLASSES = {
    32: tuple(row.name for row in ORGANS[:32]),
    25: SUBSETS["abdomenatlas-1.1"],
    9: SUBSETS["abdomenatlas-1.0"],
}


def architecture_of(names: Iterable[str]) -> tuple[str | None, bool]:
    """Return the architecture of canonical names, and whether the names identify it.

    Otherwise their number suggests it; `None` if neither fits.
    """
    known = list(names)
    for mark, architecture in _MARKS.items():
        if any(name.startswith(mark) for name in known):
            return architecture, True
    return _BY_NUMBER_OF_TENSORS.get(len(known)), False


def canonical_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name tensors as SuPreM does: with `backbone.` except the heads, without `module.`."""
    names = list(tensors)
    if all(name.startswith("module.") for name in names):
        names = [name.removeprefix("module.") for name in names]
    if not any(name.startswith("backbone.") for name in names):
        names = [name if name.partition(".")[0] in _AT_ROOT else f"backbone.{name}" for name in names]
    return dict(zip(names, tensors.values(), strict=True))


def class_names(path: Path, n_classes: int, organs: Sequence[str]) -> tuple[str, ...]:
    """Return the organ of each row of the embedding.

    Args:
        path: The file, for errors.
        n_classes: Its number of classes.
        organs: Its classes in order, or the name of one subset; none if the number identifies them.

    Raises:
        CheckpointError: The number is unknown, or not that of `organs`.
        ConfigError: An organ is named twice.
        UnknownOrganError: An organ is not known.
    """
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
