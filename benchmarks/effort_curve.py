"""What time removes 80 % of the error? Run: python benchmarks/effort_curve.py [--quick] [--write].

Every strategy of `omentum score`, on the same cohorts of synthetic patients (effort/cohort.py), read by one
simulated reader at the same prices (effort/reader.py), which are also halved and doubled, one at a time. What
counts as error: omentum/measures/error_regions.py. *bound* knows how much is wrong in every organ: no order
of organs does better. As every queue pays for what is corrected, minutes are also told without that: the
*looking*.

Three projects: in a *late round* one organ in twenty is left wrong, as in the published project, and that is
the figure reported first; in a *first round* all are left as the networks say it. There nearly every organ
holds an error and most of the minutes are corrections, so that even the bound is far from half of chance. A
*chosen late round* mends nothing: it has the organs that the networks got right by themselves, and one in
twenty of those that they got wrong (effort/chosen.py).

Cohorts are different patients; intervals are a bootstrap over cohorts, of 95 %, of means. Random strategies
are drawn several times a cohort. `--write` puts table and figure into docs/queue.md.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from rich.progress import track

from effort.chosen import chosen_cohorts
from effort.cohort import FIRST, LATE, ROUNDS
from effort.reader import BOUND, FRESH, SPOTS, Cohort, curve_of, minutes_to
from effort.rows import MINUTES_BEFORE, learned, scored
from measure import asked, options, report
from omentum.measures.effort import PRICES, CostModel
from page import DOCS, panels, put_into, table

SHOWN = "![Share of the error removed against expert minutes](pictures/effort-curve.png)"
STRATEGIES = (
    "expected-error",
    "foreground-random",
    "random",
    "class-stratified",
    "entropy",
    "published",
    FRESH,
    SPOTS,
    BOUND,
)
RANDOM = ("random", "foreground-random", "class-stratified")
CHOSEN = "chosen late"
OURS, OTHER = "expected-error", "foreground-random"
AS_IT_IS = "as it is"
TARGET = 0.8
N_DRAWS = 20
Values = npt.NDArray[np.float64]
Minutes = Mapping[str, Values]
"""By strategy, of each cohort: minutes a case to the target; NaN if it is never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was measured of one kind of project.

    Attributes:
        cohorts: Whose minutes they are.
        n_cases: Patients of each.
        by_price: Minutes by what was changed of the prices; the first are the prices as they are.
        looking: Minutes without what correcting takes.
    """

    cohorts: Sequence[Cohort]
    n_cases: int
    by_price: Mapping[str, Minutes]
    looking: Minutes

    @property
    def plain(self) -> Minutes:
        """Minutes at the prices as they are."""
        return self.by_price[AS_IT_IS]


def main(quick: bool, write: bool) -> None:
    n_cohorts, n_cases = (2, 5) if quick else (6, 20)
    cohorts = {name: cohorts_of(name, n_cohorts, n_cases) for name in ROUNDS}
    rounds = {name: measured(several, n_cases) for name, several in cohorts.items()}
    rounds[CHOSEN] = measured(chosen_cohorts(cohorts[FIRST], ROUNDS[LATE]), n_cohorts * n_cases)
    parts = [part for name, one in rounds.items() for part in _told(name, one)]
    print("\n\n".join(parts))
    if write:
        put_into(DOCS / "queue.md", "effort_curve", "\n\n".join([*parts, SHOWN]))
        draw(rounds)
    late = rounds[LATE].plain
    report(
        "effort_curve",
        ours=_known(late[OURS].mean()),
        other=_known(late[OTHER].mean()),
        unit="minutes a case to remove 80 % of the error volume in a late round",
        quick=quick,
        keep=write,
        **{f"{name.replace(' ', '_')}_round": _figures(one) for name, one in rounds.items()},
        n_cohorts=n_cohorts,
        n_cases=n_cases,
        minutes_before=MINUTES_BEFORE,
    )


def cohorts_of(name: str, n_cohorts: int, n_cases: int) -> list[Cohort]:
    """Make all cohorts of a round, several at a time; before a late one the next cohort has taught."""
    numbers = range(n_cohorts)
    with TemporaryDirectory() as folder, ProcessPoolExecutor() as pool:
        folders = [Path(folder) / str(number) for number in numbers]
        made = pool.map(scored, numbers, [n_cases] * n_cohorts, [name] * n_cohorts, folders)
        cohorts = list(track(made, f"{name} round", total=n_cohorts))
        if name != LATE:
            return [one.cohort for one in cohorts]
        taught = pool.map(learned, cohorts, [*cohorts[1:], cohorts[0]])
        return list(track(taught, "after a round before", total=n_cohorts))


def measured(cohorts: Sequence[Cohort], n_cases: int) -> Round:
    """Let every strategy queue, and the reader read, at all prices; then take away what correcting takes."""
    costs = CostModel()
    prices = {AS_IT_IS: costs} | {
        f"{name} x {factor:g}": replace(costs, **{name: getattr(costs, name) * factor})
        for name in PRICES
        for factor in (0.5, 2.0)
    }
    by_price = {name: _all_minutes(cohorts, n_cases, one) for name, one in prices.items()}
    by_price["a whole organ takes 2 looks"] = _all_minutes(cohorts, n_cases, costs, whole_looks=2.0)
    repair = np.array([costs.minutes(changed_ml=TARGET * one.error_ml) for one in cohorts]) / n_cases
    looking = {name: minutes - repair for name, minutes in by_price[AS_IT_IS].items()}
    return Round(cohorts=cohorts, n_cases=n_cases, by_price=by_price, looking=looking)


def draw(rounds: Mapping[str, Round]) -> None:
    """Draw the share of error removed against minutes a case; a band holds all cohorts."""
    with panels(DOCS / "pictures" / "effort-curve.png", len(rounds)) as several:
        for (title, one), axes in zip(rounds.items(), several, strict=True):
            costs, cohorts, n_cases = CostModel(), one.cohorts, one.n_cases
            curves = {name: [curve_of(name, each, costs) for each in cohorts] for name in STRATEGIES}
            most = max(each.minutes[-1] / n_cases for own in curves.values() for each in own)
            grid = np.linspace(0.0, most, 200)
            for name, own in curves.items():
                paired = zip(own, cohorts, strict=True)
                shares = [np.interp(grid, a.minutes / n_cases, a.removed_ml / b.error_ml) for a, b in paired]
                (line,) = axes.plot(grid, np.mean(shares, axis=0), label=name)
                band = np.min(shares, axis=0), np.max(shares, axis=0)
                axes.fill_between(grid, *band, color=line.get_color(), alpha=0.15)
            axes.axhline(TARGET, color="grey", linewidth=0.8, linestyle=":")
            axes.set(ylim=(0, 1.02), xlim=(0, most), title=f"{title} round", xlabel="expert minutes a case")
        several[0].set_ylabel("share of error volume removed")
        several[0].legend(loc="lower right", frameon=False, fontsize=8)


def _all_minutes(
    cohorts: Sequence[Cohort], n_cases: int, costs: CostModel, whole_looks: float = 1.0
) -> Minutes:
    def minutes(name: str, one: Cohort) -> float:
        seeds = range(N_DRAWS if name in RANDOM else 1)
        curves = (curve_of(name, one, costs, seed, whole_looks=whole_looks) for seed in seeds)
        return float(np.mean([minutes_to(curve, TARGET * one.error_ml) for curve in curves]) / n_cases)

    return {name: np.array([minutes(name, one) for one in cohorts]) for name in STRATEGIES}


def _figures(one: Round) -> dict[str, object]:
    ours, other = one.plain[OURS], one.plain[OTHER]
    touched = [curve_of(SPOTS, each, CostModel()).removed_ml[-1] for each in one.cohorts]
    return {
        "ratio": _ratio(one.plain, OURS),
        "interval": _interval(other, ours) if ours.all() and not np.isnan(ours + other).any() else None,
        "looking_ratio": _ratio(one.looking, OURS),
        "reached": float(sum(touched) / sum(each.error_ml for each in one.cohorts)),
        "bound_ratio": _ratio(one.plain, BOUND),
        "minutes_a_case": {name: _known(values.mean()) for name, values in one.plain.items()},
        "ratio_by_price": {name: _ratio(minutes, OURS) for name, minutes in one.by_price.items()},
        "error_ml": [round(each.error_ml, 1) for each in one.cohorts],
    }


def _told(name: str, one: Round) -> list[str]:
    rows = [row for each in one.cohorts for row in each.rows.values()]
    share = sum(bool(row.regions_ml) for row in rows) / len(rows)
    error_ml = sum(each.error_ml for each in one.cohorts) / (len(one.cohorts) * one.n_cases)
    text = f"**A {name} round**: {share:.0%} of the organs hold an error, {error_ml:.0f} mL a case in all."
    head = ["strategy", "minutes a case to 80 %", "of them looking", f"{OTHER} by it", "looking alone"]
    both = one.plain, one.looking
    strategies = [
        [
            each if each in (FRESH, SPOTS, BOUND) else f"`{each}`",
            *(_minutes(minutes[each]) for minutes in both),
            *(_times(minutes, each) for minutes in both),
        ]
        for each in STRATEGIES
    ]
    order = [*STRATEGIES[2:], OURS]
    prices = [[price, *(_times(minutes, each) for each in order)] for price, minutes in one.by_price.items()]
    return [text, table([head, *strategies]), table([["prices", *order], *prices])]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _ratio(minutes: Minutes, name: str) -> float | None:
    """Say how many times longer the other takes than a strategy."""
    return _known(minutes[OTHER].mean() / minutes[name].mean())


def _times(minutes: Minutes, name: str) -> str:
    ratio = _ratio(minutes, name)
    return "-" if ratio is None else f"{ratio:.2f}"


def _interval(values: Values, by: Values | None = None) -> tuple[float, float]:
    """Bootstrap the mean over cohorts, or the quotient of two means."""
    rng, by = np.random.default_rng(0), np.ones(len(values)) if by is None else by
    drawn = (rng.integers(0, len(values), len(values)) for _ in range(2000))
    low, high = np.percentile([values[one].sum() / by[one].sum() for one in drawn], [2.5, 97.5]).tolist()
    return low, high


def _minutes(values: Values) -> str:
    if np.isnan(values).any():
        return f"not reached in {np.isnan(values).sum()} of {len(values)}"
    low, high = _interval(values)
    return f"{values.mean():.1f} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    given = asked(options(__doc__, write="put tables and figure into the docs"))
    main(given.quick, given.write)
