"""Say in words what tuning chose for each organ; from what `tune.json` says."""

from collections.abc import Mapping
from typing import Any

from omentum.tune.one_standard_error import LEAST_PATIENTS
from omentum.volumes.labels import organ

__all__ = ["choices_in_words"]


def choices_in_words(story: Mapping[str, Any]) -> list[str]:
    """Give a line for each organ: what was chosen, with its gain, or why it was kept as it was.

    Args:
        story: Of a tuning, as in `tune.json`; without choices there is no line.

    Example:
        >>> choices_in_words({"choices": [{"organ": "liver", "is_changed": False, "n_patients": 1}]})
        ['Liver: kept as it was; 1 patient has a mask of it that people vouch for, and it takes 2 to tell']
    """
    return [_line(one) for one in story.get("choices", ())]


def _line(choice: Mapping[str, Any]) -> str:
    name, n_patients = organ(choice["organ"]).display_name, choice["n_patients"]
    if choice["is_changed"] and choice["trainable"] is None:
        return f"{name}: new, learned from {_patients(n_patients)}"
    if n_patients < LEAST_PATIENTS:
        have = "has" if n_patients == 1 else "have"
        seen = f"{_patients(n_patients)} {have} a mask of it that people vouch for"
        return f"{name}: kept as it was; {seen}, and it takes {LEAST_PATIENTS} to tell"
    error = f"{choice['standard_error']:.4f}"
    if not choice["is_changed"]:
        best = f"the best child gained {choice['gain']:+.4f} Dice"
        rule = f"not more than one standard error ({error}; {choice['threshold']:.4f} for so few)"
        return f"{name}: kept as it was; {best}, {rule}, on {_patients(n_patients)} unseen by it"
    way = f"{choice['trainable']} with pull {choice['pull']:g}, {choice['share']:.0%} of the way"
    gain = f"gained {choice['gain']:+.4f} Dice (standard error {error})"
    return f"{name}: {way}; {gain} on {_patients(n_patients)} unseen by it"


def _patients(number: int) -> str:
    return f"{number} patient{'' if number == 1 else 's'}"
