"""Say who has seen which case, so that no reader is asked about a mask already seen."""

from collections import defaultdict
from collections.abc import Collection

from omentum.project.project import Project

__all__ = ["known_readers", "readers_by_case"]


def readers_by_case(project: Project, *, without_tasks: Collection[int] = ()) -> dict[str, set[str]]:
    """Give who handed something in, decided or was at work in each case.

    Args:
        project: The project.
        without_tasks: Tasks at which work does not count.
    """
    store = project.store
    found: dict[str, set[str]] = defaultdict(set)
    for case_id, readers in store.revisions.readers_by_case().items():
        found[case_id].update(readers)
    for decision in store.decisions.all():
        found[decision.case_id].add(decision.by)
    for case_id, readers in store.activities.readers_by_case(without_tasks=without_tasks).items():
        found[case_id].update(readers)
    return dict(found)


def known_readers(project: Project) -> set[str]:
    """Give who may read: the people with an account, else everyone who has read something so far."""
    people = {one.name for one in project.store.people.all() if not one.is_disabled}
    if people:
        return people
    return set().union(*readers_by_case(project).values())
