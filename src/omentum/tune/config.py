"""Settings of tuning, which are checked before any volume is read; written as `tune.json`."""

from typing import Annotated, Any, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from omentum.choices import REPLAY_RULES, TRAINABLE
from omentum.config import ConfigModel, one_of
from omentum.errors import ConfigError
from omentum.networks.precision import WeightDtype

__all__ = ["ADAPTERS", "CHOSEN", "ContinualConfig", "FullConfig"]

NETWORK_STRIDE = 16
ADAPTERS = TRAINABLE[1]
CHOSEN = TRAINABLE[2]
_SPACING_MM = (0.5, 20.0)
_PUBLISHED = {
    "spacing_mm": 1.5,
    "patch_voxels": (96, 96, 96),
    "learning_rate": 1e-4,
    "weight_decay": 1e-5,
}
"""Liu et al. 2023, arXiv:2301.00785, section 4; the starter's rate is far too fast for them."""
_OF_ARCHITECTURE = {"universal-unet": _PUBLISHED, "universal-swinunetr": _PUBLISHED}

_BY_HAND = {"steps": 400, "learning_rate": 5e-3, "average_decay": 0.0}
"""Settings of a fit, with their defaults: where one is set, that fit is made and nothing is chosen."""
_WHERE_CHOSEN = {
    "samples_per_class": 4_000,
    "around_mm": 20.0,
    "augmented_copies": 0,
    "predicted_weight": 0.01,
}
"""Defaults that differ where the settings of a fit are chosen: more organs and more cases are cached, with
all that adapters read."""

_Share = Annotated[float, Field(ge=0, le=1)]
_Side = Annotated[int, Field(gt=0, multiple_of=NETWORK_STRIDE)]
_Sides = Annotated[tuple[_Side, _Side, _Side], Field(strict=False)]
_Names = Annotated[tuple[str, ...], Field(strict=False)]
"""TOML has lists and no tuples."""


class FullConfig(
    ConfigModel, frozen=True, strict=True, allow_inf_nan=False, title="the settings of `--mode full`"
):
    """How all weights are trained.

    Example:
        >>> FullConfig(architecture="universal-unet", steps=10).learning_rate
        0.0001
    """

    start: Annotated[str, one_of(("fresh", "parent"))] = "fresh"
    """From `fresh` weights, or from those of the `parent`, the network that predicts in this round."""
    architecture: str = "starter"
    """Of fresh weights: `starter`, `universal-unet`, `universal-swinunetr`; so is `window_voxels`."""
    spacing_mm: float = 0.0
    """Edge of the cubic voxels that the network sees; 0 is the parent's, and 3 mm for fresh weights."""
    window_voxels: _Sides = (96, 96, 96)
    """Size of a window in prediction, `(x, y, z)`."""
    steps: PositiveInt = 1000
    batch_size: PositiveInt = 2
    """Patches a step, on each device."""
    devices: PositiveInt = 1
    """How many share each step."""
    patch_voxels: _Sides = (96, 80, 64)
    """Size of a training patch, `(x, y, z)`, in the network's voxels."""
    learning_rate: PositiveFloat = 2e-3
    """Peak rate of AdamW, reached once warm-up ends."""
    warm_up_share: _Share = 0.05
    """Share of the steps over which the rate rises; then it falls as a cosine."""
    weight_decay: NonNegativeFloat = 1e-4
    heads_rate: PositiveFloat = 1.0
    """Factor of the rate for the heads of the organs."""
    foreground_share: _Share = 0.75
    """Share of patches whose centre is drawn from an organ, each organ equally likely."""
    rendered_share: _Share = 0.0
    """Share of patches from patients made up on the fly, from formulas and from `--anatomy` label maps."""
    made_share: _Share = 0.3
    """Share of those whose anatomy is made of formulas; all, where there is no label map."""
    pool_cases: PositiveInt = 24
    """How many of them are at hand at a time."""
    pool_steps: PositiveInt = 3
    """Steps between one and the next, which takes the place of the oldest."""
    blur_share: _Share = 0.2
    """Share of patches that are blurred a little."""
    coarse_share: _Share = 0.2
    """Share of patches that are seen as if slices were up to three times as thick, along any axis."""
    predicted_weight: _Share = 0.3
    """What a predicted label counts in the loss; original and revised ones count 1."""
    average_decay: _Share = 0.99
    """Of the running mean of the weights, which is what is kept in the end."""
    checkpoint_every: PositiveInt = 100
    validate_every: NonNegativeInt = 100
    """Steps between looks at the patients kept for evaluation; 0 never looks."""
    patience: NonNegativeInt = 5
    """Looks in a row without a better Dice after which training stops; 0 goes on to the last step. Either way
    the weights of the best look are kept."""
    recompute: bool = False
    """Forget what is inside the parts of a published network, and compute it again for the gradient: a third
    more time for a fraction of the memory."""
    kept_as: WeightDtype = "float32"
    """Numbers in which the weights are kept: `float16` takes half the room, `int8` a quarter."""
    seed: NonNegativeInt = 0

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_architecture(cls, said: dict[str, Any]) -> dict[str, Any]:
        architecture = said.get("architecture")
        defaults = _OF_ARCHITECTURE.get(architecture, {}) if isinstance(architecture, str) else {}
        return {**defaults, **said}

    @field_validator("spacing_mm")
    @classmethod
    def _is_a_spacing(cls, spacing_mm: float) -> float:
        if spacing_mm and not _SPACING_MM[0] <= spacing_mm <= _SPACING_MM[1]:
            raise ValueError(f"it must be 0, or from {_SPACING_MM[0]:g} to {_SPACING_MM[1]:g}")
        return spacing_mm


class ContinualConfig(
    ConfigModel, frozen=True, strict=True, allow_inf_nan=False, title="the settings of `--mode continual`"
):
    """How the heads of revised organs are tuned on a frozen trunk."""

    organs: _Names = ()
    """Organs to tune on every mask that people vouch for, instead of those revised in this round."""
    trainable: Annotated[str, one_of(TRAINABLE)] = CHOSEN
    """`heads`; `heads+adapters`: each organ also learns from the features before their reduction to 8; or
    `chosen`: either or nothing, organ by organ, by cross-validation over the patients. `heads` where steps,
    learning_rate or average_decay are given and this is not."""
    steps: PositiveInt = int(_BY_HAND["steps"])
    learning_rate: PositiveFloat = _BY_HAND["learning_rate"]
    """Peak rate of AdamW, from which it falls as a cosine."""
    samples_per_class: PositiveInt = 20_000
    """Most voxels a case and organ, of each kind: inside, near the border, elsewhere; `chosen`: 4,000."""
    shell_mm: PositiveFloat = 5.0
    """How far from the organ the voxels of its surroundings are drawn."""
    around_mm: NonNegativeFloat = 0.0
    """Voxels outside the shell and this near are a kind of their own; 20 where `chosen`."""
    augmented_copies: NonNegativeInt = 1
    """How many varied copies of each case the trunk sees, beside the case as it is; 0 where `chosen`."""
    cache_gb: PositiveFloat = 20.0
    """Most room that features take on disk; those of earlier runs go first."""
    average_decay: _Share = _BY_HAND["average_decay"]
    """Of the running mean of the weights, which is what is kept in the end; with 0 the last ones are."""
    replay_share: _Share = 0.25
    """Share of earlier cases of the same organ that is replayed, in [0, 1]."""
    replay_by: Annotated[str, one_of(REPLAY_RULES)] = "importance"
    """Which: the most important ones (`importance`), any (`random`), or `none`."""
    replay_limit: PositiveInt = 3
    """Most cases that are replayed for each case revised, so that replay does not drown the revisions."""
    replay_least: NonNegativeInt = 5
    """Cases that are replayed whatever share and limit say, as far as there are so many: what one or two
    patients teach a head is not what holds for the others. With share 0 and by rule `none` none is."""
    predicted_weight: _Share = 0.3
    """What a predicted label counts in the loss; original and revised ones count 1; `chosen`: 0.01, of the
    parent's probabilities."""
    kept_as: WeightDtype = "float32"
    """Numbers in which the weights are kept: `float16` takes half the room, `int8` a quarter."""
    seed: NonNegativeInt = 0

    @model_validator(mode="before")
    @classmethod
    def _chosen_unless_given(cls, said: dict[str, Any]) -> dict[str, Any]:
        trainable = said.get("trainable", "heads" if _BY_HAND.keys() & said.keys() else CHOSEN)
        defaults = _WHERE_CHOSEN if trainable == CHOSEN else {}
        return {**defaults, "trainable": trainable, **said}

    @model_validator(mode="after")
    def _nothing_given_is_chosen(self) -> Self:
        if self.trainable != CHOSEN:
            return self
        for name, default in _BY_HAND.items():
            if getattr(self, name) != default:
                rule = f"it goes with trainable heads or heads+adapters; {CHOSEN} chooses it"
                raise ConfigError(name, getattr(self, name), rule)
        return self
