"""Find the organ that a name in words means, in the spellings of other programs and data sets.

Source:
    Structures as TG-263 names them: Mayo et al. 2018, International Journal of Radiation Oncology, Biology,
    Physics 100(4). What follows a `^` there is free text; `~` is a part of an organ, and digits are a margin.
"""

import re
from functools import cache

from omentum.volumes.labels import ORGANS, PAIRS, organ
from omentum.volumes.totalsegmentator import STRUCTURES

__all__ = ["is_generic_name", "organ_in_words", "organ_or_pair_in_words", "pair_in_words", "words_of"]

_ALIASES = {
    "gall_bladder": ["gall"],
    "esophagus": ["oesophagus"],
    "aorta": ["arota", "a aorta"],  # in the label lists of AMOS22; as TG-263 names it
    "postcava": ["ivc", "v venacava i", "v vena cava i"],
    "celiac_trunk": ["celiac artery", "celiac truck", "a celiac"],
    "kidney_right": ["rk", "rkid", "rkidney"],
    "kidney_left": ["lk", "lkid", "lkidney"],
    "adrenal_gland_right": ["rag", "right adrenal", "glnd adrenal r"],
    "adrenal_gland_left": ["lag", "left adrenal", "glnd adrenal l"],
    "colon": ["large bowel", "large intestine"],
    "intestine": ["small intestine"],
    "femur_right": ["head of femur right", "femur head r"],
    "femur_left": ["head of femur left", "femur head l"],
}
_PAIR_NAMES = {
    "kidney": ["kidney", "kidneys"],
    "lung": ["lung", "lungs"],
    "adrenal_gland": ["adrenal gland", "adrenals"],
    "femur": ["femur head", "femurs head", "head of femur", "head of femurs", "femoral head"],
}
_SAME_WORDS = {"l": "left", "r": "right", "lt": "left", "rt": "right"} | {
    "tumour": "tumor", "tumours": "tumor", "tumors": "tumor", "cysts": "cyst", "glands": "gland",
    "heads": "head", "vessels": "vessel", "coeliac": "celiac",
}  # fmt: skip
_WHOLE_BONES = ("femur_left", "femur_right")
"""Most data sets give these names to whole bones, so the names do not mean the heads."""
_BOTH = frozenset({"both", "bilateral"})
_PLAIN = re.compile(r"[A-Za-z][A-Za-z_\-., /()]*")
"""Other characters stand for a part of an organ, a margin around it, one of several drafts, or words that are
not read here and may change what is meant."""
_NEW_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")
_GENERIC = re.compile(r"(?:segment(?:ation)?|label|region|roi|mask)?[ _.-]*\d*", re.IGNORECASE)


def organ_in_words(text: str) -> str | None:
    """Find the organ that a text names, in any order of its words; `None` if it names none.

    Names with digits or other characters than letters name none: `Liver+5` is a margin, `liver2` a draft.

    Example:
        >>> organ_in_words("Kidney, left"), organ_in_words("UrinaryBladder"), organ_in_words("Femur R")
        ('kidney_left', 'bladder', None)
        >>> organ_in_words("Pancreas^manual"), organ_in_words("Liver+5"), organ_in_words("liver wall")
        ('pancreas', None, None)
    """
    return _organs().get(words_of(text))


def pair_in_words(text: str) -> str | None:
    """Find the pair that a text names without a side; `None` if it names none.

    Example:
        >>> pair_in_words("Kidneys"), pair_in_words("adrenal_gland"), pair_in_words("kidney_left")
        ('kidney', 'adrenal_gland', None)
        >>> pair_in_words("femurs"), pair_in_words("femoral heads")
        (None, 'femur')
    """
    return _pairs().get(words_of(text) - _BOTH)


def organ_or_pair_in_words(text: str) -> str | None:
    """Find the organ, or else the pair, that a text names."""
    return organ_in_words(text) or pair_in_words(text)


def is_generic_name(name: str | None) -> bool:
    """Tell whether a name is one that programs give, which says nothing.

    Example:
        >>> is_generic_name("Segment_1"), is_generic_name("Label 2"), is_generic_name("liver")
        (True, True, False)
    """
    return name is None or _GENERIC.fullmatch(name.strip()) is not None


def words_of(text: str) -> frozenset[str]:
    """Give the words of a name, spelled in one way; none if it has other characters than a plain name."""
    plain = text.partition("^")[0].strip()
    if not _PLAIN.fullmatch(plain):
        return frozenset()
    words = re.findall(r"[a-z]+", _NEW_WORD.sub(" ", plain).casefold())
    return frozenset(_SAME_WORDS.get(word, word) for word in words)


@cache
def _organs() -> dict[frozenset[str], str]:
    """Give the organ that each set of words names."""
    names = {row.name: [row.name, row.display_name, *_ALIASES.get(row.name, ())] for row in ORGANS}
    for organ_name, parts in STRUCTURES.items():
        if len(parts) == 1:
            names[organ_name] += parts
    found = {words_of(name): organ(key).name for key, all_names in names.items() for name in all_names}
    for name in _WHOLE_BONES:
        del found[words_of(name)]
    return found


@cache
def _pairs() -> dict[frozenset[str], str]:
    """Give the pair that each set of words names; pairs of `more_organs/` have their own name."""
    names = {pair: _PAIR_NAMES.get(pair, [pair]) for pair in PAIRS}
    return {words_of(name): pair for pair, all_names in names.items() for name in all_names}
