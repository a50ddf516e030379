"""Configure how networks predict; equal configurations, weights and CTs give equal predictions."""

from dataclasses import dataclass
from typing import Any

from omentum.errors import ConfigError
from omentum.networks.sliding_window import window_starts
from omentum.predict.postprocess.recipes import rules_of
from omentum.project.settings import POSTPROCESSING

__all__ = ["InferenceConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceConfig:
    """How networks predict.

    Attributes:
        overlap: Least share of a window that the next one repeats, in [0, 1); `None` is the recipe's: 0.5,
            and 0.75 as published.
        numbers: Data type that trunks compute in; see `omentum.networks.precision`.
        recipe: Of post-processing; `published` also uses the published grids and resampling.
        without: Rules of the recipe to leave out.
        windows_at_once: Most windows that go through the network together; `None` is the device's number.
            Only rounding differs.
        compiled: Backend by which PyTorch compiles what is computed of each window, such as `inductor` or
            `cudagraphs`; not compiled by default. Only rounding differs.

    Raises:
        ConfigError: A value cannot be used.

    Example:
        >>> InferenceConfig(recipe="published").window_overlap
        0.75
    """

    overlap: float | None = None
    numbers: str = "auto"
    recipe: str = "default"
    without: tuple[str, ...] = ()
    windows_at_once: int | None = None
    compiled: str = ""

    def __post_init__(self) -> None:
        """Check the values; put the rules to leave out in the recipe's order."""
        left = rules_of(self.recipe, self.without)
        window_starts(1, 1, self.window_overlap)
        if self.windows_at_once is not None and self.windows_at_once < 1:
            raise ConfigError("windows_at_once", self.windows_at_once, "at least 1 goes through the network")
        in_order = tuple(name for name in rules_of(self.recipe) if name not in left)
        object.__setattr__(self, "without", in_order)

    @property
    def window_overlap(self) -> float:
        """Overlap of windows: the one that is set, or the recipe's."""
        return POSTPROCESSING[self.recipe] if self.overlap is None else self.overlap

    @property
    def is_published(self) -> bool:
        """Whether the recipe is the published one."""
        return self.recipe == "published"

    @property
    def rules(self) -> dict[str, Any]:
        """Recipe and rules left out, for JSON."""
        return {"recipe": self.recipe, "without": list(self.without)}

    def settings(self, numbers: str) -> dict[str, Any]:
        """Return everything that determines a prediction but for rounding, for JSON.

        Args:
            numbers: The type that was chosen.
        """
        return {"overlap": self.window_overlap, "numbers": numbers, **self.rules}
