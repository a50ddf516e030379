"""Record a person's decision on which network is used: accept, reject or roll back."""

from dataclasses import replace
from datetime import UTC, datetime

from omentum.errors import ProjectError
from omentum.evaluate.gate_stage import candidate_of, pending, start_next_round
from omentum.project.project import Project
from omentum.records.promotions import GateOutcome, Promotion

__all__ = ["decide", "roll_back"]


def decide(project: Project, *, accept: bool, by: str, why: str = "") -> Promotion:
    """Promote the network that waits for a verdict, or keep it out; `by` is the pseudonym of who decides.

    Raises:
        ProjectError: No verdict waits for a person.
    """
    waiting = pending(project)
    if waiting is None:
        number, candidate = project.store.rounds.current().number, candidate_of(project)
        if candidate is not None:
            raise ProjectError(f"{candidate.name} does not wait for a person; run `omentum gate` first")
        raise ProjectError(
            f"no verdict waits in round {number}; `omentum tune` makes a network to judge, "
            "and `omentum rollback NAME` goes back to an earlier one"
        )
    decision = replace(
        waiting,
        outcome=GateOutcome.PROMOTED if accept else GateOutcome.KEPT_OUT,
        by=by,
        why=why or f"decided by {by}: {waiting.why}",
        time=datetime.now(UTC),
    )
    project.store.promotions.add(decision)
    start_next_round(project)
    return decision


def roll_back(project: Project, name: str | None = None, *, by: str, why: str = "") -> Promotion:
    """Use an earlier network again, from a new round on; without a name the one before. Nothing is deleted.

    Raises:
        ProjectError: There is no such network, its files are gone, it is in use, or a verdict waits.
    """
    start_next_round(project)
    waiting = pending(project)
    if waiting is not None:
        cure = "say `omentum gate --accept` or `omentum gate --reject` first"
        raise ProjectError(f"the verdict on {waiting.network} waits for a person; {cure}")
    current = project.store.rounds.current()
    name = name or _before(project)
    _check_usable(project, name)
    decision = Promotion(
        round_number=current.number,
        network=name,
        instead_of=current.network,
        outcome=GateOutcome.ROLLED_BACK,
        by=by,
        why=why or f"decided by {by}",
        time=datetime.now(UTC),
    )
    project.store.promotions.add(decision)
    project.store.rounds.turn(current.number, name)
    return decision


def _before(project: Project) -> str:
    """Name the network that was in use before the one in use now."""
    in_use = project.store.rounds.current().network
    others = [one.network for one in project.store.rounds.all() if one.network != in_use]
    if not others:
        raise ProjectError(f"{in_use} is the first network of this project; there is none to go back to")
    return others[-1]


def _check_usable(project: Project, name: str) -> None:
    rounds = [one.network for one in project.store.rounds.all()]
    noted = {one.name: one for one in project.store.networks.all()}
    if name not in {*rounds, *noted}:
        known = ", ".join(sorted({*rounds, *noted}))
        raise ProjectError(f"this project has no network {name!r}; it has {known}")
    if name == rounds[-1]:
        raise ProjectError(f"{name} is in use already; name another network to go back to")
    folder = noted[name].folder if name in noted else None
    if folder is not None and not folder.is_dir():
        raise ProjectError(f"the files of {name} are gone from {folder}; bring them back from a backup first")
