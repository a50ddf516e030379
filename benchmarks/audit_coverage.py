"""Does the audit's bound hold where readers miss errors? Run: python benchmarks/audit_coverage.py [--quick].

With `--write` the table of docs/catch-trials.md is written. Simulated projects differ in size, in how many
masks need a major revision, in how many are audited, and in their readers: how many there are, how much each
reads, how many of the major errors they miss (0 to 30 %), and how many planted errors each was shown. The
audit is drawn as the package draws it, and a reader sees a major error with the chance that he does not miss
it. Told is how often the truth exceeds the corrected bound, and how often the one that takes readers'
judgement for the truth. The aim is 5 %.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import track

from measure import asked, options, report
from omentum.measures.finite_population_bound import Clustered, most_bad
from omentum.measures.missed_errors import Misses, corrected_share, missed_limit
from omentum.score.audit_draw import draw
from page import DOCS, put_into, table

N_PROJECTS = 200
RISK = 0.05
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Outcome:
    """Truth and bounds of one simulated project, as shares; `missed` is what its readers miss."""

    truth: float
    seen: float
    corrected: float
    missed: float
    missed_limit: float


def main(quick: bool, write: bool) -> None:
    rng = np.random.default_rng(0)
    n_projects = 40 if quick else N_PROJECTS
    found = [simulated(rng) for _ in track(range(n_projects), "projects")]
    corrected = _exceeded([(one.truth, one.corrected) for one in found])
    alone = _exceeded([(one.truth, one.seen) for one in found])
    rows = [["bound", "truth above it", "where a fifth or more is missed", "median"]]
    for name, of in (("corrected", "corrected"), ("as if readers missed nothing", "seen")):
        pairs = [(one.truth, getattr(one, of), one.missed) for one in found]
        careless = [(truth, limit) for truth, limit, missed in pairs if missed >= 0.2]
        above = f"{_exceeded([pair[:2] for pair in pairs]):.1%}"
        median = f"{np.median([limit for _, limit, _ in pairs]):.1%}"
        rows.append([name, above, f"{_exceeded(careless):.1%}", median])
    text = table(rows)
    print(text)
    if write:
        put_into(DOCS / "catch-trials.md", "audit_coverage", text)
    report(
        "audit_coverage",
        ours=corrected,
        other=None,
        unit="share of projects in which the truth exceeds the bound",
        quick=quick,
        projects=n_projects,
        aim=RISK,
        uncorrected=alone,
        uncorrected_where_a_fifth_or_more_is_missed=_exceeded(
            [(one.truth, one.seen) for one in found if one.missed >= 0.2]
        ),
        misses_above_their_limit=_exceeded([(one.missed, one.missed_limit) for one in found]),
        median_truth=float(np.median([one.truth for one in found])),
        median_corrected_bound=float(np.median([one.corrected for one in found])),
        median_uncorrected_bound=float(np.median([one.seen for one in found])),
    )


def _exceeded(pairs: Sequence[tuple[float, float]]) -> float:
    """Give the share of pairs in which the truth is above its limit."""
    return float(np.mean([truth > limit + 1e-9 for truth, limit in pairs])) if pairs else 0.0


def simulated(rng: Rng) -> Outcome:
    """Simulate one project: its masks, its readers with their catch trials, and one audit."""
    frame = _frame(rng)
    population = Clustered(
        n_members=sum(map(len, frame.values())), n_clusters=len(frame), size=max(map(len, frame.values()))
    )
    is_bad = _bad(frame, rng)
    missed, shares = _readers(rng)
    n_cases = int(rng.integers(20, len(frame) + 1))
    readers = list(shares)
    n_seen, read_by = 0, Counter[str]()
    for key in draw(frame, n_cases, int(rng.integers(2**31))):
        reader = readers[int(rng.choice(len(readers), p=list(shares.values())))]
        read_by[reader] += 1
        n_seen += key in is_bad and rng.random() >= missed[reader]
    read = {reader: n / read_by.total() for reader, n in read_by.items()}
    misses = _catch_trials(missed, rng)
    return Outcome(
        truth=len(is_bad) / population.n_members,
        seen=most_bad(population, n_cases, n_seen) / population.n_members,
        corrected=corrected_share(population, n_cases, n_seen, read, misses),
        missed=sum(share * missed[reader] for reader, share in read.items()),
        missed_limit=missed_limit(read, misses, risk=RISK / 2),
    )


def _frame(rng: Rng) -> dict[str, tuple[str, ...]]:
    """Make the masks that may be drawn: 60 to 400 cases, with 1 to 9 organs each, or 9 in all of them."""
    n_cases, is_full = int(rng.integers(60, 400)), bool(rng.random() < 0.5)
    sizes = np.full(n_cases, 9) if is_full else rng.integers(1, 10, n_cases)
    return {f"{case:04d}": tuple(map(str, range(size))) for case, size in enumerate(sizes.tolist())}


def _bad(frame: Mapping[str, tuple[str, ...]], rng: Rng) -> set[tuple[str, str]]:
    """Draw the masks that need a major revision: 0 to 15 %, anywhere or all in few cases."""
    keys = [(case, name) for case, names in frame.items() for name in names]
    n_bad = int(rng.uniform(0.0, 0.15) * len(keys))
    if rng.random() < 0.5:
        return {keys[place] for place in rng.permutation(len(keys))[:n_bad].tolist()}
    order = rng.permutation(len(frame))
    rank = dict(zip(frame, order.tolist(), strict=True))
    return set(sorted(keys, key=lambda key: (rank[key[0]], key[1]))[:n_bad])


def _readers(rng: Rng) -> tuple[dict[str, float], dict[str, float]]:
    """Draw 1 to 5 readers: what share of major errors each misses, and what share of tasks each reads."""
    n_readers = int(rng.integers(1, 6))
    names = [f"reader-{number}" for number in range(n_readers)]
    missed = np.clip(rng.uniform(0.0, 0.3) + rng.uniform(-0.05, 0.05, n_readers), 0.0, 0.3).tolist()
    shares = rng.dirichlet(np.full(n_readers, 3.0)).tolist()
    return dict(zip(names, missed, strict=True)), dict(zip(names, shares, strict=True))


def _catch_trials(missed: Mapping[str, float], rng: Rng) -> dict[str, Misses]:
    """Let each reader read 20 to 120 major planted errors."""
    found = {}
    for reader, share in missed.items():
        n_shown = int(rng.integers(20, 121))
        found[reader] = Misses(n_shown=n_shown, n_missed=int(rng.binomial(n_shown, share)))
    return found


if __name__ == "__main__":
    given = asked(options(__doc__, write="write the table into docs/catch-trials.md"))
    main(given.quick, given.write)
