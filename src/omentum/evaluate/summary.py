"""Average agreements by organ and over organs, and put rounds side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from omentum.evaluate.agreement import OrganAgreement
from omentum.volumes.labels import organs_named

__all__ = ["Means", "OrganMeans", "Summary", "best_places", "mean", "side_by_side", "summarised"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganMeans:
    """Means of one organ over the cases where it can be compared.

    Attributes:
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


Means = OrganMeans | Summary


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


def side_by_side(summaries: Sequence[Summary | None]) -> dict[str | None, list[Means | None]]:
    """Put rounds beside each other, by organ and, under `None`, over all organs.

    Returns:
        By rising organ index, all organs last; `None` in a round that did not compare it. Empty where no
        round was evaluated.
    """
    known = {one.organ for summary in summaries if summary for one in summary.organs}
    rows: dict[str | None, list[Means | None]] = {
        row.name: [one.of(row.name) if one else None for one in summaries] for row in organs_named(known)
    }
    return {**rows, None: list(summaries)} if rows else {}


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
