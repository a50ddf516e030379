"""Say how often each reader misses a major error, by catch trials."""

from collections.abc import Mapping
from dataclasses import dataclass

from omentum.measures.missed_errors import Misses
from omentum.measures.proportions import exact_interval
from omentum.project.project import Project
from omentum.records.catch_trials import CatchReading, CatchTrial

__all__ = ["ReaderMisses", "miss_rates", "misses_by_reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderMisses:
    """How often a reader misses a major error.

    Attributes:
        reader: Pseudonym.
        n_shown: Major planted errors that the reader was shown.
        n_missed: Of these, not found.
        interval: Limits of the share missed (Clopper & Pearson), with 95 % confidence.
    """

    reader: str
    n_shown: int
    n_missed: int
    interval: tuple[float, float]

    @property
    def share(self) -> float:
        """Share missed."""
        return self.n_missed / self.n_shown


def misses_by_reader(project: Project, *, before_round: int | None = None) -> dict[str, Misses]:
    """Count the major planted errors that each reader was shown and missed, by name.

    Of several answers of a reader to one trial the last counts, as in the audit. An answer of somebody who
    had revised that organ of the case before does not count: the reader may have known the true mask.

    Args:
        project: The project.
        before_round: Only trials of rounds before this one; of all where `None`.
    """
    trials = {one.number: one for one in project.store.catch_trials.all() if one.is_major}
    if before_round is not None:
        earlier = project.store.catch_trials.numbers_before(before_round)
        trials = {number: one for number, one in trials.items() if number in earlier}
    last: dict[tuple[int, str], CatchReading] = {}
    for reading in project.store.catch_readings.all() if trials else ():
        if reading.trial_number in trials and not _knew(project, trials[reading.trial_number], reading):
            last[reading.trial_number, reading.reader] = reading
    return _counted(last)


def miss_rates(misses: Mapping[str, Misses]) -> list[ReaderMisses]:
    """Give the rate of each reader who was shown a major planted error, with its interval, by name."""
    return [
        ReaderMisses(
            reader=reader,
            n_shown=one.n_shown,
            n_missed=one.n_missed,
            interval=exact_interval(one.n_missed, one.n_shown),
        )
        for reader, one in sorted(misses.items())
        if one.n_shown
    ]


def _counted(last: Mapping[tuple[int, str], CatchReading]) -> dict[str, Misses]:
    found: dict[str, Misses] = {}
    for (_, reader), reading in last.items():
        before = found.get(reader, Misses())
        found[reader] = Misses(n_shown=before.n_shown + 1, n_missed=before.n_missed + (not reading.is_found))
    return found


def _knew(project: Project, trial: CatchTrial, reading: CatchReading) -> bool:
    revisions = project.store.revisions.of_organ(trial.case_id, trial.organ)
    return any(one.reader == reading.reader and one.time <= reading.time for one in revisions)
