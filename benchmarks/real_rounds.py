"""What do strategies gain over real rounds? Run: python benchmarks/real_rounds.py [--quick] [--write].

Rounds of whole projects, by the product's own steps: networks predict, attention is scored, a strategy makes
the queue, a simulated reader works it off at the prices of omentum/measures/effort.py, the network is tuned
on what he revised, the gate judges it on held-out patients, and the next round begins with what it lets pass.
Nothing is mended by hand: every network was tuned in the round before (rounds/play.py).

Strategies begin from the same predictions of the same patients, and have the same minutes a round. Told are,
by round, the error volume that the reader removes a minute; what is then left wrong in all masks that stand,
as the network of the next round predicts; the share of organs that need a major revision, by the audit's own
rule; and Dice on held-out patients. The minutes to no major revision end with the round after which that
share is at most what `audit_bound` is by default.

A run that was killed goes on, as long as the code is the same: each round of each strategy is kept below
scratch/real-rounds/. `--sites` names other sites, `--processes` how many strategies are played at a time.
"""

import hashlib
import json
from argparse import Namespace
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch

from measure import asked, options, report
from omentum.project.settings import Settings
from page import DOCS, put_into, table
from rounds.play import PlayedRound, play
from rounds.site import Plan, begin_site
from tuning.kept import code_sha256

SCRATCH = Path(__file__).resolve().parents[1] / "scratch" / "real-rounds"
ROOMS = ("evaluate", "networks", "phantoms", "predict", "review", "score", "tune")
OURS, OTHER = "expected-error", "published"
QUICK = Plan(
    sites=("mixed",),
    strategies=(OURS, OTHER),
    n_learned=3,
    n_held_out=1,
    n_rounds=1,
    minutes=10.0,
    steps=20,
    spacing_mm=(6.0, 6.0, 6.0),
)
Played = dict[str, list[list[PlayedRound]]]
"""By strategy, of each site, the rounds."""


def main(given: Namespace) -> None:
    plan = QUICK if given.quick else Plan()
    plan = replace(plan, sites=tuple(given.sites)) if given.sites else plan
    played = all_played(plan, given.processes)
    text = _told(played, plan)
    print(text)
    if given.write:
        put_into(DOCS / "queue.md", "real_rounds", text)
    report(
        "real_rounds",
        ours=_minutes_a_ml(played[OURS]),
        other=_minutes_a_ml(played[OTHER]),
        unit="minutes to remove 1 mL of error, over all rounds",
        quick=given.quick,
        plan=asdict(plan),
        rounds={name: [[asdict(one) for one in site] for site in sites] for name, sites in played.items()},
        minutes_a_ml={name: _minutes_a_ml(sites) for name, sites in played.items()},
        minutes_to_no_major={
            name: [_minutes_to_no_major(one) for one in sites] for name, sites in played.items()
        },
    )


def all_played(plan: Plan, n_processes: int) -> Played:
    """Play all rounds, several strategies at a time."""
    kept = SCRATCH / _key(plan)
    with ProcessPoolExecutor(n_processes, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        list(pool.map(begin_site, [kept / one for one in plan.sites], plan.sites, [plan] * len(plan.sites)))
        jobs = {
            (strategy, site): pool.submit(played_at, kept / site, strategy, plan)
            for site in plan.sites
            for strategy in plan.strategies
        }
        return {name: [jobs[name, site].result() for site in plan.sites] for name in plan.strategies}


def played_at(folder: Path, strategy: str, plan: Plan) -> list[PlayedRound]:
    """Play the rounds of a strategy at one site."""
    return [play(folder, strategy, number, plan) for number in range(1, plan.n_rounds + 1)]


def _key(plan: Plan) -> str:
    """Name the folder of a plan with this code; sites and strategies may be added to it."""
    code = code_sha256(ROOMS, sorted((Path(__file__).parent / "rounds").glob("*.py")))
    of_all_sites = {
        name: value for name, value in asdict(plan).items() if name not in ("sites", "strategies")
    }
    return hashlib.sha256((code + json.dumps(of_all_sites, sort_keys=True)).encode()).hexdigest()[:12]


def _minutes_a_ml(sites: Sequence[Sequence[PlayedRound]]) -> float:
    every = [one for site in sites for one in site]
    return sum(one.minutes for one in every) / sum(one.removed_ml for one in every)


def _minutes_to_no_major(rounds: Sequence[PlayedRound]) -> float | None:
    """Sum the minutes until few enough organs need a major revision; `None` where that was not reached."""
    clean = (n for n, one in enumerate(rounds, start=1) if one.major_share <= Settings().audit_bound)
    number = next(clean, None)
    return None if number is None else sum(one.minutes for one in rounds[:number])


def _told(played: Played, plan: Plan) -> str:
    head = ["strategy", "round", "minutes", "mL removed a minute", "mL left wrong", "major", "held-out Dice"]
    rows = [
        [f"`{name}`", str(number), *_cells([site[number - 1] for site in sites])]
        for name, sites in played.items()
        for number in range(1, plan.n_rounds + 1)
    ]
    return table([head, *rows])


def _cells(at_sites: Sequence[PlayedRound]) -> list[str]:
    minutes, removed_ml = (sum(getattr(one, key) for one in at_sites) for key in ("minutes", "removed_ml"))
    left, major, dice = (
        float(np.mean([getattr(one, key) for one in at_sites])) for key in ("error_ml", "major_share", "dice")
    )
    return [f"{minutes:.0f}", f"{removed_ml / minutes:.2f}", f"{left:.0f}", f"{major:.1%}", f"{dice:.3f}"]


if __name__ == "__main__":
    parser = options(__doc__, write="put the table into the docs")
    parser.add_argument("--sites", nargs="+", metavar="STYLE", help="sites other than those of the plan")
    parser.add_argument("--processes", type=int, default=2, help="strategies at a time (2)")
    main(asked(parser))
