"""Average agreements by organ and over organs, and put rounds side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omentum.evaluate.agreement import OrganAgreement
from omentum.volumes.labels import organs_named

__all__ = ["ComparedOrgan", "OrganMeans", "Summary", "best_places", "mean", "side_by_side", "summarised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganMeans:
    """Means of one organ over the cases where it can be compared.

    Attributes:
        organ: The organ.
        n_cases: Cases with a voxel of it in prediction or reference.
        dice: Mean Dice; `None` without such a case.
        surface_dice: Mean surface Dice; `None` without such a case.
    """

    organ: str
    n_cases: int
    dice: float | None
    surface_dice: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Means of one round.

    Attributes:
        organs: One entry an organ, by rising index.
        n_cases: Cases that were compared.
        dice: Mean over the organs' means, so that a rare organ counts as much as a frequent one.
        surface_dice: The same of surface Dice.
    """

    organs: tuple[OrganMeans, ...]
    n_cases: int
    dice: float | None
    surface_dice: float | None

    def of(self, organ: str) -> OrganMeans | None:
        """Find one organ's means; `None` where it was not compared."""
        return next((one for one in self.organs if one.organ == organ), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedOrgan:
    """One organ (or all, where `organ` is `None`) in several rounds, in the order given."""

    organ: str | None
    n_cases: tuple[int, ...]
    dice: tuple[float | None, ...]
    surface_dice: tuple[float | None, ...]


def mean(values: Iterable[float | None]) -> float | None:
    """Average what there is; `None` where there is nothing.

    Example:
        >>> mean([0.5, None, 1.0]), mean([None])
        (0.75, None)
    """
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else None


def summarised(agreements: Iterable[OrganAgreement]) -> Summary:
    """Average agreements an organ, and over the organs; `None` is left out."""
    rows = list(agreements)
    names = [row.name for row in organs_named({one.organ for one in rows})]
    organs = tuple(_organ_means(name, [one for one in rows if one.organ == name]) for name in names)
    return Summary(
        organs=organs,
        n_cases=len({one.case_id for one in rows}),
        dice=mean(one.dice for one in organs),
        surface_dice=mean(one.surface_dice for one in organs),
    )


def side_by_side(summaries: Sequence[Summary | None]) -> list[ComparedOrgan]:
    """Put rounds beside each other, one row an organ and a last row over all; `None` was not evaluated.

    Returns:
        Rows by rising organ index; the last has `organ=None`. Empty where no round was evaluated.
    """
    known = {one.organ for summary in summaries if summary for one in summary.organs}
    names = [row.name for row in organs_named(known)]
    rows = [_compared(name, [one.of(name) if one else None for one in summaries]) for name in names]
    return [*rows, _compared(None, summaries)] if rows else []


def best_places(values: Sequence[float | None], digits: int = 3) -> frozenset[int]:
    """Find where the greatest value is, equals as far as they are shown; nowhere if one is all there is.

    Example:
        >>> sorted(best_places([0.5, 0.9001, None, 0.9])), sorted(best_places([0.5, None]))
        ([1, 3], [])
    """
    shown = {place: round(value, digits) for place, value in enumerate(values) if value is not None}
    if len(shown) < 2:
        return frozenset()
    return frozenset(place for place, value in shown.items() if value == max(shown.values()))


def _organ_means(organ: str, rows: Sequence[OrganAgreement]) -> OrganMeans:
    return OrganMeans(
        organ=organ,
        n_cases=sum(one.dice is not None for one in rows),
        dice=mean(one.dice for one in rows),
        surface_dice=mean(one.surface_dice for one in rows),
    )


def _compared(organ: str | None, found: Sequence[OrganMeans | Summary | None]) -> ComparedOrgan:
    return ComparedOrgan(
        organ=organ,
        n_cases=tuple(one.n_cases if one else 0 for one in found),
        dice=tuple(one.dice if one else None for one in found),
        surface_dice=tuple(one.surface_dice if one else None for one in found),
    )
