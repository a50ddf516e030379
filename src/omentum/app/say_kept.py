"""Say before a run what its probabilities will take, and what other values of `keep` would leave."""

from collections.abc import Sequence

from omentum.project.known_costs import known_probability_bytes, revisited_cases
from omentum.project.project import Project
from omentum.score.round_queue import costs_of

__all__ = ["kept_cost"]

_GB = 1e9
_LEAST_GB = 1.0
"""Less than this is worth a line only if it was asked for."""


def kept_cost(project: Project, networks: Sequence[str], *, is_asked: bool) -> str:
    """Say what probabilities take; nothing where they take little and it was not asked, or no size is known.

    Args:
        project: The project.
        networks: Those that predict.
        is_asked: Whether the user has just chosen what is kept.
    """
    sizes = {name: found for name in networks if (found := known_probability_bytes(project, name))}
    n_cases = len(project.store.cases.all())
    total_gb = sum(spread.mean for spread, _ in sizes.values()) * n_cases / _GB
    if not sizes or (total_gb < _LEAST_GB and not is_asked):
        return ""
    each = " and ".join(
        f"{spread.mean / 1e6:.2g} MB a case by {name} ({source})" for name, (spread, source) in sizes.items()
    )
    looked = revisited_cases(project, costs_of(project)[0])
    n_kept = min(looked.n_cases, n_cases)
    kept_gb = total_gb * n_kept / n_cases if n_cases else 0.0
    would = {
        "all": "all stay once cases are scored",
        "revisit": f"about {kept_gb:.2g} GB once they are scored ({n_kept} cases {looked.source})",
        "none": "nothing once they are scored",
    }
    now = would.pop(project.settings.keep)
    others = "; ".join(f"with `--keep {name}` {said}" for name, said in would.items())
    unknown = [name for name in networks if name not in sizes]
    left_out = f"; not counted, as no size is known yet: {', '.join(unknown)}" if unknown else ""
    return f"probabilities: {each} x {n_cases} cases = {total_gb:.2g} GB; {now}; {others}{left_out}"
