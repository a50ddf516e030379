"""List the organs that each public data set annotates itself, which the published attention does not score.

Data sets have the numbers of the published folder names: `04`, or `10_06` for task 6 of the Decathlon.

Source: Qu et al. 2023, arXiv:2305.09666, and the lists of their code.
"""

from omentum.errors import ConfigError
from omentum.volumes.labels import ORGANS

__all__ = ["is_without_inconsistency", "organs_to_score", "targets"]

_ALL = frozenset({1, 2, 3, 4, 6, 7, 8, 9, 11})
_MOST = frozenset({1, 2, 3, 4, 6, 7, 11})
_ANNOTATED: dict[str, frozenset[int]] = {
    "01": _ALL,
    "01_2": frozenset({1, 3, 4, 6, 7, 11}),
    "02": frozenset({1, 3, 4, 6, 7, 11}),
    "03": frozenset({6}),
    "04": frozenset({6}),
    "05": frozenset({2, 3}),
    "06": _MOST,
    "07": _MOST,
    "08": frozenset({1, 2, 3, 6, 11}),
    "09": _ALL,
    "10_03": frozenset({6}),
    "10_06": frozenset(),
    "10_07": frozenset({11}),
    "10_08": frozenset(),
    "10_09": frozenset({1}),
    "10_10": frozenset(),
    "12": frozenset({2, 3, 6}),
    "13": _ALL,
    "14": frozenset({11}),
    "15": _ALL,
    "18": _ALL,
}
"""Target organs of each data set, by the index in the label table."""


def targets() -> tuple[str, ...]:
    """Return the nine organs that the published attention scores, by rising index."""
    return tuple(row.name for row in ORGANS if row.target)


def organs_to_score(data_set: str) -> tuple[str, ...]:
    """Return the targets that a data set has not annotated itself.

    Raises:
        ConfigError: There is no data set of that number.

    Example:
        >>> organs_to_score("07")
        ('aorta', 'postcava')
    """
    if data_set not in _ANNOTATED:
        raise ConfigError("--dataset", data_set, f"the published data sets are {', '.join(_ANNOTATED)}")
    return tuple(row.name for row in ORGANS if row.target and row.index not in _ANNOTATED[data_set])


def is_without_inconsistency(data_set: str) -> bool:
    """Return whether the second score leaves inconsistency out, as for the data sets 1, 2 and 3.

    Example:
        >>> is_without_inconsistency("03"), is_without_inconsistency("10_03")
        (True, False)
    """
    return data_set[:2] in {"01", "02", "03"}
