"""Can a network learn organs that it was never asked for? Run: python benchmarks/new_organs.py [--quick].

Two rounds on synthetic patients, two new organs in each, five old ones. Continual Tuning gives the network
new heads, with adapters or without, and lets them learn on its frozen trunk; full training begins anew.
`tuning/rounds.py` says what each learns from. Time is counted as in continual_vs_full.py: everything, up
to the first judgement that reaches full training's final Dice of the round's organs minus 0.005; who never
gets there says by how much.

Published (Zhang et al. 2024, arXiv:2402.19423), mean Dice of the new organs: 0, then 0.53, then 0.76 with
Swin UNETR, and 0.34, then 0.79 with U-Net, the old ones at 0.90 throughout.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from measure import report
from omentum.networks.network import Network
from page import put_into, table
from tuning.curves import Point, seconds_to
from tuning.judge import FrozenJudge, Masks, changed_voxels, dice_by_organ, mean_dice
from tuning.rounds import NEW, OLD, WAYS, NewSettings, RoundBench, known_in, run_round

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "tuning-measured.md"
OURS, FULL = "heads and adapters", "full"
"""An organ that the trunk was never asked for needs more than the eight features made for others."""
SLACK_DICE = 0.005
QUICK = NewSettings(
    n_cases=24,
    n_labelled=6,
    n_validation=2,
    n_test=3,
    base_steps=60,
    full_steps=40,
    every=20,
    heads_steps=50,
    heads_every=25,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """What a way came to after a round."""

    points: Sequence[Point]
    dice: dict[str, float]
    old_masks: list[Masks]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few cases and steps: proves that it runs")
    parser.add_argument("--write", action="store_true", help="put the table into the docs")
    asked = parser.parse_args()
    bench = RoundBench(settings=QUICK if asked.quick else NewSettings())
    base = _after(bench, bench.base(), (), 0)
    found = {
        (way, number): _after(bench, *run_round(bench, way, number), number)
        for number in (1, 2)
        for way in WAYS
    }
    targets = [found[FULL, number].points[-1].revised - SLACK_DICE for number in (1, 2)]
    text = table(_rows(base, found, targets))
    print(text)
    if asked.write and not asked.quick:
        put_into(DOCUMENT, "new_organs", text)
    ours, other = (_seconds(found, way, targets) for way in (OURS, FULL))
    report(
        "new_organs",
        ours=ours,
        other=other,
        unit="s in both rounds to full training's Dice of the new organs - 0.005",
        quick=asked.quick,
        targets=targets,
        old_voxels_changed=max(
            changed_voxels(base.old_masks, one.old_masks) for (way, _), one in found.items() if way != FULL
        ),
        old_dice=[mean_dice(one.dice, OLD) for one in (base, found[OURS, 1], found[OURS, 2])],
        gaps={f"{way} {n}": max(0.0, targets[n - 1] - _best(one)) for (way, n), one in found.items()},
        dice={f"{way} {number}": one.dice for (way, number), one in found.items()},
        seconds={f"{way} {number}": one.points[-1].seconds for (way, number), one in found.items()},
        settings=asdict(bench.settings),
    )


def _after(bench: RoundBench, network: Network, points: Sequence[Point], number: int) -> After:
    judge = FrozenJudge(network, bench.test)
    old_masks = list(judge.masks(network, OLD))  # asked for alone: only the same list gives the same bits
    dice = dice_by_organ(old_masks, bench.test, OLD)
    if number:
        dice |= judge.dice(network, known_in(number))
    return After(points=points, dice=dice, old_masks=old_masks)


def _seconds(found: dict[tuple[str, int], After], way: str, targets: Sequence[float]) -> float | None:
    each = [seconds_to(found[way, n].points, targets[n - 1]) for n in (1, 2)]
    known = [one for one in each if one is not None]
    return sum(known) if len(known) == len(each) else None


def _best(one: After) -> float:
    return max(point.revised for point in one.points)


def _rows(base: After, found: dict[tuple[str, int], After], targets: Sequence[float]) -> list[list[str]]:
    rows = [["round", "way", "s to target", "s in all", "CPU h", "old organs", *NEW, "mean of the new"]]
    rows.append(["before", "", "", "", "", *_dice(base)])
    for (way, number), one in found.items():
        seconds, end = seconds_to(one.points, targets[number - 1]), one.points[-1]
        missed = f"never: {targets[number - 1] - _best(one):.3f} below"
        told = f"{seconds:.0f}" if seconds else missed
        rows.append(
            [str(number), way, told, f"{end.seconds:.0f}", f"{end.cpu_seconds / 3600:.3f}", *_dice(one)]
        )
    return rows


def _dice(one: After) -> list[str]:
    """Tell Dice: a new organ that is not known yet counts 0."""
    each = [one.dice.get(name, 0.0) for name in NEW]
    cells = [f"{one.dice[name]:.3f}" if name in one.dice else "-" for name in NEW]
    return [f"{mean_dice(one.dice, OLD):.3f}", *cells, f"{sum(each) / len(NEW):.3f}"]


if __name__ == "__main__":
    main()
