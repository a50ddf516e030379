"""Share equal files between releases by hard links, each checked by its hash.

Releases are read-only, so neither can change the other; no file outside of releases is ever linked.
"""

import os
import shutil
from pathlib import Path

from omentum.assemble.inputs import CaseInputs
from omentum.assemble.lineage import LINEAGE_NAME, Lineage, input_hashes, read_lineage
from omentum.errors import UnreadableImageError
from omentum.volumes.atomic import flushed_together, writing
from omentum.volumes.file_hash import file_sha256

__all__ = ["link_equal_files", "link_whole_case"]


def link_whole_case(inputs: CaseInputs, earlier: Path, folder: Path) -> bool:
    """Link all files of a case if it was assembled from these very inputs before; tell whether it was."""
    if not (earlier / LINEAGE_NAME).is_file():
        return False
    lineage = read_lineage(earlier)
    if lineage["inputs"] != input_hashes(inputs):
        return False
    names = sorted(lineage["files"])
    if not all(_is(earlier / name, lineage["files"][name]) for name in names):
        return False
    with flushed_together():
        if not all(_link(earlier / name, folder / name) for name in names):
            shutil.rmtree(folder)
            return False
    return _link(earlier / LINEAGE_NAME, folder / LINEAGE_NAME)


def link_equal_files(lineage: Lineage, earlier: Path, folder: Path) -> list[str]:
    """Replace files of an assembled case by links to equal ones of an earlier release; give their names."""
    if not (earlier / LINEAGE_NAME).is_file():
        return []
    before = read_lineage(earlier)["files"]
    equal = [name for name, sha256 in lineage["files"].items() if before.get(name) == sha256]
    return [
        name
        for name in equal
        if _is(earlier / name, lineage["files"][name]) and _link(earlier / name, folder / name)
    ]


def _is(path: Path, sha256: str) -> bool:
    try:
        return file_sha256(path) == sha256
    except UnreadableImageError:
        return False


def _link(earlier: Path, path: Path) -> bool:
    """Link a file, whole or not at all; tell whether this disk can."""
    try:
        with writing(path) as part:
            os.link(earlier, part)
    except OSError:  # no links here, too many of one file, or another disk
        return False
    return True
