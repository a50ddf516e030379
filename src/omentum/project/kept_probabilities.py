"""Drop the probabilities of cases that are scored, by the setting `keep`, and find those needed again.

Scores and averages are made from probabilities; masks, tuning, the gate and releases are not. A prediction
whose probabilities were dropped says so in its `summary.json`, with their size, and counts as predicted until
a score or an average needs them: then `omentum predict` makes them again.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from omentum.errors import UnreadableImageError
from omentum.project.project import Project
from omentum.project.score_inputs import AVERAGE, scored_cases
from omentum.project.settings import change_settings
from omentum.project.settings_log import note_settings
from omentum.records import Prediction
from omentum.volumes.atomic import write_json
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.probabilities import ProbabilityMaps, read_probabilities

__all__ = [
    "DroppedProbabilities",
    "Dropping",
    "drop_scored",
    "dropped_cases",
    "dropped_probabilities",
    "has_or_dropped_probabilities",
    "needed_again",
    "probabilities_sha256",
    "read_kept_probabilities",
    "with_keep",
]

_FILE, _SUMMARY = "probabilities.zarr.zip", "summary.json"
_KEY = "dropped_probabilities"
"""Key of the summary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedProbabilities:
    """What is left of probabilities that were dropped.

    Attributes:
        n_bytes: Size that their file had.
        keep: The setting by which they were dropped.
        sha256: Hash of their file, where an average was made from them; else empty.
    """

    n_bytes: int
    keep: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropping:
    """What `drop_scored` did.

    Attributes:
        n_cases: Cases of which probabilities were dropped.
        n_bytes: Sum of the sizes of these files.
    """

    n_cases: int = 0
    n_bytes: int = 0

    @property
    def said(self) -> str:
        """The same in words.

        Example:
            >>> Dropping(n_cases=3, n_bytes=93_000_000).said
            'dropped for 3 scored cases, 93.0 MB; `omentum predict` makes them again where a score needs them'
        """
        cases = "1 scored case" if self.n_cases == 1 else f"{self.n_cases} scored cases"
        again = "`omentum predict` makes them again where a score needs them"
        return f"dropped for {cases}, {self.n_bytes / 1e6:.1f} MB; {again}"


def dropped_probabilities(prediction: Prediction) -> DroppedProbabilities | None:
    """Give what is left of dropped probabilities; `None` where they are there, or were never dropped."""
    return None if prediction.probabilities_path.is_file() else _noted(prediction.summary_path)


def has_or_dropped_probabilities(folder: Path) -> bool:
    """Return whether the probabilities in a prediction's folder are there, or were dropped by the setting."""
    return (folder / _FILE).is_file() or _noted(folder / _SUMMARY) is not None


def _noted(summary_path: Path) -> DroppedProbabilities | None:
    try:
        noted = json.loads(summary_path.read_text(encoding="utf-8")).get(_KEY)
        return DroppedProbabilities(**noted) if noted else None
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def read_kept_probabilities(prediction: Prediction) -> ProbabilityMaps:
    """Read the probabilities of a prediction.

    Raises:
        UnreadableImageError: They were dropped, or their file is missing or damaged.
    """
    _check_kept(prediction)
    return read_probabilities(prediction.probabilities_path)


def probabilities_sha256(prediction: Prediction) -> str:
    """Hash the file of a prediction's probabilities, or give the hash that was kept when it was dropped.

    Raises:
        UnreadableImageError: They were dropped, and no average had been made from them by then.
    """
    dropped = dropped_probabilities(prediction)
    if dropped is not None and dropped.sha256:
        return dropped.sha256
    _check_kept(prediction)
    return file_sha256(prediction.probabilities_path)


def _check_kept(prediction: Prediction) -> None:
    dropped = dropped_probabilities(prediction)
    if dropped is not None:
        seen = (
            f"the probabilities of {prediction.network} were dropped once the case was scored, as `keep` was "
            f"{dropped.keep!r}"
        )
        cure = "`omentum predict` makes them again where they are needed"
        raise UnreadableImageError(prediction.probabilities_path, seen, cure)


def with_keep(project: Project, keep: str) -> Project:
    """Set `keep` in the project's settings, for this command and later ones; give the project with it.

    Raises:
        ConfigError: It is none of those known; the settings are as they were then.
    """
    if keep == project.settings.keep:
        return project
    settings = change_settings(project.folder.settings_path, {"keep": keep})
    note_settings(project.store, settings)
    return replace(project, settings=project.settings.changed(keep=settings.keep))


def drop_scored(project: Project) -> Dropping:
    """Drop the probabilities that the setting `keep` does not keep, of cases whose score is up to date.

    With `revisit` those of cases with a task in this round stay. Those of imported predictions always stay,
    as they cannot be made again here. Only networks that predict in this round, or did in an earlier one,
    and their average are looked at. While another program has cases in work nothing is dropped, as it may
    need them; the last one that ends does so. What is dropped is noted before its file is removed, so that a
    killed run leaves nothing that later commands misunderstand.
    """
    keep = project.settings.keep
    if keep == "all" or project.store.holders.of_jobs():
        return Dropping()
    scored = scored_cases(project)
    if keep == "revisit":
        number = project.store.rounds.current().number
        scored -= {task.case_id for task in project.store.tasks.of_round(number)}
    averaged = project.predictions(AVERAGE).keys()
    sizes: dict[tuple[str, str], int] = {}
    for one in _droppable(project, scored):
        with suppress(FileNotFoundError):  # another program has just dropped it
            sizes[one.case_id, one.network] = _drop(one, keep, is_averaged=one.case_id in averaged)
    return Dropping(n_cases=len({case_id for case_id, _ in sizes}), n_bytes=sum(sizes.values()))


def _droppable(project: Project, case_ids: Collection[str]) -> Iterator[Prediction]:
    former = (one.network for one in project.store.rounds.all())
    for name in dict.fromkeys([*project.networks, *former, AVERAGE]):
        for case_id, prediction in project.predictions(name).items():
            is_there = case_id in case_ids and prediction.probabilities_path.is_file()
            if is_there and not prediction.origin and prediction.summary_path.is_file():
                yield prediction


def _drop(prediction: Prediction, keep: str, *, is_averaged: bool) -> int:
    """Note what is dropped, then remove it; return its size in bytes."""
    path = prediction.probabilities_path
    noted = DroppedProbabilities(
        n_bytes=path.stat().st_size, keep=keep, sha256=file_sha256(path) if is_averaged else ""
    )
    summary = json.loads(prediction.summary_path.read_text(encoding="utf-8"))
    write_json(prediction.summary_path, {**summary, _KEY: asdict(noted)})
    path.unlink(missing_ok=True)
    return noted.n_bytes


def dropped_cases(project: Project, network: str) -> set[str]:
    """Give the cases of which a network's probabilities were dropped."""
    made = project.predictions(network)
    return {case_id for case_id, one in made.items() if dropped_probabilities(one) is not None}


def needed_again(project: Project, due: Mapping[str, Collection[str]]) -> set[str]:
    """Find the cases that have to be scored again, of which a network of the round lacks probabilities.

    Args:
        project: The project.
        due: Cases that networks are about to predict anew, by network.
    """
    networks = project.networks
    current = scored_cases(project).difference(*(due.get(name, ()) for name in networks))
    return set().union(*(dropped_cases(project, name) for name in networks)) - current
