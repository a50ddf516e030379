"""Routes of assignments: the rules by which tasks are dealt to readers."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from omentum.app.server.context import CurrentProject, CurrentReader
from omentum.app.server.refusals import refusals
from omentum.records.assignments import Assignment
from omentum.review.assignments import add_rule, remove_rule

__all__ = ["router"]

router = APIRouter(prefix="/api/assignments", tags=["assignments"])
Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the rule.")]


class AssignmentIn(BaseModel, extra="forbid"):
    """A rule to make: an organ, a share, or both."""

    reader: Annotated[str, Field(pattern="^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
    organ: Annotated[str, Field(max_length=100)] | None = None
    share: Annotated[float, Field(gt=0, le=1)] | None = None


class AssignmentOut(BaseModel):
    """A rule by which tasks are dealt to a reader."""

    number: int
    reader: str
    organ: str | None
    share: float | None


class AssignmentsOut(BaseModel):
    """The rules of the project, in the order in which they were made."""

    assignments: list[AssignmentOut]


@router.get("", responses=refusals())
def assignments(project: CurrentProject) -> AssignmentsOut:
    """List the rules."""
    return AssignmentsOut(assignments=[_told(one) for one in project.store.assignments.all()])


@router.post("", status_code=201, responses=refusals(404))
def assign(project: CurrentProject, person: CurrentReader, wanted: AssignmentIn) -> AssignmentOut:
    """Make a rule, and deal the tasks of the round anew."""
    rule = add_rule(project, wanted.reader, organ_name=wanted.organ, share=wanted.share, by=person)
    return _told(rule)


@router.delete("/{number}", status_code=204, responses=refusals(404))
def unassign(project: CurrentProject, person: CurrentReader, number: Number) -> None:
    """Remove a rule, and deal the tasks of the round anew."""
    remove_rule(project, number, by=person)


def _told(rule: Assignment) -> AssignmentOut:
    return AssignmentOut(number=rule.number or 0, reader=rule.reader, organ=rule.organ, share=rule.share)
