"""Routes of cases: notes, history, decisions."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from omentum.app.server.context import (
    CurrentPerson,
    CurrentProject,
    CurrentReader,
    CurrentServer,
    ServerState,
)
from omentum.app.server.models import CaseOut, ConfirmedOut, FindingOut, HistoryOut, NoteOut
from omentum.app.server.refusals import refusals
from omentum.app.server.request_models import ConfirmIn, NoteIn, RestoreIn
from omentum.app.server.told import told_case, told_history, told_note
from omentum.errors import HiddenError, ReviewError
from omentum.project.project import Project
from omentum.records import Case, DecisionKind, MaskSource, TaskState
from omentum.records.case_notes import NoteKind
from omentum.records.people import Role
from omentum.review.case_notes import add_note, withdraw_note
from omentum.review.catch_view import restores_in_trial
from omentum.review.decide import confirm, restore
from omentum.review.history import history
from omentum.review.page_bases import is_read_twice, waited_for
from omentum.volumes.labels import organ

__all__ = ["router"]

router = APIRouter(prefix="/api/cases/{case_id}", tags=["cases"])
_HISTORY_WAITS_S = 5.0
Name = Annotated[str, Path(max_length=100, description="The organ.")]
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the note.")]


def _case(case_id: Annotated[str, Path(max_length=100)], project: CurrentProject) -> Case:
    return project.store.cases.get(case_id)


CurrentCase = Annotated[Case, Depends(_case)]


@router.get("", responses=refusals(404))
def case(project: CurrentProject, case: CurrentCase) -> CaseOut:
    """Describe a CT, with what was noted and found of it."""
    return told_case(project, case)


@router.post("/notes", status_code=201, responses=refusals(404, 409))
def note(server: CurrentServer, reader: CurrentReader, case: CurrentCase, said: NoteIn) -> NoteOut:
    """Note a comment or a flag about a case."""
    kept = add_note(server.project, case.case_id, NoteKind(said.kind), said.text, by=reader)
    server.events.tell("note", told_note(kept).model_dump())
    return told_note(kept)


@router.delete("/notes/{number}", responses=refusals(404))
def withdraw(server: CurrentServer, reader: CurrentReader, case: CurrentCase, number: Number) -> NoteOut:
    """Withdraw a note; it stays in the record."""
    kept = withdraw_note(server.project, case.case_id, number, by=reader)
    server.events.tell("note", told_note(kept).model_dump())
    return told_note(kept)


@router.get("/organs/{name}/history", responses=refusals(404))
def organ_history(server: CurrentServer, reader: CurrentReader, case: CurrentCase, name: Name) -> HistoryOut:
    """List all that happened to an organ, and which mask stands, after what was saved before."""
    server.saves.handed_in(case.case_id, _HISTORY_WAITS_S)
    return _history(server.project, reader, case.case_id, name)


@router.post("/organs/{name}/restore", responses=refusals(404, 409))
def restore_mask(
    server: CurrentServer, person: CurrentPerson, case: CurrentCase, name: Name, wanted: RestoreIn
) -> HistoryOut:
    """Let an earlier mask stand again; where several readers read the organ, an adjudicator does."""
    reader = person.name
    _require_handed_in(server, case.case_id)
    _require_decidable(server.project, case.case_id, name)
    if not person.may(Role.ADJUDICATOR):
        _require_undecided(server.project, case.case_id, organ(name).name)
    to = wanted.to if isinstance(wanted.to, int) else MaskSource(wanted.to)
    if not restores_in_trial(server.project, case.case_id, organ(name).name, to, reader):
        restore(server.project, case.case_id, name, to, by=reader, why=wanted.why)
    server.events.tell("organ", {"case": case.case_id, "organ": name})
    return _history(server.project, reader, case.case_id, name)


@router.post("/confirm", responses=refusals(404, 409))
def confirm_finding(
    server: CurrentServer, reader: CurrentReader, case: CurrentCase, said: ConfirmIn
) -> ConfirmedOut:
    """Say of all findings of a rule in a case, or in some organs, that they are no errors."""
    _require_handed_in(server, case.case_id)
    found = confirm(server.project, said.rule, [case.case_id], organs=said.organs, by=reader, why=said.why)
    for name in dict.fromkeys(one.organ for one in found):
        server.events.tell("organ", {"case": case.case_id, "organ": name})
    return ConfirmedOut(confirmed=[FindingOut(organ=one.organ, rule=one.rule) for one in found])


def _require_handed_in(server: ServerState, case_id: str) -> None:
    """Let what was saved of a case come first, so that what is decided afterwards stands."""
    if not server.saves.handed_in(case_id):
        raise ReviewError(f"what was saved of {case_id} is still being handed in; try again in a minute")


def _history(project: Project, reader: str, case_id: str, name: str) -> HistoryOut:
    found = history(project, case_id, name, reader=reader)
    is_blinded = _is_blinded(project, case_id, name)
    return told_history(found, only_by=reader if is_blinded else None)


def _is_blinded(project: Project, case_id: str, name: str) -> bool:
    tasks = waited_for(project, project.store.tasks.of_case(case_id))
    return is_read_twice(tasks, organ(name).name)


def _require_decidable(project: Project, case_id: str, name: str) -> None:
    """Refuse a decision beside adjudication, without a word of why to who may not know it."""
    if _is_blinded(project, case_id, name):
        raise ReviewError(f"no mask of {name} in {case_id} can be restored now; an adjudicator can decide")


def _require_undecided(project: Project, case_id: str, name: str) -> None:
    """Refuse a reader's decision where readings are an adjudicator's to decide about."""
    tasks = [one for one in project.store.tasks.of_case(case_id) if one.organ == name]
    decisions = project.store.decisions.of_case(case_id)
    is_decided = any(one.organ == name and one.kind is DecisionKind.ADJUDICATE for one in decisions)
    is_waiting = any(one.state is TaskState.IN_ADJUDICATION for one in tasks)
    if is_decided or is_waiting or any(_has_several_readers(project, one.number or 0) for one in tasks):
        raise HiddenError(
            f"several readers read {name} in {case_id}, and an adjudicator says which mask stands; ask one"
        )


def _has_several_readers(project: Project, number: int) -> bool:
    return len({one.reader for one in project.store.revisions.of_task(number)}) > 1
