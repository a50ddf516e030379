"""Define what every network is: a trunk that all organs share, and a small head for each organ.

After the trunk, a logit depends on one voxel's features and the context alone. So an organ can be tuned on
features that were computed once.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Self

import torch
from pydantic import Field, PositiveInt, field_validator, model_validator
from torch import Tensor, nn

from omentum.config import ConfigModel
from omentum.errors import ConfigError, UnknownNetworkError
from omentum.networks.memory_pages import use_large_pages
from omentum.volumes.labels import organs_named

if TYPE_CHECKING:
    from omentum.networks.heads import OrganHeads

__all__ = ["ARCHITECTURES", "FEATURES", "Network", "NetworkSpec", "build", "register"]

FEATURES = 8
"""Channels of the reduced features that heads read."""


_Names = Annotated[tuple[str, ...], Field(strict=False)]


class NetworkSpec(ConfigModel, frozen=True, strict=True, title="the spec of a network"):
    """The settings to build a network and to prepare its input; kept with its weights."""

    architecture: str
    """Name under which it is registered."""
    organs: _Names
    """Organs it has a head for, by rising index of the label table."""
    spacing_mm: Annotated[float, Field(ge=0.1, le=20)]
    """Edge of the cubic voxels that it was trained on."""
    window_voxels: Annotated[tuple[PositiveInt, PositiveInt, PositiveInt], Field(strict=False)] = (96, 96, 96)
    """Size of a window, `(x, y, z)`."""
    adapters: _Names = ()
    """Organs whose heads also read the features before the reduction, through an adapter of their own."""

    @field_validator("organs", "adapters")
    @classmethod
    def _known_organs(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(row.name for row in organs_named(names))

    @model_validator(mode="after")
    def _has_heads(self) -> Self:
        if not self.organs:
            raise ConfigError("organs", self.organs, "a network needs at least one")
        if not set(self.adapters) <= set(self.organs):
            raise ConfigError("adapters", self.adapters, "each must be one of the organs")
        return self

    def to_json(self) -> str:
        """Write it as text, for the header of a weights file."""
        # Without adapters, so that releases without them can read the file.
        return json.dumps(self.model_dump(exclude=None if self.adapters else {"adapters"}))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Example:
            >>> spec = NetworkSpec(architecture="starter", organs=("liver",), spacing_mm=3.0)
            >>> NetworkSpec.from_json(spec.to_json()) == spec
            True
        """
        return cls(**json.loads(text))


class Network(nn.Module, ABC):
    """The one interface of every network; axes turned to RAS+, batch first."""

    stride: int
    """Sides of a window are multiples of this."""
    context_per_window: bool = False
    """Whether each window has its own context, from `trunk`; else all have that of the whole volume."""
    least_hu: float = -1024.0
    """Lower values are clipped by the network."""
    context_channels: int
    """Size of the context."""
    wide_channels: int
    """Channels of the features before the reduction, which adapters read."""
    organ_heads: "OrganHeads"
    """The heads, and adapters where there are any."""
    takes_half: bool = False
    """Whether the trunk can compute in half precision."""
    predicts_in_half: bool = False
    """Whether it predicts so by default, where the machine computes in half precision."""
    dtype: torch.dtype = torch.float32
    """In which the trunk computes."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.spec = spec

    @abstractmethod
    def trunk(self, hu: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the features that all organs share.

        Args:
            hu: Hounsfield units, `(batch, 1, x, y, z)`, sides multiples of `stride`.

        Returns:
            Features `(batch, 8, x, y, z)`, and the context `(batch, channel)` of each item. If any organ has
            an adapter, the features before the reduction follow as more channels.
        """

    def levels(self, hu: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """Compute what all organs share as `trunk` does, each part on the grid on which it was made.

        Returns:
            What `joined` takes, full size first; and the context.
        """
        features, context = self.trunk(hu)
        return (features,), context

    def context_of(self, hu: Tensor) -> Tensor:
        """Compute the context; `(batch, channel)`.

        Args:
            hu: Whole volumes, `(batch, 1, x, y, z)`, of any size; or windows, if each has its own context.
        """
        return self.trunk(hu)[1]

    def heads(self, features: Tensor, context: Tensor, organs: Sequence[str]) -> Tensor:
        """Compute the logits of some organs.

        Args:
            features: `(batch, channel, ...)`, any voxel axes; all of `trunk` for organs with adapters.
            context: `(batch, channel)`.
            organs: Names, in the order of the result.

        Returns:
            Logits `(batch, organ, ...)`; each organ's sigmoid is its probability.

        Raises:
            UnknownOrganError: There is no head for one of them.
        """
        logits: Tensor = self.organ_heads(features, context, organs)
        return logits

    def window_for(self, shape: Sequence[int]) -> tuple[int, int, int]:
        """Choose the size of the windows for a volume `(x, y, z)`; by default that of the spec."""
        del shape
        return self.spec.window_voxels

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        """Compute the trunk in another type from now on, to predict and not to train.

        Raises:
            ConfigError: The network computes in float32 only.
        """
        if dtype != torch.float32 and not self.takes_half:
            rule = f"{self.spec.architecture} computes in float32 only"
            raise ConfigError("numbers", str(dtype).removeprefix("torch."), rule)
        self.dtype = dtype

    def compile_windows(self, backend: str) -> None:
        """Compile what is computed of each window, for networks whose windows all have one size.

        Args:
            backend: Of PyTorch, such as `inductor`, which needs a C compiler, or `cudagraphs`.

        Raises:
            ConfigError: The network sees CTs of any size at once, or PyTorch has no such backend.
        """
        rule = f"{self.spec.architecture} sees CTs of any size at once, and cannot be compiled once for all"
        raise ConfigError("compiled", backend, rule)

    def forward(self, hu: Tensor, organs: Sequence[str]) -> Tensor:
        """Compute logits of one window: trunk, then heads."""
        features, context = self.trunk(hu)
        return self.heads(features, context, organs)

    def channels_for(self, organ_name: str) -> int:
        """Count the trunk's channels that an organ's head reads: 8, or all with an adapter."""
        return FEATURES + self.wide_channels * (organ_name in self.spec.adapters)

    def trunk_tensors(self) -> dict[str, Tensor]:
        """Give the tensors that all organs share, by their full names."""
        own = {key for name in self.spec.organs for key in self.head_tensors(name)}
        return {key: value for key, value in self.state_dict().items() if key not in own}

    def head_tensors(self, organ_name: str) -> dict[str, Tensor]:
        """Give the tensors of one organ's head and adapter, by their full names."""
        return {key: value for key, value in self.state_dict().items() if f".{organ_name}." in key}


Builder = Callable[[NetworkSpec], Network]
ARCHITECTURES: dict[str, Builder] = {}
"""Every architecture, by name; filled by `register`."""


def register(name: str) -> Callable[[Builder], Builder]:
    """Register a builder under a new name (`ValueError` if it is taken)."""

    def add(builder: Builder) -> Builder:
        if name in ARCHITECTURES:
            raise ValueError(f"architecture {name!r} is taken already by {ARCHITECTURES[name].__module__}")
        ARCHITECTURES[name] = builder
        return builder

    return add


def build(spec: NetworkSpec, *, seed: int = 0) -> Network:
    """Build a network with fresh weights that depend on the seed alone.

    Raises:
        UnknownNetworkError: No architecture has the spec's name.
        ConfigError: A side of its windows is not a multiple of the architecture's stride.
    """
    if spec.architecture not in ARCHITECTURES:
        raise UnknownNetworkError(spec.architecture, sorted(ARCHITECTURES))
    use_large_pages()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ARCHITECTURES[spec.architecture](spec)
    if any(side % network.stride for side in spec.window_voxels):
        rule = f"each side must be a multiple of {network.stride}, the network's stride"
        raise ConfigError("window_voxels", spec.window_voxels, rule)
    return network
