"""Tell by its files whether a label is the one that was read before.

In:  an original label, as a data set gives it.
Out: a stamp (names, sizes and times: no file is opened) and a hash of the content; both change with what is
     asked of the label too, such as other organs or other ids.
"""

import hashlib
import json
from pathlib import Path

from omentum.exchange.importers.labels import OriginalLabel
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.read import is_volume

__all__ = ["label_sha256", "label_stamp"]


def label_stamp(label: OriginalLabel) -> str:
    """Hash names, sizes and times of a label's files, and what is asked of it.

    Raises:
        OSError: A file is not there.
    """
    seen = hashlib.sha256(_asked(label))
    for path in _files(label):
        known = path.stat()
        seen.update(f"{path.name}\0{known.st_size}\0{known.st_mtime_ns}\0".encode())
    return seen.hexdigest()


def label_sha256(label: OriginalLabel) -> str:
    """Hash the content of a label's files, and what is asked of it.

    Raises:
        UnreadableImageError: A file is not there.
    """
    seen = hashlib.sha256(_asked(label))
    for path in _files(label):
        name = path.name if label.path.is_dir() else ""  # a file may be called otherwise
        seen.update(f"{name}\0{file_sha256(path)}\0".encode())
    return seen.hexdigest()


def _files(label: OriginalLabel) -> list[Path]:
    """Give the files that may be read of a label."""
    if not label.path.is_dir():
        return [label.path]
    return sorted(path for path in label.path.iterdir() if is_volume(path) or path.suffix == ".png")


def _asked(label: OriginalLabel) -> bytes:
    scheme = label.scheme
    asked = {
        "organs": label.organs,
        "only_present": label.only_present,
        "values": {name: sorted(values) for name, values in scheme.values.items()},
        "joined": {name: sorted(values) for name, values in scheme.joined.items()},
        "others": sorted(scheme.others),
        "files": {name: list(stems) for name, stems in scheme.files.items()},
    }
    return json.dumps(asked, sort_keys=True).encode()
