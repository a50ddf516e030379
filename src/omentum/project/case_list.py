"""List the cases of a project with what is known of each, by one query a table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omentum.records import Case

if TYPE_CHECKING:
    from omentum.project.project import Project

__all__ = ["CaseLine", "list_cases"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """One case of a list."""

    case: Case
    predicted_by: tuple[str, ...]
    """Networks that have predicted it."""
    revised: tuple[str, ...]
    """Organs that readers revised."""
    former_names: tuple[str, ...]

    @property
    def state(self) -> str:
        """Whether it takes part: `in`, `held out` or `excluded`."""
        if self.case.excluded_why is not None:
            return "excluded"
        return "held out" if self.case.held_out else "in"


def list_cases(project: "Project") -> list[CaseLine]:
    """List all cases, also those that are excluded, by name; no file is opened."""
    store = project.store
    predicted, revised = store.predictions.networks_by_case(), store.revisions.organs_by_case()
    former: dict[str, list[str]] = {}
    for name, case_id in store.former_names.all().items():
        former.setdefault(case_id, []).append(name)
    return [
        CaseLine(
            case=case,
            predicted_by=predicted.get(case.case_id, ()),
            revised=revised.get(case.case_id, ()),
            former_names=tuple(former.get(case.case_id, ())),
        )
        for case in store.cases.every()
    ]
