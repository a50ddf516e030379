"""Make and remove the rules by which tasks are dealt to readers; the tasks of the round are dealt anew."""

from datetime import UTC, datetime

from omentum.choices import OWNER
from omentum.errors import ConfigError
from omentum.project.dealing import deal_tasks
from omentum.project.project import Project
from omentum.records import WHOLE_CT
from omentum.records.assignments import Assignment
from omentum.volumes.labels import organ

__all__ = ["add_rule", "remove_rule"]

_SLACK = 1e-9


def add_rule(
    project: Project,
    reader: str,
    *,
    organ_name: str | None = None,
    share: float | None = None,
    by: str = OWNER,
) -> Assignment:
    """Deal tasks of an organ, or a share of the tasks, to a reader from now on.

    Args:
        project: The project.
        reader: Pseudonym; one of the project's people, where it has any.
        organ_name: The organ, or `WHOLE_CT`; all that no rule names where `None`.
        share: Of these tasks, in (0, 1]; where `None` an equal part of what other rules about them leave.
        by: Pseudonym of who makes the rule.

    Raises:
        ConfigError: Neither organ nor share is given, the share is out of range or more than is left, the
            reader has such a rule already, or is unknown.
        UnknownOrganError: There is no such organ.
    """
    name = organ_name if organ_name in (None, WHOLE_CT) else organ(str(organ_name)).name
    if name is None and share is None:
        raise ConfigError("--share", None, "give an organ, a share of the tasks, or both")
    rule = Assignment(reader=reader, organ=name, share=share, time=datetime.now(UTC))
    _check(project, rule)
    with project.store.together():
        added = project.store.assignments.add(rule, by)
        deal_tasks(project)
    return added


def remove_rule(project: Project, number: int, *, by: str = OWNER) -> Assignment:
    """Remove a rule; tasks that it dealt and no one has are dealt by the others.

    Raises:
        MissingError: There is no such rule.
    """
    with project.store.together():
        removed = project.store.assignments.remove(number, by)
        deal_tasks(project)
    return removed


def _check(project: Project, rule: Assignment) -> None:
    if not rule.reader.strip():
        raise ConfigError("--reader", rule.reader, "it must be the pseudonym of a reader")
    people = [one.name for one in project.store.people.all()]
    if people and rule.reader not in people:
        raise ConfigError("--reader", rule.reader, f"the project's people are {', '.join(people)}")
    share = rule.share
    if share is not None and not 0.0 < share <= 1.0:
        raise ConfigError("--share", share, "it must be above 0 and at most 1")
    others = [one for one in project.store.assignments.all() if one.organ == rule.organ]
    about = rule.organ or "tasks of any organ"
    same = next((one for one in others if one.reader == rule.reader), None)
    if same is not None:
        cure = f"remove it first with `omentum review unassign {same.number}`"
        raise ConfigError("--reader", rule.reader, f"rule {same.number} is about {about} already; {cure}")
    left = 1.0 - sum(one.share or 0.0 for one in others)
    if (share or 0.0) > left + _SLACK:
        raise ConfigError("--share", share, f"other rules about {about} leave {max(left, 0.0):g}")
