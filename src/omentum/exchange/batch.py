"""How do many CTs come into a project? Each by itself; one that cannot be used is set aside with its reason.

In:  files and folders, perhaps labels.
Out: cases in the project, on disk and in the database; patients kept for evaluation are drawn as they come.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omentum.errors import CaseClashError, ConfigError
from omentum.exchange.add import OriginalLabel, import_case
from omentum.exchange.sources import Source, usable_sources
from omentum.project import checked_name, read_secret
from omentum.records import Batch, Case
from omentum.runners.runner import Progress
from omentum.workspace import Workspace

__all__ = ["ADD_STAGE", "Labels", "add_cases"]

ADD_STAGE = "add"
_FIRST_PATIENTS = 4
"""So many are never held out: a project of a few CTs needs them all to learn from."""
Labels = Callable[[Source], OriginalLabel | None]
"""Finds the original label of a CT, if it has one."""


def add_cases(
    workspace: Workspace,
    paths: Sequence[Path],
    *,
    case_id: str | None = None,
    labels: Labels | None = None,
    resample_tilt: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Batch:
    """Add every CT found in files and folders.

    Args:
        workspace: The project.
        paths: NIfTI files, DICOM folders, folders of them.
        case_id: A name for the one CT there is, instead of one from its path.
        labels: Finds a CT's original label.
        resample_tilt: Put series from a tilted gantry on an upright grid, instead of refusing them.
        progress: Told of each case.

    Raises:
        CaseClashError: Two sources, or a source and a case of the project, would have one name.
        ConfigError: `case_id` is given for more than one CT, or cannot be a folder's name.
        ImageError: A path is no CT and no folder of any.
    """
    found, unusable = usable_sources(paths)
    sources = _named(found, case_id)
    known = {case.case_id: case.source for case in workspace.store.cases.all()}
    for source in sources:
        if known.get(source.case_id, str(source.path)) != str(source.path):
            raise CaseClashError(source.case_id, source.path, known[source.case_id])
    secret = read_secret(workspace.folder)
    split = {case.patient_id: case.held_out for case in workspace.store.cases.all()}

    def work(source: Source) -> dict[str, Any]:
        if source.case_id in known:  # an earlier run was killed before it was noted
            return {"source": str(source.path)}
        label = labels(source) if labels is not None else None
        folder = workspace.folder.case_dir(source.case_id)
        case = import_case(source, folder, secret=secret, label=label, resample_tilt=resample_tilt)
        is_drawn = len(split) >= _FIRST_PATIENTS and is_held_out(
            case, secret, workspace.settings.held_out_share
        )
        held_out = split.setdefault(case.patient_id, is_drawn)
        workspace.store.cases.add(replace(case, held_out=held_out))
        return {"source": str(source.path)}

    ledger = workspace.store.ledger.of(ADD_STAGE)
    batch = workspace.runner.run(
        sources, work, key=lambda source: source.case_id, ledger=ledger, progress=progress
    )
    return replace(batch, failed=(*unusable, *batch.failed))


def is_held_out(case: Case, secret: bytes, share: float) -> bool:
    """Draw a patient for evaluation: by a keyed hash, so that all CTs of a patient fall together, for good.

    Args:
        case: Whose patient is drawn.
        secret: The project's.
        share: Of the patients, in [0, 1].
    """
    digest = hashlib.blake2b(case.patient_id.encode(), key=secret, digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


def _named(sources: list[Source], case_id: str | None) -> list[Source]:
    if case_id is None:
        return sources
    if len(sources) != 1:
        raise ConfigError(
            "--id", case_id, f"it names one CT, and {len(sources)} were found; add them one by one"
        )
    return [replace(sources[0], case_id=checked_name("--id", case_id))]
