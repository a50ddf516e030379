"""What time removes 80 % of the error? Run: python benchmarks/effort_curve.py [--quick] [--write].

Every strategy of `omentum score`, on the same cohorts of synthetic patients (effort/cohort.py), read by one
simulated reader at the same prices (effort/reader.py), which are also halved and doubled, one at a time. What
counts as error: omentum/measures/error_regions.py. *bound* knows how much is wrong in every organ: no order
of organs does better. As every queue pays for what is corrected, minutes are also told without that: the
*looking*.

Two projects: in a *late round* one organ in twenty is left wrong, as in the published project, and that is
the figure reported first; in a *first round* all are left as the networks say it. There nearly every organ
holds an error and most of the minutes are corrections, so that even the bound is far from half of chance.

Cohorts are different patients; intervals are a bootstrap over cohorts, of 95 %, of means. Random strategies
are drawn several times a cohort. `--write` puts table and figure into docs/queue.md.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.progress import track

from effort.cohort import LATE, ROUNDS
from effort.page import write_picture
from effort.reader import BOUND, FRESH, SPOTS, Cohort, Curve, curve_of, minutes_to
from effort.rows import MINUTES_BEFORE, learned, scored
from measure import report
from omentum.measures.effort import CostModel
from page import put_into, table

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "queue.md"
PICTURE = ROOT / "docs" / "pictures" / "effort-curve.png"
SHOWN = "![Share of the error removed against expert minutes](pictures/effort-curve.png)"
STRATEGIES = ("expected-error", "foreground-random", "random", "entropy", "published", FRESH, SPOTS, BOUND)
RANDOM = ("random", "foreground-random")
OURS, OTHER = "expected-error", "foreground-random"
AS_IT_IS = "as it is"
WHOLE_X_2 = "a whole organ takes 2 looks"
TARGET = 0.8
N_DRAWS = 20
Minutes = dict[str, list[float | None]]
"""By strategy, of each cohort: minutes to the target; `None` if it is never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What was measured of one kind of project.

    Attributes:
        cohorts: Whose minutes they are.
        by_price: Minutes by what was changed of the prices; the first are the prices as they are.
        looking: Minutes without what correcting takes.
    """

    cohorts: Sequence[Cohort]
    by_price: Mapping[str, Minutes]
    looking: Minutes

    @property
    def plain(self) -> Minutes:
        """Minutes at the prices as they are."""
        return self.by_price[AS_IT_IS]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="2 cohorts of 5 patients instead of 6 of 20")
    parser.add_argument("--write", action="store_true", help="put tables and figure into the docs")
    asked = parser.parse_args()
    n_cohorts, n_cases = (2, 5) if asked.quick else (6, 20)
    rounds, parts = {}, []
    for name in ROUNDS:
        rounds[name] = measured(cohorts_of(name, n_cohorts, n_cases))
        parts += _told(name, rounds[name], n_cases)
        print("\n\n".join(_told(name, rounds[name], n_cases)), flush=True)
    if asked.write:
        put_into(DOCUMENT, "effort_curve", "\n\n".join([*parts, SHOWN]))
        write_picture(PICTURE, {name: _drawn(one.cohorts, n_cases) for name, one in rounds.items()})
    late = rounds[LATE].plain
    ours, other = _mean(late[OURS]), _mean(late[OTHER])
    report(
        "effort_curve",
        ours=None if ours is None else ours / n_cases,
        other=None if other is None else other / n_cases,
        unit="minutes a case to remove 80 % of the error volume in a late round",
        quick=asked.quick,
        keep=asked.write,
        **{f"{name}_round": _figures(one) for name, one in rounds.items()},
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


def measured(cohorts: Sequence[Cohort]) -> Round:
    """Let every strategy queue, and the reader read."""
    by_price = {name: _all_minutes(cohorts, costs) for name, costs in _priced(CostModel()).items()}
    by_price[WHOLE_X_2] = _all_minutes(cohorts, CostModel(), whole_looks=2.0)
    looking = _looking(by_price[AS_IT_IS], cohorts, CostModel())
    return Round(cohorts=cohorts, by_price=by_price, looking=looking)


def _figures(one: Round) -> dict[str, object]:
    return {
        "ratio": _ratio(one.plain),
        "interval": _ratio_interval(one.plain),
        "looking_ratio": _ratio(one.looking),
        "reached": _reached(one.cohorts),
        "bound_ratio": _ratio({OURS: one.plain[BOUND], OTHER: one.plain[OTHER]}),
        "minutes": {name: _mean(values) for name, values in one.plain.items()},
        "ratio_by_price": {name: _ratio(minutes) for name, minutes in one.by_price.items()},
        "error_ml": [round(each.error_ml, 1) for each in one.cohorts],
    }


def _told(name: str, one: Round, n_cases: int) -> list[str]:
    share = sum(bool(row.regions_ml) for each in one.cohorts for row in each.rows.values()) / sum(
        len(each.rows) for each in one.cohorts
    )
    error_ml = sum(each.error_ml for each in one.cohorts) / (len(one.cohorts) * n_cases)
    head = f"**A {name} round**: {share:.0%} of the organs hold an error, {error_ml:.0f} mL a case in all."
    return [head, _strategies(one.plain, one.looking, n_cases), _prices(one.by_price)]


def _priced(costs: CostModel) -> dict[str, CostModel]:
    """Give the prices as they are, and each halved and doubled."""
    changed = {
        f"{name} x {factor:g}": replace(costs, **{name: price * factor})
        for name, price in asdict(costs).items()
        for factor in (0.5, 2.0)
    }
    return {AS_IT_IS: costs, **changed}


def _curves(name: str, one: Cohort, costs: CostModel, whole_looks: float) -> list[Curve]:
    seeds = range(N_DRAWS if name in RANDOM else 1)
    return [curve_of(name, one, costs, seed, whole_looks=whole_looks) for seed in seeds]


def _all_minutes(cohorts: Sequence[Cohort], costs: CostModel, whole_looks: float = 1.0) -> Minutes:
    return {
        name: [
            _mean(
                [minutes_to(curve, TARGET * one.error_ml) for curve in _curves(name, one, costs, whole_looks)]
            )
            for one in cohorts
        ]
        for name in STRATEGIES
    }


def _looking(minutes: Minutes, cohorts: Sequence[Cohort], costs: CostModel) -> Minutes:
    """Take away what correcting 80 % takes whichever way it was found."""
    repair = [costs.minutes(changed_ml=TARGET * one.error_ml) for one in cohorts]
    return {
        name: [None if value is None else value - less for value, less in zip(values, repair, strict=True)]
        for name, values in minutes.items()
    }


def _reached(cohorts: Sequence[Cohort]) -> float:
    """Give the share of the error that all our hot spots together touch."""
    ends = [curve_of(SPOTS, one, CostModel()).removed_ml[-1] for one in cohorts]
    return float(sum(ends) / sum(one.error_ml for one in cohorts))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if len(known) == len(values) else None


def _ratio(minutes: Mapping[str, Sequence[float | None]]) -> float | None:
    ours, other = _mean(minutes[OURS]), _mean(minutes[OTHER])
    return None if ours is None or other is None else other / ours


def _bootstrapped(n_values: int, statistic: Callable[[list[int]], float]) -> tuple[float, float]:
    rng = np.random.default_rng(0)
    drawn = [statistic(rng.integers(0, n_values, n_values).tolist()) for _ in range(2000)]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return low, high


def _ratio_interval(minutes: Minutes) -> tuple[float, float] | None:
    ours, other = minutes[OURS], minutes[OTHER]
    if None in ours or None in other or 0.0 in ours:
        return None
    a, b = np.array(ours, dtype=float), np.array(other, dtype=float)
    return _bootstrapped(len(ours), lambda chosen: float(b[chosen].sum() / a[chosen].sum()))


def _interval(values: Sequence[float | None], n_cases: int) -> str:
    mean = _mean(values)
    if mean is None:
        return f"not reached in {sum(value is None for value in values)} of {len(values)}"
    of_all = np.array(values, dtype=float) / n_cases
    low, high = _bootstrapped(len(values), lambda chosen: float(of_all[chosen].mean()))
    return f"{mean / n_cases:.1f} ({low:.1f} to {high:.1f})"


def _times(minutes: Minutes, name: str) -> str:
    ratio = _ratio({OURS: minutes[name], OTHER: minutes[OTHER]})
    return "-" if ratio is None else f"{ratio:.2f}"


def _strategies(plain: Minutes, looking: Minutes, n_cases: int) -> str:
    head = ["strategy", "minutes a case to 80 %", "of them looking", f"{OTHER} by it", "looking alone"]
    rows = [
        [
            f"`{name}`" if name not in (FRESH, SPOTS, BOUND) else name,
            _interval(plain[name], n_cases),
            _interval(looking[name], n_cases),
            _times(plain, name),
            _times(looking, name),
        ]
        for name in STRATEGIES
    ]
    return table([head, *rows])


def _prices(told: Mapping[str, Minutes]) -> str:
    head = ["prices", *STRATEGIES[2:], OURS]
    order = [*STRATEGIES[2:], OURS]
    return table([head, *([name, *(_times(one, each) for each in order)] for name, one in told.items())])


def _drawn(cohorts: Sequence[Cohort], n_cases: int) -> dict[str, list[tuple[Curve, float, int]]]:
    return {
        name: [(curve_of(name, one, CostModel()), one.error_ml, n_cases) for one in cohorts]
        for name in STRATEGIES
    }


if __name__ == "__main__":
    main()
