"""How shall networks predict? Settled and checked before any CT is read.

In:  what somebody asks for.
Out: a `Manner`; two predictions made in the same manner, by the same weights, of the same CT are equal.
"""

from dataclasses import dataclass
from typing import Any

from omentum.networks.window import window_starts
from omentum.predict.postprocess.recipes import rules_of
from omentum.project.settings import POSTPROCESSING

__all__ = ["Manner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How networks predict.

    Attributes:
        overlap: Least share of a window that the next one repeats, in [0, 1); the recipe's where `None`: 0.5,
            and 0.75 as published.
        numbers: Those that trunks compute in; see `omentum.networks.precision`.
        recipe: Of post-processing; see `omentum.predict.postprocess.recipes`. With `published` the grids and
            the way back from them are the published ones too.
        without: Rules of the recipe to leave out.

    Raises:
        ConfigError: A value cannot be used.

    Example:
        >>> Manner(recipe="published").windows
        0.75
    """

    overlap: float | None = None
    numbers: str = "auto"
    recipe: str = "default"
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no network could do."""
        left = rules_of(self.recipe, self.without)
        window_starts(1, 1, self.windows)
        in_order = tuple(name for name in rules_of(self.recipe) if name not in left)
        object.__setattr__(self, "without", in_order)

    @property
    def windows(self) -> float:
        """The overlap of windows."""
        return POSTPROCESSING[self.recipe] if self.overlap is None else self.overlap

    @property
    def is_published(self) -> bool:
        """Whether all is done as published."""
        return self.recipe == "published"

    def settings(self, numbers: str) -> dict[str, Any]:
        """Give all that decides what a prediction is, for JSON; `numbers` are those that were chosen."""
        without = list(self.without)
        return {"overlap": self.windows, "numbers": numbers, "recipe": self.recipe, "without": without}
