"""What does assembly do in a round? One mask an organ and case, into a release.

In:  an open project.
Out: the masks that stand, for tuning; a release, on disk and noted in the database.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from omentum.assemble.card import Agreement
from omentum.assemble.compare import ReleasePlan, plan_release
from omentum.assemble.current import CURRENT, current_release, make_current
from omentum.assemble.licences import data_set_of, read_data_sets, recognised
from omentum.assemble.lineage import file_sha256
from omentum.assemble.manifest import MANIFEST_NAME, verify_release
from omentum.assemble.priority import CaseInputs, choose
from omentum.assemble.processes import in_processes
from omentum.assemble.release import build_release
from omentum.errors import ReleaseError, UnknownNetworkError
from omentum.project.project import ADD_STAGE, Workspace, prediction_stage
from omentum.records import ChosenMask, Failure, LabelledCase, MaskSource, Release, Revision
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress
from omentum.volumes.labels import organ

__all__ = [
    "assemble_round",
    "labelled_cases",
    "network_of",
    "plan_round",
    "prefer_revision",
]

AVERAGE = "average"
"""The name under which `omentum predict --average` keeps what all networks say together."""
_PREFERRED = "revised_over_original"


def assemble_round(
    workspace: Workspace,
    version: str,
    *,
    network: str | None = None,
    n_workers: int = 1,
    progress: Callable[[Progress], None] | None = None,
) -> Release:
    """Build a release of every case that has any mask, and let it be the current one.

    One that is whole on disk, but was never noted as its run was killed, is noted as it is.

    Args:
        workspace: The project.
        version: Name of the release.
        network: Whose predictions stand where nobody drew; see `network_of`.
        n_workers: Cases at a time, each in a process of its own; with 1, the project's runner does the work.
        progress: Told of each case.

    Raises:
        UnknownNetworkError: Nothing is predicted by a network of that name.
        ReleaseError: The version is taken, a case is not predicted in this round, or it could not be
            assembled.
    """
    if version == CURRENT:
        raise ReleaseError("the release that counts is called `current`, so none can be; name it V1, say")
    cases = _releasable(workspace, network)

    def run(work: Callable[[CaseInputs], None], items: Sequence[CaseInputs]) -> list[Failure]:
        if n_workers > 1:
            return in_processes(work, items, n_workers=n_workers, progress=progress)

        def key(inputs: CaseInputs) -> str:
            return inputs.case.case_id

        ledger = MemoryLedger[None]()
        return list(workspace.runner.run(items, work, key=key, ledger=ledger, progress=progress).failed)

    release = _unnoted(workspace, version)
    if release is None:
        earlier = current_release(workspace)
        release = build_release(
            version,
            workspace.folder.releases_dir,
            cases,
            run=run,
            earlier=None if earlier is None else earlier.folder,
            agreement=_agreement(workspace),
        )
    workspace.store.releases.add(release)
    make_current(workspace, version)
    return release


def plan_round(workspace: Workspace, *, network: str | None = None) -> ReleasePlan:
    """Count what a release would hold if it were made now, reading no file of a case; errors as assembly."""
    earlier = current_release(workspace)
    return plan_release(_releasable(workspace, network), None if earlier is None else earlier.folder)


def network_of(workspace: Workspace, network: str | None = None) -> str:
    """Choose the network whose predictions are released.

    Args:
        workspace: The project.
        network: Its name. Where none is given it is `average`, if this round's networks were averaged, and
            else the main network.

    Raises:
        UnknownNetworkError: Nothing is predicted by a network of that name.
    """
    if network is not None:
        if not workspace.predictions(network):
            known = [one for one in (*workspace.networks, AVERAGE) if workspace.predictions(one)]
            raise UnknownNetworkError(network, known)
        return network
    averaged = workspace.store.ledger.details(prediction_stage(AVERAGE)).values()
    members = {tuple(detail.get("made_with", {}).get("networks", ())) for detail in averaged}
    return AVERAGE if workspace.networks in members else workspace.networks[0]


def _releasable(workspace: Workspace, network: str | None) -> list[CaseInputs]:
    """Give the cases to release; refuse if organs would be missing as prediction has not come to a case."""
    name = network_of(workspace, network)
    wanted = set(workspace.settings.organs)
    cases = _inputs(workspace, name)
    lacking = [
        inputs.case.case_id
        for inputs in cases
        if inputs.prediction is None and not wanted <= {choice.organ for choice in choose(inputs)}
    ]
    if lacking:
        shown = ", ".join(lacking[:5]) + (", ..." if len(lacking) > 5 else "")
        seen = f"{len(lacking)} cases are not predicted by {name} ({shown})"
        how = "omentum predict --average" if name == AVERAGE else "omentum predict"
        raise ReleaseError(f"{seen}, so their organs would be missing; run `{how}` first")
    return [inputs for inputs in cases if choose(inputs)]


def _agreement(workspace: Workspace) -> dict[str, Agreement]:
    by_organ: dict[str, list[float]] = defaultdict(list)
    for revision in workspace.store.revisions.all():
        if revision.dice_to_before is not None:
            by_organ[revision.organ].append(revision.dice_to_before)
    return {
        name: Agreement(n=len(values), mean_dice=sum(values) / len(values))
        for name, values in by_organ.items()
    }


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


def _inputs(workspace: Workspace, network: str | None = None) -> list[CaseInputs]:
    """Give what is known of each case, its prediction by a network; by the main one if none is named."""
    name = network or workspace.networks[0]
    predictions = workspace.predictions(name)
    data_sets = read_data_sets(workspace.folder.root)
    noted = workspace.store.ledger.details(ADD_STAGE)
    flags = _flags(workspace) if name == workspace.networks[0] else {}
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
            data_set=data_set_of(case, data_sets, recognised(noted.get(case.case_id, {}))),
            flags={
                organ_name: reasons
                for organ_name, reasons in flags.get(case.case_id, {}).items()
                if organ_name not in case.original_organs
            },
        )
        for case in workspace.store.cases.all()
    ]


def _flags(workspace: Workspace) -> dict[str, dict[str, tuple[str, ...]]]:
    """Give what scoring found implausible of the main network's masks, where nobody drew since."""
    by_people = set(workspace.store.revisions.latest())
    return {
        score.case_id: {
            one.organ: one.reasons
            for one in score.organs
            if one.reasons and (score.case_id, one.organ) not in by_people
        }
        for score in workspace.store.scores.of_round(workspace.store.rounds.current().number)
    }


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
