"""The settings between which tuning chooses, ranked; made by `training/rank_tuning.py`."""

from dataclasses import dataclass

from omentum.tune.config import ADAPTERS
from omentum.tune.fit_copies import Fit

__all__ = ["FEW_PATIENTS", "NEW_ORGAN", "RANKED", "SHARES", "FitSetting", "fit_for", "settings_for"]

FEW_PATIENTS = 16
"""Below so many revised patients, few settings are tried: the best of many is good by chance."""
MANY_PATIENTS = 32
"""From so many on, more steps are worth their time."""
SHARES = (0.25, 0.5, 0.75, 1.0)
"""How far from parent to child the weights go; tried on the same predictions, so that they cost nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSetting:
    """One way to fit an organ.

    Attributes:
        trainable: `heads` or `heads+adapters`.
        pull: Strength of the pull towards the parent's weights; see `fit_copies`.
    """

    trainable: str
    pull: float

    @property
    def is_adapted(self) -> bool:
        """Whether an adapter learns too."""
        return self.trainable == ADAPTERS

    def __str__(self) -> str:
        """Name it for people.

        Example:
            >>> str(FitSetting(trainable="heads", pull=0.01))
            'heads, pull 0.01'
        """
        return f"{self.trainable}, pull {self.pull:g}"


RANKED = (
    FitSetting(trainable=ADAPTERS, pull=0.05),
    FitSetting(trainable=ADAPTERS, pull=0.01),
    FitSetting(trainable="heads", pull=0.01),
)
"""The best first, by the mean gain on judged patients of the development sites."""


def settings_for(n_patients: int) -> tuple[FitSetting, ...]:
    """Give the settings that are tried for so many revised patients."""
    return RANKED[:4] if n_patients < FEW_PATIENTS else RANKED


NEW_ORGAN = (FitSetting(trainable=ADAPTERS, pull=0.0), Fit(steps=400, gain_noise=0.0, drop_share=0.0))
"""How an organ is fitted that its parent did not know: for longer, as its head is not yet of it."""


def fit_for(n_patients: int) -> Fit:
    """Give how all settings are fitted for so many revised patients."""
    return Fit() if n_patients < MANY_PATIENTS else Fit(steps=300)
