"""Read and write `task.json`, which says what a folder of tasks shows, to whom, and of which round.

Version 2 says for each organ which task it is and the hash of the mask that is shown, and has the hash of
each file that was exported. What an older version of the program wrote is still read.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omentum.errors import ReviewError
from omentum.project.paths import ProjectFolder, read_secret
from omentum.records import MaskSource

__all__ = [
    "TASK_NAME",
    "TASK_VERSION",
    "ShownOrgan",
    "TaskFile",
    "project_id",
    "read_task_file",
    "segments_name",
]

TASK_NAME = "task.json"
"""Written last: where it is, the export is whole."""
TASK_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownOrgan:
    """What a folder says of one organ."""

    organ: str
    task_number: int | None = None
    """`None` where an older version of the program wrote the folder."""
    base_sha256: str | None = None
    """Hash of the mask that is shown; `None` if none is."""
    base_source: MaskSource | None = None
    """Where that mask came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFile:
    """What a `task.json` says."""

    round_number: int
    case_id: str
    network: str
    """Whose masks are shown where no person drew."""
    project: str = ""
    """Id of the project; empty where an older version of the program wrote the folder."""
    holder: str = ""
    """Reader or folder that holds the tasks; empty in old folders."""
    organs: Mapping[str, ShownOrgan] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """Hash of each file that was exported, by name."""
    masks_sha256: str | None = None
    """Hash of the network's file of masks, of which `labels.nii.gz` was painted; `None` in old folders, and
    where none was."""
    segments: tuple[str, ...] = ()
    """Organs of the file of segments, in its order; empty where there is none."""
    version: int = TASK_VERSION


def project_id(folder: ProjectFolder) -> str:
    """Give an id of the project that tells nothing of its secret.

    Raises:
        ProjectError: The secret is missing or damaged.
    """
    return hmac.new(read_secret(folder), b"project of a task folder", hashlib.sha256).hexdigest()[:16]


def segments_name(case_id: str) -> str:
    """Name the file of segments in the folder of a case."""
    return f"{case_id}.seg.nrrd"


def read_task_file(folder: Path) -> TaskFile | None:
    """Read the `task.json` of a folder; `None` where there is none.

    Raises:
        ReviewError: It is not what was exported.
    """
    path = folder / TASK_NAME
    if not path.is_file():
        return None
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise ReviewError(
            f"{path} is not the JSON that was exported; delete it and export the case again"
        ) from None


def _parsed(loaded: Any) -> TaskFile:
    version = int(loaded.get("version", 1))
    hashes = {str(name): str(sha256) for name, sha256 in loaded.get("sha256", {}).items()}
    of_masks = hashes if version < TASK_VERSION else {}
    organs = [_organ(row, of_masks) for row in loaded.get("organs", ())]
    organs += [ShownOrgan(organ=name, base_sha256=sha256) for name, sha256 in of_masks.items()]
    segments = [_organ(row, {}) for row in loaded.get("segments", ())]
    return TaskFile(
        round_number=int(loaded["round"]),
        case_id=str(loaded["case_id"]),
        network=str(loaded["network"]),
        project=str(loaded.get("project", "")),
        holder=str(loaded.get("holder", "")),
        organs={one.organ: one for one in reversed([*organs, *segments])},
        files={} if version < TASK_VERSION else hashes,
        masks_sha256=loaded.get("masks_sha256"),
        segments=tuple(one.organ for one in segments),
        version=version,
    )


def _organ(row: Mapping[str, Any], of_masks: Mapping[str, str]) -> ShownOrgan:
    name, source = str(row["organ"]), row.get("base_source")
    return ShownOrgan(
        organ=name,
        task_number=None if row.get("task") is None else int(row["task"]),
        base_sha256=row.get("base", of_masks.get(name)),
        base_source=None if source is None else MaskSource(source),
    )
