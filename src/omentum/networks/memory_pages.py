"""Let the memory that networks compute in come in large pages, and be used again by the next step.

Otherwise the arrays of each layer go back to the system and are fetched anew, in pages of 4 kB, each of which
the system clears first: a quarter of a network's time on a virtual machine.
"""

import ctypes
import os
import sys
from functools import cache

__all__ = ["use_large_pages"]

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""What `mallopt` of the GNU C library calls them (malloc.h)."""
_LARGEST_KEPT = 32 << 20
"""Bytes of an array that is taken from memory which the process keeps; the most that the library allows."""
_MOST_KEPT = (1 << 31) - 1
"""Bytes that the process keeps at most."""


@cache
def use_large_pages() -> None:
    """Do so from now on in this process and those that it begins; on other systems than Linux, nothing.

    PyTorch looks at its setting once, before its first array. Who set it already is left alone.
    """
    if sys.platform != "linux":
        return
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # the GNU C library; others have none
        mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, _MOST_KEPT)
