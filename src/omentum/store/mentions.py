"""Replace a case's name wherever it is mentioned, in texts and in JSON."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Mentions"]


@dataclass(frozen=True, slots=True)
class Mentions:
    """How the name of a case is found and what takes its place.

    Args:
        names: The name, and former ones.
        instead: What takes their place.
        others: Names of all other cases; where one contains the name, as `a_10` does `a_1`, it stays.
        inside_texts: Whether a name is also replaced inside longer texts, such as reasons and paths;
            otherwise only where it is all that a string says, or all before its first `/`.

    Example:
        >>> mentions = Mentions(("a_1",), "b", others=("a_1-x",), inside_texts=True)
        >>> mentions.replaced({"a_1": ["like a_1-x, not a_1.nii.gz", "a_10"]})
        {'b': ['like a_1-x, not b.nii.gz', 'a_10']}
    """

    names: tuple[str, ...]
    instead: str
    others: Iterable[str] = ()
    inside_texts: bool = False

    def replaced(self, value: Any) -> Any:
        """Give a text, or what JSON holds, with each mention replaced; anything else as it is."""
        return _walked(value, self._pattern(), self.instead)

    def are_in(self, text: str) -> bool:
        """Tell whether a text mentions one of the names."""
        return any(name in text for name in self.names) and self.replaced(text) != text

    def _pattern(self) -> re.Pattern[str]:
        """Make a pattern whose group 1 is what to replace; what it matches besides that stays."""
        names = "|".join(map(re.escape, sorted(self.names, key=len, reverse=True)))
        if not self.inside_texts:
            return re.compile(rf"\A({names})(?=/|\Z)")
        longer = {one for one in self.others for name in self.names if name in one and name != one}
        kept = "".join(f"{re.escape(one)}|" for one in sorted(longer, key=len, reverse=True))
        return re.compile(rf"(?<![^\W_])(?:{kept}({names}))(?![^\W_])")


def _walked(value: Any, pattern: re.Pattern[str], instead: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: found[0] if found[1] is None else instead, value)
    if isinstance(value, list):
        return [_walked(one, pattern, instead) for one in value]
    if isinstance(value, dict):
        return {_walked(key, pattern, instead): _walked(one, pattern, instead) for key, one in value.items()}
    return value
