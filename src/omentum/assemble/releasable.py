"""Select the cases that a release would hold, and say why others are left out. No file is opened."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from omentum.assemble.inputs import CaseInputs, inputs_of
from omentum.assemble.licences import data_set_of, read_data_sets
from omentum.errors import ReleaseError
from omentum.names import reader_pseudonym
from omentum.project.paths import read_secret
from omentum.project.project import Project, prediction_stage
from omentum.project.standing import CaseFacts, case_facts

__all__ = ["AVERAGE", "Releasable", "releasable"]

AVERAGE = "average"
"""The name under which `omentum predict --average` keeps what all networks say together."""
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasable:
    """What a release would be made of."""

    cases: tuple[CaseInputs, ...]
    left_out: Mapping[str, str]
    """Why a case that takes part cannot be released, by case."""
    excluded: Mapping[str, str]
    """Why a case takes no part, by case."""


def releasable(project: Project, network: str) -> Releasable:
    """Give the cases to release, each with the mask that stands for each organ.

    A case that the network could not predict is left out, as its organs would be missing; so is one of which
    every mask is held back.

    Args:
        project: The project.
        network: Whose predictions stand where there is no revision.

    Raises:
        ReleaseError: Prediction was not run on a case yet.
        ConfigError: `data-sets.toml` cannot be used.
    """
    failed = _failures(project, network)
    wanted = set(project.settings.organs)
    cases: list[CaseInputs] = []
    left_out: dict[str, str] = {}
    waiting: list[str] = []
    for inputs in _inputs(project, network):
        case_id = inputs.case.case_id
        if _lacks(inputs, wanted) and case_id in failed:
            left_out[case_id] = f"it could not be predicted: {failed[case_id]}"
        elif _lacks(inputs, wanted):
            waiting.append(case_id)
        elif inputs.held and not inputs.masks:
            said = "; ".join(f"{one.organ}: {one.findings[0].said}" for one in inputs.held)
            left_out[case_id] = f"every mask is held back until a person confirms it ({said})"
        elif inputs.masks:
            cases.append(inputs)
        else:
            left_out[case_id] = "no organ of it is known"
    if waiting:
        raise ReleaseError(_not_predicted(waiting, network))
    return Releasable(cases=tuple(cases), left_out=left_out, excluded=project.store.cases.excluded())


def _inputs(project: Project, network: str) -> list[CaseInputs]:
    data_sets, secret = read_data_sets(project.folder.root), read_secret(project.folder)
    arrivals = project.store.arrivals.all()
    return [
        inputs_of(
            _with_pseudonyms(facts, secret),
            data_set=data_set_of(facts.case, data_sets),
            arrival=arrivals.get(facts.case.case_id),
        )
        for facts in case_facts(project, network=network)
    ]


def _with_pseudonyms(facts: CaseFacts, secret: bytes) -> CaseFacts:
    """Name readers by pseudonyms: a release leaves the project, and the names of readers stay in it."""
    return replace(
        facts,
        revisions=tuple(replace(one, reader=reader_pseudonym(secret, one.reader)) for one in facts.revisions),
        decisions=tuple(replace(one, by=reader_pseudonym(secret, one.by)) for one in facts.decisions),
    )


def _lacks(inputs: CaseInputs, wanted: set[str]) -> bool:
    """Tell whether organs would be missing as there is no prediction."""
    known = {one.organ for one in inputs.masks} | {one.organ for one in inputs.held}
    return inputs.prediction is None and not wanted <= known


def _failures(project: Project, network: str) -> dict[str, str]:
    """Give why each case could not be predicted; an average needs what every network of it made."""
    networks = [*project.networks, network] if network == AVERAGE else [network]
    ledger = project.store.ledger
    failed = (one for name in networks for one in ledger.failures(prediction_stage(name)))
    root = f"{project.folder.root}/"
    return {one.key: one.reason.replace(root, "") for one in failed}


def _not_predicted(case_ids: Collection[str], network: str) -> str:
    shown = ", ".join(list(case_ids)[:_SHOWN]) + (", ..." if len(case_ids) > _SHOWN else "")
    how = "omentum predict --average" if network == AVERAGE else "omentum predict"
    return (
        f"{len(case_ids)} cases are not predicted by {network} ({shown}), so their organs would be missing; "
        f"run `{how}` first"
    )
