"""The settings between which tuning chooses, ranked; made by `training/rank_tuning.py`."""

from dataclasses import dataclass, replace

from omentum.tune.config import ADAPTERS
from omentum.tune.fit_copies import Fit

__all__ = ["NEW_ORGAN", "SCHEDULES", "FitSetting", "Schedule", "schedule_for"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """What is tried for a number of patients, and how all of it is fitted.

    Attributes:
        least: Patients from which on it holds.
        settings: The best first.
        fit: Of all of them.
        shares: How far from parent to child the weights go. All are judged on the same fits.
    """

    least: int
    settings: tuple[FitSetting, ...]
    fit: Fit
    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

    def by_part(self) -> "list[Schedule]":
        """Split it into those that train the same parts, heads alone first."""
        parts: dict[bool, list[FitSetting]] = {
            one.is_adapted: [] for one in sorted(self.settings, key=lambda one: one.is_adapted)
        }
        for one in self.settings:
            parts[one.is_adapted].append(one)
        return [replace(self, settings=tuple(own)) for own in parts.values()]


_WITHOUT_NOISE: dict[str, float] = {"gain_noise": 0.0, "drop_share": 0.0}
_FREE = FitSetting(trainable=ADAPTERS, pull=0.01)
_PULLED = FitSetting(trainable=ADAPTERS, pull=0.2)
_HEADS = FitSetting(trainable="heads", pull=0.003)
SCHEDULES = (
    Schedule(least=0, settings=(_FREE, _PULLED, _HEADS), fit=Fit(), shares=(0.25, 0.5, 0.75)),
    Schedule(least=8, settings=(_FREE, _PULLED, _HEADS), fit=Fit(steps=200, **_WITHOUT_NOISE)),
    Schedule(least=32, settings=(_FREE, _HEADS), fit=Fit(steps=400, **_WITHOUT_NOISE)),
)
"""The settings are ranked by the mean gain on judged patients of the development sites. Below 16 patients
there are at most four: the best of many is good by chance. Below 8 no child goes all the way: in one of
nine organs that was worse on judged patients, and three quarters of the way never (decision 51). Noise helps
where patients are few, and more steps where they are many."""
NEW_ORGAN = (FitSetting(trainable=ADAPTERS, pull=0.0), Fit(steps=400, **_WITHOUT_NOISE))
"""How an organ is fitted that its parent did not know: for longer, as its head is not yet of it."""


def schedule_for(n_patients: int) -> Schedule:
    """Give what is tried for so many revised patients.

    Example:
        >>> len(schedule_for(4).settings), schedule_for(40).fit.steps
        (3, 400)
    """
    return [one for one in SCHEDULES if one.least <= n_patients][-1]
