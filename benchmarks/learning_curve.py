"""What do a reader's minutes teach? Run: python benchmarks/learning_curve.py [--quick] [--write].

At six sites that scan and draw as the shipped network never saw, masks are revised to the site's truth, 64 in
five rounds, those first of which the network expects the lowest Dice. Each arm learns from the same masks;
what it has come to is judged on 24 held-out patients of the site.

ours            what `omentum tune` does, round by round (`curve/tuned.py`)
heads only      what it did before
nothing         the shipped network stays as it is
full training   all weights, from the shipped ones on, after 16 and 64 masks, at two sites (`curve/whole.py`)

`curve/plan.py` says what was fixed beforehand, `curve/pool.py` which masks are revised and what that takes,
`curve/judged.py` how Dice is measured. Times are the processor's, so that work beside it does not count, and
include caching. Those of the arms that tune are of all rounds together, that of full training is of the one
training whose weights are kept, its looks not counted.

Every round and every full training is kept below scratch/ under the plan, the code and the shipped weights: a
run that was killed goes on. `--site` and `--arm` run a part, `--kept` runs nothing and tells what is there.
`--write` puts tables and curves into the docs.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from curve.figures import Measured, Results, gained_share, lost, worse_rounds
from curve.judged import Figures, judged
from curve.patients import FIRST_HELD_OUT, FIRST_VALIDATION, patients_of
from curve.plan import FULL, HEADS, NOTHING, ORGANS, OURS, QUICK, Plan, folder_for
from curve.pool import Pool, pool_of
from curve.tell import curve_table, draw, full_table, organ_table, verdict
from curve.tuned import ROUND, tune_rounds
from curve.whole import train_whole
from measure import asked, options, report
from omentum.networks.catalogue import find_weights
from omentum.networks.network import Network
from omentum.networks.weights import load_network
from omentum.volumes.atomic import write_json
from page import DOCS, put_into
from tuning.curves import WEIGHTS

ARMS = (NOTHING, OURS, HEADS, FULL)
DOCUMENT = DOCS / "tuning-measured.md"
PICTURE = DOCS / "pictures" / "learning-curve.png"
SHOWN = "![Dice on held-out patients against the reader's minutes, at six sites](pictures/learning-curve.png)"
JUDGED = "judged.json"


def main(plan: Plan, arms: Sequence[str], *, quick: bool, kept: bool, write: bool) -> None:
    base = load_network(find_weights("starter")).eval().requires_grad_(False)
    results: dict[tuple[str, str, int], Measured] = {}
    for site in plan.sites:
        folder = folder_for(site, plan, base)
        if not kept:
            run_site(base, site, plan, arms, folder)
        results |= results_of(site, plan, arms, folder)
    tables = [curve_table(results, plan), full_table(results, plan), organ_table(results, plan.sizes[-1])]
    text = "\n\n".join(filter(None, [*tables, verdict(results, plan)]))
    print(text)
    if write:
        draw(results, plan, PICTURE)
        put_into(DOCUMENT, "learning_curve", f"{text}\n\n{SHOWN}")
    report(
        "learning_curve",
        ours=_seconds(results, OURS, plan),
        other=_seconds(results, FULL, plan),
        unit="processor s of all fits, at the sites of full training",
        quick=quick,
        keep=write,
        **_summary(results, plan),
    )


def run_site(base: Network, site: str, plan: Plan, arms: Sequence[str], folder: Path) -> None:
    """Run what is not kept yet of the arms at one site, and judge what was not judged yet."""
    if _all_judged(site, plan, arms, folder):
        return
    pool = pool_of(site, plan, base, folder)
    for arm in arms:
        _run_arm(base, site, arm, pool, plan, folder)
    networks, paths = {}, {}
    for arm, n in _points(site, plan, arms):
        own = folder / arm.replace(" ", "-") / str(n)
        if not (own / JUDGED).is_file():
            networks[f"{arm} {n}"] = base if arm == NOTHING else load_network(own / WEIGHTS)
            paths[f"{arm} {n}"] = own / JUDGED
    patients = patients_of(site, range(FIRST_HELD_OUT, FIRST_HELD_OUT + plan.n_held_out))
    for key, figures in judged(networks, base, patients).items():
        paths[key].parent.mkdir(parents=True, exist_ok=True)
        write_json(paths[key], figures)


def results_of(site: str, plan: Plan, arms: Sequence[str], folder: Path) -> Results:
    """Read what arms came to at one site, as far as it was judged; times of rounds are summed up."""
    found: dict[tuple[str, str, int], Measured] = {}
    spent = dict.fromkeys(arms, np.zeros(3))
    for arm, n in _points(site, plan, arms):
        own = folder / arm.replace(" ", "-") / str(n)
        if not (own / JUDGED).is_file():
            continue
        figures: Figures = _read(own / JUDGED)
        if n:
            taken = _read(own / ROUND)
            now = np.array([taken[key] for key in ("minutes", "seconds", "cpu_seconds")])
            spent[arm] = now if arm == FULL else spent[arm] + now
        minutes, seconds, cpu_seconds = spent[arm].tolist()
        found[site, arm, n] = Measured(
            dice=_means(figures["dice"]),
            surface=_means(figures["surface"]),
            minutes=minutes,
            seconds=seconds,
            cpu_seconds=cpu_seconds,
        )
    return found


def _run_arm(base: Network, site: str, arm: str, pool: Pool, plan: Plan, folder: Path) -> None:
    own, sizes = folder / arm.replace(" ", "-"), plan.sizes_of(site, arm)
    if arm in (OURS, HEADS):
        tune_rounds(base, pool, arm, sizes, own)
    if arm == FULL and sizes:
        seeds = range(FIRST_VALIDATION, FIRST_VALIDATION + plan.n_validation)
        validation = patients_of(site, seeds)
        for n in sizes:
            train_whole(base, pool, validation, n, plan, own)


def _points(site: str, plan: Plan, arms: Sequence[str]) -> Iterator[tuple[str, int]]:
    yield from ((arm, n) for arm in arms for n in plan.sizes_of(site, arm))


def _all_judged(site: str, plan: Plan, arms: Sequence[str], folder: Path) -> bool:
    points = _points(site, plan, arms)
    return all((folder / arm.replace(" ", "-") / str(n) / JUDGED).is_file() for arm, n in points)


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _means(by_organ: dict[str, list[float | None]]) -> dict[str, float]:
    """Average over the patients who have the organ, or of whom the network says so."""
    return {
        name: float(np.mean([one for one in by_organ[name] if one is not None] or [np.nan]))
        for name in ORGANS
    }


def _seconds(results: Results, arm: str, plan: Plan) -> float | None:
    """Give what an arm's fits take to the last number of masks, in the mean over sites of full training."""
    n = plan.full_sizes[-1]
    found = [results[site, arm, n].cpu_seconds for site in plan.full_sites if (site, arm, n) in results]
    return float(np.mean(found)) if found else None


def _summary(results: Results, plan: Plan) -> dict:
    tuned = [arm for arm in (OURS, HEADS) if any(own == arm for _, own, _ in results)]
    last = plan.full_sizes[-1]
    return {
        "gained_share": {n: gained_share(results, n, last) for n in plan.full_sizes},
        "worst_organ": {arm: lost(results, arm) for arm in tuned},
        "rounds_worse": {arm: worse_rounds(results, arm) for arm in tuned},
        "results": [
            {
                "site": site,
                "arm": arm,
                "masks": n,
                "minutes": one.minutes,
                "seconds": one.seconds,
                "cpu_seconds": one.cpu_seconds,
                "dice": one.dice,
                "surface_dice": one.surface,
            }
            for (site, arm, n), one in results.items()
        ],
    }


if __name__ == "__main__":
    parser = options(__doc__, write="put tables and picture into the docs")
    parser.add_argument("--site", action="append", help="only this one; may be given several times")
    parser.add_argument("--arm", action="append", choices=ARMS[1:], help="only this one, beside nothing")
    parser.add_argument("--kept", action="store_true", help="run nothing; tell what is there")
    given = asked(parser)
    if given.write and (given.site or given.arm):
        parser.error(
            "--write keeps all sites and arms: leave out --site and --arm, what is kept is not redone"
        )
    wanted = QUICK if given.quick else Plan()
    if given.site:
        from dataclasses import replace

        wanted = replace(wanted, sites=tuple(given.site))
    main(wanted, (NOTHING, *(given.arm or ARMS[1:])), quick=given.quick, kept=given.kept, write=given.write)
