"""Which code made this? A name for all of it, so that nothing made by other code is taken for the same.

In:  rooms of the package; files.
Out: a hash of their text.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import omentum

__all__ = ["code_sha256"]


def code_sha256(rooms: Iterable[str], files: Iterable[Path] = ()) -> str:
    """Hash the modules of rooms of the package, and files beside them."""
    package = Path(omentum.__file__).parent
    digest = hashlib.sha256()
    for path in (*(one for room in rooms for one in sorted((package / room).glob("*.py"))), *files):
        digest.update(path.read_bytes())
    return digest.hexdigest()
