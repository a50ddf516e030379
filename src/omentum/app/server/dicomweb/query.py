"""Read what a search asks for, and match it against the attributes of an answer.

Source:
    DICOM PS3.18, 8.3.4 and 10.6; matching as in PS3.4, C.2.2.2: single values, lists of UIDs, wildcards,
    ranges of dates and times. An empty value and `*` match everything.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset
from starlette.exceptions import HTTPException

__all__ = ["MOST_RESULTS", "Query", "matches", "read_query"]

MOST_RESULTS = 1000
_OTHERS = ("limit", "offset", "fuzzymatching", "includefield")
_RANGES = ("DA", "TM", "DT")
_WILDCARDS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
_NO_FUZZY = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
_MORE = (
    "The number of results exceeded the maximum supported by the server. Additional results can be requested."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a search asks for.

    Attributes:
        wanted: Values by keyword, without those that match everything.
        limit: Most results.
        offset: Results that are passed over.
        warnings: Sentences about what was not done as asked.
    """

    wanted: Mapping[str, str] = field(default_factory=dict)
    limit: int = MOST_RESULTS
    offset: int = 0
    warnings: tuple[str, ...] = ()

    def uids(self, keyword: str) -> tuple[str, ...] | None:
        """Give the UIDs that are asked for; `None` where any will do."""
        text = self.wanted.get(keyword)
        return None if text is None else tuple(_listed(text))

    def without(self, keywords: Iterable[str]) -> Mapping[str, str]:
        """Give what is wanted of other attributes."""
        left = set(keywords)
        return {keyword: value for keyword, value in self.wanted.items() if keyword not in left}


def read_query(parameters: Iterable[tuple[str, str]], *, known: Iterable[str]) -> Query:
    """Read the parameters of a search; all attributes are in every answer, whatever `includefield` says.

    Args:
        parameters: Names and values, as they were sent.
        known: Keywords that can be matched; others are left out, and said.

    Raises:
        HTTPException: 400: a name is no attribute, or a number is none.
    """
    parameters = list(parameters)
    wanted: dict[str, str] = {}
    unsupported = []
    for name, value in parameters:
        if name.lower() in _OTHERS or value in ("", "*"):
            continue
        keyword = _keyword(name)
        if keyword in set(known):
            wanted[keyword] = value
        else:
            unsupported.append(name)
    plain = {name.lower(): value for name, value in parameters}
    warnings = [_NO_FUZZY] if plain.get("fuzzymatching", "").lower() == "true" else []
    warnings += [f"{name} is not supported, and was not matched." for name in unsupported]
    limit = _number(plain, "limit", MOST_RESULTS)
    if limit > MOST_RESULTS:
        warnings.append(_MORE)
    return Query(
        wanted=wanted,
        limit=min(limit, MOST_RESULTS),
        offset=_number(plain, "offset", 0),
        warnings=tuple(warnings),
    )


def matches(made: Dataset, wanted: Mapping[str, str]) -> bool:
    """Tell whether the attributes of an answer are those that are wanted."""
    return all(_fits(keyword, _values(made, keyword), text) for keyword, text in wanted.items())


def _values(made: Dataset, keyword: str) -> list[str]:
    value: Any = made.get(keyword)
    several = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
    return [str(one) for one in several if one not in (None, "")]


def _fits(keyword: str, values: list[str], text: str) -> bool:
    vr = dictionary_VR(keyword)
    if vr == "UI":
        return any(value in _listed(text) for value in values)
    if vr in _RANGES and "-" in text:
        low, _, high = text.partition("-")
        return any((not low or value >= low) and (not high or value <= high) for value in values)
    if vr in _WILDCARDS:
        patterns = _listed(text) if vr == "CS" else [text]
        return any(_like(pattern, value) for pattern in patterns for value in values)
    return text in values


def _like(pattern: str, value: str) -> bool:
    if not {"*", "?"} & set(pattern):
        return value.rstrip("^") == pattern.rstrip("^")
    return fnmatchcase(value.lower(), pattern.lower().replace("[", "[[]"))


def _listed(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,\\]", text) if one.strip()]


def _keyword(name: str) -> str:
    """Give the keyword of an attribute that is named by it or by its tag; a nested one stays as it is."""
    if re.fullmatch(r"[0-9A-Za-z]{1,64}(\.[0-9A-Za-z]{1,64}){1,8}", name):
        return name
    is_tag = re.fullmatch(r"[0-9A-Fa-f]{8}", name) is not None
    keyword = keyword_for_tag(int(name, 16)) if is_tag else name
    if not keyword or tag_for_keyword(keyword) is None:
        raise HTTPException(
            400, f"{name!r} is no attribute of DICOM; give its keyword or its tag as 8 digits"
        )
    return keyword


def _number(plain: Mapping[str, str], name: str, default: int) -> int:
    text = plain.get(name, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise HTTPException(400, f"{name} is {text!r}; give a whole number from 0")
    return int(text)
