"""Assemble the masks that stand in a round into a release, or plan one."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from omentum.assemble.card import Agreement, ReleaseNotes
from omentum.assemble.compare import ReleasePlan, plan_release
from omentum.assemble.current_release import CURRENT, current_release, make_current
from omentum.assemble.inputs import CaseInputs
from omentum.assemble.lineage import LINEAGE_NAME, read_lineage
from omentum.assemble.manifest import MANIFEST_NAME, verify_release
from omentum.assemble.releasable import AVERAGE, releasable
from omentum.assemble.release import build_release
from omentum.errors import ReleaseError, UnknownNetworkError
from omentum.project.kept_hashes import keep_missing_hashes
from omentum.project.log_anchors import keep_release_anchor
from omentum.project.project import Project
from omentum.records import Arrival, Failure, MaskSource, Release
from omentum.runners.job_events import tell_failures
from omentum.runners.runner import Progress
from omentum.volumes.file_hash import file_sha256

__all__ = ["assemble_round", "network_of", "plan_round"]


def assemble_round(
    project: Project,
    version: str,
    *,
    network: str | None = None,
    progress: Progress | None = None,
) -> Release:
    """Build a release of every case that can be released, and make it the current one.

    A case that could not be predicted or cannot be assembled is left out; `manifest.json` has the reason, and
    `manifest.read_left_out` reads it. A release that is whole on disk, but was never noted as its run was
    killed, is noted as it is.

    Args:
        project: The project.
        version: Name of the release.
        network: Whose predictions stand where there is no revision; see `network_of`.
        progress: Called for each case.

    Raises:
        UnknownNetworkError: Nothing is predicted by a network of that name.
        ReleaseError: The version is taken, prediction was not run on a case yet, or no case is left.
    """
    if version == CURRENT:
        raise ReleaseError("`current` names the current release; choose another version, such as V1")
    name = network_of(project, network)
    keep_missing_hashes(project, name)
    found = releasable(project, name)
    release = _unnoted(project, version)
    if release is None:
        left_out = [Failure(key=case_id, reason=why) for case_id, why in found.left_out.items()]
        tell_failures(progress, "assemble", left_out)
        earlier = current_release(project)
        release = build_release(
            version,
            project.folder.releases_dir,
            found.cases,
            run=partial(project.runner.run, step="assemble", progress=progress),
            earlier=None if earlier is None else earlier.folder,
            notes=ReleaseNotes(
                agreement=_agreement(found.cases),
                left_out=found.left_out,
                excluded=found.excluded,
                log=project.store.log.head(f"release {version}"),
            ),
        )
    with project.store.together():
        _keep_ct_hashes(project, found.cases, release.folder)
        project.store.releases.add(release)
        keep_release_anchor(project, release.folder, version)
        make_current(project, version)
    return release


def plan_round(project: Project, *, network: str | None = None) -> ReleasePlan:
    """Count what a release would hold if it were made now, opening no file of a case; errors as assembly."""
    earlier = current_release(project)
    found = releasable(project, network_of(project, network))
    plan = plan_release(found.cases, None if earlier is None else earlier.folder)
    plan.left_out, plan.excluded = found.left_out, found.excluded
    return plan


def network_of(project: Project, network: str | None = None) -> str:
    """Choose the network whose predictions are released.

    Args:
        project: The project.
        network: Its name. Where none is given it is `average`, if this round's networks were averaged, and
            else the main network.

    Raises:
        UnknownNetworkError: Nothing is predicted by a network of that name.
    """
    if network is not None:
        if not project.predictions(network):
            known = [one for one in (*project.networks, AVERAGE) if project.predictions(one)]
            raise UnknownNetworkError(network, known)
        return network
    averaged = project.predictions(AVERAGE).values()
    members = {tuple(one.made_with.get("networks", ())) for one in averaged}
    return AVERAGE if project.networks in members else project.networks[0]


def _agreement(cases: Iterable[CaseInputs]) -> dict[str, Agreement]:
    """Compare revisions with the predicted masks that their readers had seen."""
    by_organ: dict[str, list[float]] = defaultdict(list)
    for inputs in cases:
        for one in inputs.facts.revisions:
            if one.dice_to_base is not None and one.base_source in (None, MaskSource.PREDICTED):
                by_organ[one.organ].append(one.dice_to_base)
    return {
        name: Agreement(n=len(values), mean_dice=sum(values) / len(values))
        for name, values in by_organ.items()
    }


def _unnoted(project: Project, version: str) -> Release | None:
    """Find a release that is whole on disk but not recorded, as its run was killed."""
    folder = project.folder.release_dir(version)
    is_noted = version in {one.version for one in project.store.releases.all()}
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


def _keep_ct_hashes(project: Project, cases: Iterable[CaseInputs], folder: Path) -> None:
    """Keep the hashes of CTs that an older version of the program did not keep, now that they are known."""
    for inputs in cases:
        case_id = inputs.case.case_id
        if inputs.ct_sha256 is None and (folder / case_id / LINEAGE_NAME).is_file():
            arrival = inputs.arrival or Arrival(case_id=case_id)
            made = read_lineage(folder / case_id)["files"]["ct.nii.gz"]
            project.store.arrivals.keep(replace(arrival, ct_sha256=made))
