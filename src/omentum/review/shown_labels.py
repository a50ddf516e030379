"""Remember which masks a program was given that keeps no account of them itself.

A label map that comes back does not say with which masks it began. So what was given of a case is noted for
each reader: the hash of each organ's mask, and whether its hidden voxels were given too.
"""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from omentum.volumes.atomic import write_json

__all__ = ["GivenMask", "GivenRecord", "ShownLabels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenMask:
    """The mask of one organ, as it was given."""

    sha256: str
    is_whole: bool = False
    """Whether it was given with the voxels that other organs hide in a label map."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenRecord:
    """What a reader's program was given of one case."""

    task_number: int | None = None
    """The task that it asked for last; `None` where it asked for none."""
    masks: Mapping[str, GivenMask] = field(default_factory=dict)
    """By organ."""


class ShownLabels:
    """The records of a project, one file a case and reader.

    Args:
        folder: Of the records; what is lost with it is only that an upload is compared with what stands then.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def get(self, case_id: str, reader: str) -> GivenRecord:
        """Give the record of a case and reader; an empty one where nothing was given."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(self._path(case_id, reader).read_text(encoding="utf-8"))
            masks = {str(name): GivenMask(**one) for name, one in told["masks"].items()}
            return GivenRecord(task_number=told["task_number"], masks=masks)
        return GivenRecord()

    def begin(self, case_id: str, reader: str, task_number: int) -> None:
        """Note that a program takes up a task anew, with an empty scene."""
        with self._lock:
            self._keep(case_id, reader, GivenRecord(task_number=task_number))

    def add(self, case_id: str, reader: str, masks: Mapping[str, GivenMask]) -> None:
        """Note masks that were given, besides those given before."""
        with self._lock:
            before = self.get(case_id, reader)
            self._keep(case_id, reader, replace(before, masks={**before.masks, **masks}))

    def _keep(self, case_id: str, reader: str, record: GivenRecord) -> None:
        write_json(self._path(case_id, reader), asdict(record))

    def _path(self, case_id: str, reader: str) -> Path:
        return self._folder / case_id / f"{reader}.json"
