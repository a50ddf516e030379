"""Settings of tuning, which refuse nonsense before any volume is read; written as `tune.json`."""

import dataclasses
import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from omentum.choices import TRAINABLE
from omentum.errors import ConfigError
from omentum.networks.precision import WEIGHT_DTYPES, WeightDtype
from omentum.tune.replay import RULES

__all__ = ["ADAPTERS", "TRAINABLE", "ContinualConfig", "FullConfig", "full_config", "read_config"]

NETWORK_STRIDE = 16
_SPACING_MM = (0.5, 20.0)
_STARTS = ("fresh", "parent")
ADAPTERS = TRAINABLE[1]
Config = TypeVar("Config", "FullConfig", "ContinualConfig")


@dataclass(frozen=True, slots=True, kw_only=True)
class FullConfig:
    """How all weights are trained."""

    start: str = "fresh"
    """From `fresh` weights, or from those of the `parent`, the network that predicts in this round."""
    architecture: str = "starter"
    """Of fresh weights: `starter`, `universal-unet`, `universal-swinunetr`; so is `window_voxels`."""
    spacing_mm: float = 0.0
    """Edge of the cubic voxels that the network sees; 0 is the parent's, and 3 mm for fresh weights."""
    window_voxels: tuple[int, int, int] = (96, 96, 96)
    """Size of a window in prediction, `(x, y, z)`."""
    steps: int = 1000
    batch_size: int = 2
    """Patches a step, on each device."""
    devices: int = 1
    """How many share each step."""
    patch_voxels: tuple[int, int, int] = (96, 80, 64)
    """Size of a training patch, `(x, y, z)`, in the network's voxels."""
    learning_rate: float = 2e-3
    """Peak rate of AdamW, reached once warm-up ends."""
    warm_up_share: float = 0.05
    """Share of the steps over which the rate rises; then it falls as a cosine."""
    weight_decay: float = 1e-4
    heads_rate: float = 1.0
    """Factor of the rate for the heads of the organs."""
    foreground_share: float = 0.75
    """Share of patches whose centre is drawn from an organ, each organ equally likely."""
    rendered_share: float = 0.0
    """Share of patches from patients made up on the fly, from formulas and from `--anatomy` label maps."""
    made_share: float = 0.3
    """Share of those whose anatomy is made of formulas; all, where there is no label map."""
    pool_cases: int = 24
    """How many of them are at hand at a time."""
    pool_steps: int = 3
    """Steps between one and the next, which takes the place of the oldest."""
    blur_share: float = 0.2
    """Share of patches that are blurred a little."""
    coarse_share: float = 0.2
    """Share of patches that are seen as if slices were up to three times as thick, along any axis."""
    predicted_weight: float = 0.3
    """What a predicted label counts in the loss; original and revised ones count 1."""
    average_decay: float = 0.99
    """Of the running mean of the weights, which is what is kept in the end."""
    checkpoint_every: int = 100
    validate_every: int = 100
    """Steps between looks at the patients kept for evaluation; 0 never looks."""
    patience: int = 5
    """Looks in a row without a better Dice after which training stops; 0 goes on to the last step. Either way
    the weights of the best look are kept."""
    recompute: bool = False
    """Forget what is inside the parts of a published network, and compute it again for the gradient: a third
    more time for a fraction of the memory."""
    kept_as: WeightDtype = "float32"
    """Numbers in which the weights are kept: `float16` takes half the room, `int8` a quarter."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run."""
        _of_their_types(self)
        _at_least(self, 1, ("steps", "batch_size", "devices", "checkpoint_every", "pool_cases", "pool_steps"))
        _at_least(self, 0, ("seed", "spacing_mm", "weight_decay", "validate_every", "patience"))
        _shares(self, ("warm_up_share", "foreground_share", "predicted_weight", "average_decay"))
        _shares(self, ("rendered_share", "made_share", "blur_share", "coarse_share"))
        _above_0(self, ("learning_rate", "heads_rate"))
        if self.spacing_mm and not _SPACING_MM[0] <= self.spacing_mm <= _SPACING_MM[1]:
            rule = f"it must be 0, or from {_SPACING_MM[0]:g} to {_SPACING_MM[1]:g}"
            raise ConfigError("spacing_mm", self.spacing_mm, rule)
        if self.start not in _STARTS:
            raise ConfigError("start", self.start, f"it must be {' or '.join(_STARTS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinualConfig:
    """How the heads of revised organs are tuned on a frozen trunk."""

    organs: tuple[str, ...] = ()
    """Organs to tune on every mask that people vouch for, instead of those revised in this round."""
    trainable: str = "heads"
    """`heads`, or `heads+adapters`: each organ also learns from the features before their reduction to 8."""
    steps: int = 400
    learning_rate: float = 5e-3
    """Peak rate of AdamW, from which it falls as a cosine."""
    samples_per_class: int = 20_000
    """Most voxels a case and organ, of each kind: inside, near the border, elsewhere."""
    shell_mm: float = 5.0
    """How far from the organ the voxels of its surroundings are drawn."""
    augmented_copies: int = 1
    """How many varied copies of each case the trunk sees, beside the case as it is."""
    cache_gb: float = 20.0
    """Most room that features take on disk; those of earlier runs go first."""
    average_decay: float = 0.0
    """Of the running mean of the weights, which is what is kept in the end; with 0 the last ones are."""
    replay_share: float = 0.25
    """Share of earlier cases of the same organ that is replayed, in [0, 1]."""
    replay_by: str = "importance"
    """Which: the most important ones (`importance`), any (`random`), or `none`."""
    replay_limit: int = 3
    """Most cases that are replayed for each case revised, so that replay does not drown the revisions."""
    replay_least: int = 5
    """Cases that are replayed whatever share and limit say, as far as there are so many: what one or two
    patients teach a head is not what holds for the others. With share 0 and by rule `none` none is."""
    predicted_weight: float = 0.3
    """What a predicted label counts in the loss; original and revised ones count 1."""
    kept_as: WeightDtype = "float32"
    """Numbers in which the weights are kept: `float16` takes half the room, `int8` a quarter."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot run."""
        _of_their_types(self)
        _at_least(self, 1, ("replay_limit", "steps", "samples_per_class"))
        _at_least(self, 0, ("seed", "augmented_copies", "replay_least"))
        _shares(self, ("replay_share", "predicted_weight", "average_decay"))
        if self.replay_by not in RULES:
            raise ConfigError("replay_by", self.replay_by, f"the rules are {', '.join(RULES)}")
        if self.trainable not in TRAINABLE:
            raise ConfigError("trainable", self.trainable, f"it must be {' or '.join(TRAINABLE)}")
        _above_0(self, ("learning_rate", "shell_mm", "cache_gb"))


_PUBLISHED: dict[str, Any] = {
    "spacing_mm": 1.5,
    "patch_voxels": (96, 96, 96),
    "learning_rate": 1e-4,
    "weight_decay": 1e-5,
}
"""Liu et al. 2023, arXiv:2301.00785, section 4; the starter's rate is far too fast for them."""
_OF_ARCHITECTURE = {"universal-unet": _PUBLISHED, "universal-swinunetr": _PUBLISHED}


def full_config(**said: Any) -> FullConfig:
    """Give the settings of full training, with the defaults of the architecture that is said.

    Raises:
        ConfigError: A value cannot be used.

    Example:
        >>> full_config(architecture="universal-unet", steps=10).learning_rate
        0.0001
        >>> full_config() == FullConfig()
        True
    """
    architecture = said.get("architecture", FullConfig.__dataclass_fields__["architecture"].default)
    # What is no name is refused below.
    defaults = _OF_ARCHITECTURE.get(architecture, {}) if isinstance(architecture, str) else {}
    return FullConfig(**{**defaults, **said})


def read_config(path: Path, kind: type[Config]) -> Config:
    """Read settings from a TOML file.

    Raises:
        ConfigError: It is no TOML, or has a key that is no setting, or a value that cannot be used.
    """
    try:
        fields: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError("config", str(path), f"it cannot be read: {error}") from None
    known = {field.name for field in dataclasses.fields(kind)}
    if unknown := sorted(fields.keys() - known):
        raise ConfigError(unknown[0], fields[unknown[0]], f"settings are {', '.join(sorted(known))}")
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    make: Callable[..., Any] = full_config if kind is FullConfig else kind
    made: Config = make(**values)
    return made


def _of_their_types(config: "FullConfig | ContinualConfig") -> None:
    for field in dataclasses.fields(config):
        is_right, rule = _TYPES[field.type]
        value = getattr(config, field.name)
        if not is_right(value):
            raise ConfigError(field.name, value, rule)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _is_size(value: object) -> bool:
    if not isinstance(value, tuple) or len(value) != 3:
        return False
    return all(_is_whole(side) and side > 0 and side % NETWORK_STRIDE == 0 for side in value)


_TYPES: dict[object, tuple[Callable[[Any], bool], str]] = {
    bool: (lambda value: isinstance(value, bool), "it must be true or false"),
    int: (_is_whole, "it must be a whole number"),
    float: (_is_number, "it must be a number"),
    str: (lambda value: isinstance(value, str), "it must be a name"),
    WeightDtype: (
        lambda value: value in WEIGHT_DTYPES,
        f"it must be {', '.join(WEIGHT_DTYPES[:-1])} or {WEIGHT_DTYPES[-1]}",
    ),
    tuple[str, ...]: (
        lambda value: isinstance(value, tuple) and all(isinstance(name, str) for name in value),
        "it must be a list of names",
    ),
    tuple[int, int, int]: (
        _is_size,
        f"it needs three sides, each a multiple of {NETWORK_STRIDE}, the network's stride",
    ),
}


def _at_least(config: object, least: int, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(config, name) < least:
            raise ConfigError(name, getattr(config, name), f"it must be at least {least}")


def _above_0(config: object, names: tuple[str, ...]) -> None:
    for name in names:
        if getattr(config, name) <= 0:
            raise ConfigError(name, getattr(config, name), "it must be above 0")


def _shares(config: object, names: tuple[str, ...]) -> None:
    for name in names:
        if not 0 <= getattr(config, name) <= 1:
            raise ConfigError(name, getattr(config, name), "it must lie between 0 and 1")
