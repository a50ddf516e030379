"""In which numbers may weights be kept? Told here, without PyTorch, for settings name them too."""

from typing import Literal, get_args

__all__ = ["NUMBERS", "Numbers"]

Numbers = Literal["float32", "float16", "int8"]
"""4, 2 or 1 bytes a weight; computing is in float32, whichever it is."""
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
