"""Can a network learn organs that it was never asked for? Run: python benchmarks/new_organs.py [--quick].

Two rounds on synthetic patients, two new organs in each, five old ones. Continual Tuning gives the network
new heads, with adapters or without, and lets them learn on its frozen trunk; full training begins anew.
`tuning/rounds.py` says what each learns from. Time is counted as in continual_vs_full.py: everything, up
to the first judgement that reaches full training's final Dice of the round's organs minus 0.005; who never
gets there says by how much.

Published (Zhang et al. 2024, arXiv:2402.19423), mean Dice of the new organs: 0, then 0.53, then 0.76 with
Swin UNETR, and 0.34, then 0.79 with U-Net, the old ones at 0.90 throughout.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from measure import asked, options, report
from omentum.networks.network import Network
from page import DOCS, put_into, table
from tuning.bench import SLACK_DICE
from tuning.curves import Outcome, Point
from tuning.judge import FrozenJudge, changed_voxels, dice_by_organ, mean_dice
from tuning.rounds import NEW, OLD, WAYS, NewSettings, RoundBench, known_in, run_round

OURS, FULL = "heads and adapters", "full"
"""An organ that the trunk was never asked for needs more than the eight features made for others."""
QUICK = NewSettings(
    n_cases=24,
    n_labelled=6,
    n_validation=2,
    n_test=3,
    base_steps=60,
    full_steps=40,
    full_every=20,
    heads_steps=50,
    heads_every=25,
)


Found = Mapping[tuple[str, int], Outcome]
"""By way and round."""


def main(quick: bool, write: bool) -> None:
    bench = RoundBench(settings=QUICK if quick else NewSettings())
    base = _after(bench, bench.base(), (), 0)
    found = {
        (way, number): _after(bench, *run_round(bench, way, number), number)
        for number in (1, 2)
        for way in WAYS
    }
    targets = [found[FULL, number].end.revised - SLACK_DICE for number in (1, 2)]
    text = table(_rows(base, found, targets))
    print(text)
    if write:
        put_into(DOCS / "tuning-measured.md", "new_organs", text)
    ours, other = (_seconds(found, way, targets) for way in (OURS, FULL))
    report(
        "new_organs",
        ours=ours,
        other=other,
        unit="s in both rounds to full training's Dice of the new organs - 0.005",
        quick=quick,
        targets=targets,
        old_voxels_changed=max(
            changed_voxels(base.masks, one.masks) for (way, _), one in found.items() if way != FULL
        ),
        old_dice=[mean_dice(one.dice, OLD) for one in (base, found[OURS, 1], found[OURS, 2])],
        gaps={f"{way} {n}": one.gap(targets[n - 1]) for (way, n), one in found.items()},
        dice={f"{way} {number}": one.dice for (way, number), one in found.items()},
        seconds={f"{way} {number}": one.end.seconds for (way, number), one in found.items()},
        settings=asdict(bench.settings),
    )


def _after(bench: RoundBench, network: Network, points: Sequence[Point], number: int) -> Outcome:
    judge = FrozenJudge(network, bench.test)
    old_masks = list(judge.masks(network, OLD))  # asked for alone: only the same list gives the same bits
    dice = dice_by_organ(old_masks, bench.test, OLD)
    if number:
        dice |= judge.dice(network, known_in(number))
    return Outcome(points=points, dice=dice, masks=old_masks)


def _seconds(found: Found, way: str, targets: Sequence[float]) -> float | None:
    each = [found[way, n].seconds_to(targets[n - 1]) for n in (1, 2)]
    known = [one for one in each if one is not None]
    return sum(known) if len(known) == len(each) else None


def _rows(base: Outcome, found: Found, targets: Sequence[float]) -> list[list[str]]:
    rows = [["round", "way", "s to target", "s in all", "CPU h", "old organs", *NEW, "mean of the new"]]
    rows.append(["before", "", "", "", "", *_dice(base)])
    for (way, number), one in found.items():
        taken = [f"{one.end.seconds:.0f}", f"{one.end.cpu_seconds / 3600:.3f}"]
        rows.append([str(number), way, one.told(targets[number - 1]), *taken, *_dice(one)])
    return rows


def _dice(one: Outcome) -> list[str]:
    """Tell Dice: a new organ that is not known yet counts 0."""
    each = [one.dice.get(name, 0.0) for name in NEW]
    cells = [f"{one.dice[name]:.3f}" if name in one.dice else "-" for name in NEW]
    return [f"{mean_dice(one.dice, OLD):.3f}", *cells, f"{sum(each) / len(NEW):.3f}"]


if __name__ == "__main__":
    given = asked(options(__doc__, write="put the table into the docs"))
    main(given.quick, given.write)
