"""How do many CTs come into a project? Each by itself; one that cannot be used is set aside with its reason.

In:  files and folders, perhaps labels.
Out: cases in the project, on disk and in the database; patients kept for evaluation are drawn as they come.
     What was seen of each is noted in the ledger: its source, data set and fingerprint; whom it is like;
     notes and findings of its original label.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from omentum.errors import CaseClashError, ConfigError
from omentum.exchange.add import AS_IT_IS, Imported, Manner, OriginalLabel, import_case, recorded_source
from omentum.exchange.ahead import Ahead
from omentum.exchange.patients import Patients
from omentum.exchange.sources import Looked, Source
from omentum.names import checked_name
from omentum.project.paths import pseudonym, read_secret
from omentum.project.project import ADD_STAGE, Workspace
from omentum.records import Batch, Case
from omentum.runners.runner import Progress
from omentum.store.ledger import StageLedger
from omentum.store.store import Store

__all__ = ["ADD_STAGE", "Labels", "add_found", "is_held_out", "settled_sources"]

_SMALL_BYTES = 1 << 20
_FIRST_PATIENTS = 4
"""So many are never held out: a project of a few CTs needs them all to learn from."""
Labels = Callable[[Source], OriginalLabel | None]
"""Finds the original label of a CT, if it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrival:
    """A CT that comes in: where to, whose it is where its own headers do not say, its label."""

    source: Source
    case_dir: Path
    patient_id: str | None
    label: OriginalLabel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    """What is kept of a CT that came in: the case, unless the project has it, and what is noted of it."""

    case: Case | None
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _CaseLedger:
    """Keeps a case and what is noted of it in one transaction; what was done before is asked for once."""

    store: Store
    stage: StageLedger
    noted: Collection[str]

    def done(self, key: str) -> bool:
        return key in self.noted

    def mark_done(self, key: str, result: _Arrived) -> None:
        with self.store.together():
            if result.case is not None:
                self.store.cases.add(result.case)
            self.stage.mark_done(key, result.detail)

    def mark_failed(self, key: str, reason: str) -> None:
        self.stage.mark_failed(key, reason)


def add_found(
    workspace: Workspace,
    looked: Looked,
    *,
    case_id: str | None = None,
    labels: Labels | None = None,
    manner: Manner = AS_IT_IS,
    progress: Callable[[Progress], None] | None = None,
) -> Batch:
    """Add CTs that were found. Those of one patient, by name or by their voxels, count as one patient.

    Args:
        workspace: The project.
        looked: What was found.
        case_id: A name for the one CT there is, instead of one from its path.
        labels: Finds a CT's original label, in place of the one that its layout has.
        manner: How they come in.
        progress: Told of each case.

    Raises:
        CaseClashError: Two sources, or a source and a case of the project, would have one name.
        ConfigError: `case_id` is given for more than one CT, or cannot be a folder's name.
    """
    secret = read_secret(workspace.folder)
    sources = settled_sources(workspace, looked, case_id=case_id, manner=manner)
    cases = workspace.store.cases.all()
    known = {case.case_id: case.source for case in cases}
    for source in sources:
        recorded = recorded_source(source, secret, manner)
        if known.get(source.case_id, recorded) != recorded:
            raise CaseClashError(source.case_id, source.path, known[source.case_id])
    split = {case.patient_id: case.held_out for case in cases}
    noted = workspace.store.ledger.details(ADD_STAGE)
    ledger = _CaseLedger(workspace.store, workspace.store.ledger.of(ADD_STAGE), noted.keys())
    patients = Patients(cases, noted)

    def work(source: Source) -> _Arrived:
        recorded = recorded_source(source, secret, manner)
        if source.case_id in known:  # added by other means, so that nothing was noted of it
            return _Arrived(case=None, detail={"source": recorded, **_told(source)})
        imported = ahead.take(arrivals[source.case_id])
        settled = patients.settle(imported.case, imported.seen)
        case = settled.case
        is_drawn = len(split) >= _FIRST_PATIENTS and is_held_out(
            case, secret, workspace.settings.held_out_share
        )
        held_out = split.setdefault(case.patient_id, is_drawn)
        detail = {"source": recorded, **_noted(source, imported), **settled.details()}
        return _Arrived(case=replace(case, held_out=held_out), detail=detail)

    arrivals = {
        source.case_id: _Arrival(
            source=source,
            case_dir=workspace.folder.case_dir(source.case_id),
            patient_id=None if source.patient is None else pseudonym(secret, source.patient),
            label=source.label if labels is None else labels(source),
        )
        for source in sources
        if source.case_id not in known
    }
    bring_in = partial(_brought_in, secret=secret, manner=manner)
    with Ahead(list(arrivals.values()), bring_in, is_small=_is_small) as ahead:
        batch = workspace.runner.run(
            sources, work, key=lambda source: source.case_id, ledger=ledger, progress=progress
        )
    return replace(batch, failed=(*looked.unusable, *batch.failed))


def settled_sources(
    workspace: Workspace, looked: Looked, *, case_id: str | None = None, manner: Manner = AS_IT_IS
) -> list[Source]:
    """Give the CTs that were found under the names that their cases have; errors as of `add_found`."""
    return _named(_nameless(looked.sources, read_secret(workspace.folder), manner), case_id)


def _brought_in(arrival: _Arrival, *, secret: bytes, manner: Manner) -> Imported:
    return import_case(
        arrival.source,
        arrival.case_dir,
        secret=secret,
        patient_id=arrival.patient_id,
        label=arrival.label,
        manner=manner,
    )


def _is_small(arrival: _Arrival) -> bool:
    path = arrival.source.path
    return path.is_file() and path.stat().st_size < _SMALL_BYTES


def _noted(source: Source, imported: Imported) -> dict[str, Any]:
    """Give what is worth noting of a case that came in; what there is none of is left out."""
    told = {
        **_told(source),
        "voxels": imported.seen.voxels,
        "thumbnail": imported.seen.thumbnail,
        "label_notes": list(imported.notes),
        "label_findings": list(imported.findings),
        "ct_findings": list(imported.ct_findings),
    }
    return {name: value for name, value in told.items() if value}


def _told(source: Source) -> dict[str, str]:
    told = {"data_set": source.data_set, "licence": source.licence}
    return {name: value for name, value in told.items() if value}


def _nameless(sources: Sequence[Source], secret: bytes, manner: Manner) -> list[Source]:
    """Name DICOM series so that no folder's name, which may be a patient's, stays."""
    if not manner.deidentify:
        return list(sources)
    return [
        replace(one, case_id=f"ct-{pseudonym(secret, f'{one.path} {one.case_id}').removeprefix('p-')}")
        if one.path.is_dir()
        else one
        for one in sources
    ]


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
