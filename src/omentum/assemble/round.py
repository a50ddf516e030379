"""What does assembly do in a round? One mask an organ and case, into a release.

In:  an open project.
Out: the masks that stand, for tuning; a release, on disk and noted in the database.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from omentum.assemble.lineage import file_sha256
from omentum.assemble.manifest import MANIFEST_NAME, verify_release
from omentum.assemble.priority import CaseInputs, choose
from omentum.assemble.release import build_release
from omentum.errors import ReleaseError
from omentum.records import ChosenMask, Failure, LabelledCase, MaskSource, Release, Revision
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress
from omentum.volumes.labels import organ
from omentum.workspace import Workspace

__all__ = ["assemble_round", "labelled_cases", "prefer_revision"]

_PREFERRED = "revised_over_original"


def assemble_round(
    workspace: Workspace, version: str, *, progress: Callable[[Progress], None] | None = None
) -> Release:
    """Build a release of every case that has any mask.

    One that is whole on disk, but was never noted as its run was killed, is noted as it is.

    Raises:
        ReleaseError: The version is taken, a case is not predicted in this round, or it could not be
            assembled.
    """
    _check_predicted(workspace)
    cases = [inputs for inputs in _inputs(workspace) if choose(inputs)]

    def run(work: Callable[[CaseInputs], None], items: Sequence[CaseInputs]) -> list[Failure]:
        def key(inputs: CaseInputs) -> str:
            return inputs.case.case_id

        ledger = MemoryLedger[None]()
        return list(workspace.runner.run(items, work, key=key, ledger=ledger, progress=progress).failed)

    release = _unnoted(workspace, version)
    if release is None:
        release = build_release(version, workspace.folder.releases_dir, cases, run=run)
    workspace.store.releases.add(release)
    return release


def _check_predicted(workspace: Workspace) -> None:
    """Refuse a release that would lack organs because prediction has not come to a case yet."""
    wanted = set(workspace.settings.organs)
    lacking = [
        inputs.case.case_id
        for inputs in _inputs(workspace)
        if inputs.prediction is None and not wanted <= {choice.organ for choice in choose(inputs)}
    ]
    if lacking:
        shown = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        seen = f"{len(lacking)} cases are not predicted by {workspace.networks[0]} ({shown})"
        raise ReleaseError(f"{seen}, so their organs would be missing; run `omentum predict` first")


def _unnoted(workspace: Workspace, version: str) -> Release | None:
    """Find a release whose files were all in place when its run was killed."""
    folder = workspace.folder.release_dir(version)
    is_noted = version in {one.version for one in workspace.store.releases.all()}
    if is_noted or not folder.is_dir() or verify_release(folder):
        return None
    manifest = folder / MANIFEST_NAME
    return Release(
        version=version,
        folder=folder,
        n_cases=json.loads(manifest.read_text(encoding="utf-8"))["n_cases"],
        manifest_sha256=file_sha256(manifest),
        time=datetime.fromtimestamp(manifest.stat().st_mtime, UTC),
    )


def labelled_cases(workspace: Workspace) -> list[LabelledCase]:
    """Give every case with the mask that stands for each organ: original, else revised, else predicted."""
    made = [(inputs, _chosen(inputs)) for inputs in _inputs(workspace)]
    return [LabelledCase(case=inputs.case, masks=masks) for inputs, masks in made if masks]


def prefer_revision(workspace: Workspace, case_id: str, organ_name: str) -> None:
    """Decide that the revision of an organ is better than the case's original label; recorded for good.

    Raises:
        UnknownCaseError: There is no such case.
        UnknownOrganError: There is no such organ.
    """
    case = workspace.store.cases.get(case_id)
    decided = _preferred(workspace) | {(case.case_id, organ(organ_name).name)}
    workspace.store.facts.set(_PREFERRED, json.dumps(sorted(decided)))


def _preferred(workspace: Workspace) -> set[tuple[str, str]]:
    stored = json.loads(workspace.store.facts.get(_PREFERRED) or "[]")
    return {(case_id, organ_name) for case_id, organ_name in stored}


def _inputs(workspace: Workspace) -> list[CaseInputs]:
    predictions = workspace.predictions(workspace.networks[0])
    revisions: dict[str, list[Revision]] = defaultdict(list)
    for revision in workspace.store.revisions.all():
        revisions[revision.case_id].append(revision)
    preferred: dict[str, set[str]] = defaultdict(set)
    for case_id, organ_name in _preferred(workspace):
        preferred[case_id].add(organ_name)
    return [
        CaseInputs(
            case=case,
            revisions=tuple(revisions[case.case_id]),
            prediction=predictions.get(case.case_id),
            revised_over_original=frozenset(preferred[case.case_id]),
        )
        for case in workspace.store.cases.all()
    ]


def _chosen(inputs: CaseInputs) -> tuple[ChosenMask, ...]:
    label_path = inputs.case.original_label_path
    original_sha256 = file_sha256(label_path) if label_path is not None else ""
    predicted_path = inputs.prediction.masks_path if inputs.prediction is not None else None
    predicted_sha256 = file_sha256(predicted_path) if predicted_path is not None else ""
    masks = []
    for choice in choose(inputs):
        match choice.source:
            case MaskSource.ORIGINAL:
                assert label_path is not None
                path, sha256 = label_path, original_sha256
            case MaskSource.REVISED:
                assert choice.revision is not None
                path, sha256 = choice.revision.path, choice.revision.sha256
            case MaskSource.PREDICTED:
                assert predicted_path is not None
                path, sha256 = predicted_path, predicted_sha256
        masks.append(ChosenMask(organ=choice.organ, source=choice.source, path=path, sha256=sha256))
    return tuple(masks)
