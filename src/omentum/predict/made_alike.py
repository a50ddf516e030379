"""Compare what predictions are made with, whatever numbers the machines chose to compute in.

Machines differ in the numbers that they are fast with, and results differ by rounding alone. So numbers that
a machine chose never make a prediction stale; where a person asked for some, any others do.
"""

from collections.abc import Mapping
from typing import Any

__all__ = ["AUTO", "made_alike", "without_numbers"]

AUTO = "auto"
"""What is asked for where the machine chooses the numbers."""
_NUMBERS = "numbers"


def made_alike(kept: Mapping[str, Any], wanted: Mapping[str, Any], *, numbers: str = AUTO) -> bool:
    """Tell whether a prediction that is kept is the one that is wanted.

    Args:
        kept: What it was made with, as `Predictor.settings` gives it.
        wanted: What a predictor makes one with now.
        numbers: What was asked for: `AUTO`, or a type.

    Example:
        >>> here, there = {"overlap": 0.5, "numbers": "float32"}, {"overlap": 0.5, "numbers": "bfloat16"}
        >>> made_alike(there, here), made_alike(there, here, numbers="float32")
        (True, False)
    """
    if numbers != AUTO:
        return dict(kept) == dict(wanted)
    return bool(without_numbers(kept) == without_numbers(wanted))


def without_numbers(settings: Any) -> Any:
    """Give settings without the numbers, also those of the members of an average."""
    if isinstance(settings, Mapping):
        return {key: without_numbers(value) for key, value in settings.items() if key != _NUMBERS}
    if isinstance(settings, list | tuple):
        return [without_numbers(value) for value in settings]
    return settings
