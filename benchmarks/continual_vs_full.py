"""How much sooner is Continual Tuning there? Run: python benchmarks/continual_vs_full.py [--quick] [--write].

The published experiment (Zhang et al. 2024, arXiv:2402.19423) on synthetic patients: a base network that has
learned from labels of which four organs' are wrong; then 12 of 200 cases come back revised. What takes how
long to learn from those? `tuning/arms.py` says what each way sees, `tuning/bench.py` what was fixed
beforehand.

One rule for all, full training too: an arm runs its own schedule once, and is judged at a fixed number of
steps on the same patients. Its time is that of its first judgement that reaches full training's final Dice of
the four organs minus 0.005, and everything counts: caching, tuning, each judgement. An arm that never gets
there says by how much it misses, and all say how long full training took to the Dice at which the arm ended.
In the end all are judged on other patients, off the clock.

On a GPU (`--device cuda`, with `--network universal-unet` the published network) table and figures are kept
apart. What an arm came to is kept below scratch/ under its settings and code: a run that was killed goes on,
and arms can be run one at a time (`--arm`). `--write` puts table and curves into the docs.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from measure import report
from omentum.networks.network import ARCHITECTURES, Network
from page import put_into, table
from tuning.arms import ARMS, run_arm
from tuning.bench import ORGANS, OTHERS, Bench, Settings
from tuning.curves import Point, seconds_to
from tuning.judge import Masks, changed_voxels, dice_by_organ, masks_of, mean_dice
from tuning.old_labels import WRONG_ORGANS
from tuning.page import write_picture

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "tuning-measured.md"
PICTURE = ROOT / "docs" / "pictures" / "continual-vs-full.png"
SHOWN = "![Dice of the revised organs and of the others against time](pictures/continual-vs-full.png)"
FULL, OURS, UNCACHED = "full", "continual", "continual without cache"
SLACK_DICE = 0.005
ON_GPU = "continual_vs_full_gpu"
"""Its table's place in the docs."""
QUICK = Settings(
    n_cases=24,
    n_revised=6,
    n_validation=2,
    n_test=3,
    base_steps=80,
    full_steps=80,
    full_every=20,
    weights_steps=10,
    weights_every=10,
    uncached_steps=10,
    uncached_every=5,
    heads_steps=40,
    heads_every=20,
    adapters_steps=40,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an arm came to: its curve, and the end on patients that nobody was judged on before."""

    points: Sequence[Point]
    dice: dict[str, float]
    masks: list[Masks]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few cases and steps: proves that it runs")
    parser.add_argument("--write", action="store_true", help="keep the table and the picture")
    parser.add_argument("--network", choices=ARCHITECTURES, default="starter")
    parser.add_argument("--device", default="cpu", help="such as cuda; figures of a GPU are kept apart")
    parser.add_argument("--arm", choices=ARMS, help="run and keep this arm alone; nothing is reported")
    asked = parser.parse_args()
    settings = replace(QUICK if asked.quick else Settings(), architecture=asked.network)
    bench = Bench(settings=settings, device=asked.device)
    if asked.arm:
        run_arm(bench, asked.arm)
        return
    tell(bench, quick=asked.quick, write=asked.write and not asked.quick)


def tell(bench: Bench, *, quick: bool, write: bool) -> None:
    """Run what is not kept yet, and report."""
    base = _judged(bench, bench.base(), ())
    arms = {name: _judged(bench, *run_arm(bench, name)) for name in ARMS}
    target = arms[FULL].points[-1].revised - SLACK_DICE
    seconds = {name: seconds_to(one.points, target) for name, one in arms.items()}
    is_cpu = bench.device == "cpu"
    text = table(_rows(base, arms, target, on_gpu=not is_cpu))
    print(text)
    if write and is_cpu:
        write_picture(PICTURE, {name: one.points for name, one in arms.items()}, target)
    if write:
        put_into(DOCUMENT, *(("continual_vs_full", f"{text}\n\n{SHOWN}") if is_cpu else (ON_GPU, text)))
    ours, uncached = seconds[OURS], seconds[UNCACHED]
    report(
        "continual_vs_full",
        ours=ours,
        other=seconds[FULL],
        unit="s to full training's Dice of the revised organs - 0.005",
        quick=quick,
        device=bench.device,
        target=target,
        others_change=_changed(base, arms[OURS]),
        others_dice_change=max(abs(arms[OURS].dice[name] - base.dice[name]) for name in OTHERS),
        revised_gap=mean_dice(arms[OURS].dice, WRONG_ORGANS) - mean_dice(arms[FULL].dice, WRONG_ORGANS),
        ratio_to_uncached=uncached / ours if ours and uncached else None,
        ratio_at_its_own_dice={name: sooner(one, arms[FULL]) for name, one in arms.items()},
        base=base.dice,
        arms={name: _figures(one, target) for name, one in arms.items()},
        settings=asdict(bench.settings),
    )


def sooner(arm: Outcome, full: Outcome) -> float | None:
    """Say how many times sooner an arm was at the Dice it ended with than full training was there."""
    end = arm.points[-1]
    seconds = seconds_to(full.points, end.revised)
    return None if seconds is None else seconds / end.seconds


def _judged(bench: Bench, network: Network, points: Sequence[Point]) -> Outcome:
    masks = list(masks_of(network, bench.test, ORGANS))
    return Outcome(points=points, dice=dice_by_organ(masks, bench.test, ORGANS), masks=masks)


def _changed(base: Outcome, arm: Outcome) -> int:
    """Count the voxels of the other organs' raw masks that differ."""
    places = [ORGANS.index(name) for name in OTHERS]
    return changed_voxels((one[places] for one in base.masks), (one[places] for one in arm.masks))


def _forgotten(base: Outcome, arm: Outcome) -> tuple[float, str]:
    """Give the greatest loss of Dice among the other organs, and whose it is."""
    return max((base.dice[name] - arm.dice[name], name) for name in OTHERS)


def _rows(base: Outcome, arms: dict[str, Outcome], target: float, *, on_gpu: bool) -> list[list[str]]:
    hours = ["CPU h", "GPU h"] if on_gpu else ["CPU h"]
    head = ["arm", f"s to Dice {target:.3f}", "s in all", "full, to the same Dice", *hours]
    head += ["Dice revised", "Dice others", "forgotten"]
    first = ["base", *[""] * (3 + len(hours)), _dice(base, WRONG_ORGANS), _dice(base, OTHERS), ""]
    rows = [head, first]
    for name, one in arms.items():
        seconds, end = seconds_to(one.points, target), one.points[-1]
        lost, organ = _forgotten(base, one)
        rows.append(
            [
                name,
                f"{seconds:.0f}" if seconds else f"never: {target - _best(one):.3f} below",
                f"{end.seconds:.0f}",
                "" if name == FULL else _factor(sooner(one, arms[FULL])),
                *[f"{each / 3600:.3f}" for each in (end.cpu_seconds, end.seconds)][: len(hours)],
                _dice(one, WRONG_ORGANS),
                _dice(one, OTHERS),
                f"{lost:.3f} ({organ})" if lost > 0 else "nothing",
            ]
        )
    return rows


def _factor(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.0f} x as long"


def _best(arm: Outcome) -> float:
    return max(one.revised for one in arm.points)


def _dice(arm: Outcome, organs: Sequence[str]) -> str:
    return f"{mean_dice(arm.dice, organs):.3f}"


def _figures(arm: Outcome, target: float) -> dict[str, object]:
    end = arm.points[-1]
    return {
        "seconds_to_target": seconds_to(arm.points, target),
        "gap": max(0.0, target - _best(arm)),
        "seconds": end.seconds,
        "cpu_hours": end.cpu_seconds / 3600,
        "dice": arm.dice,
        "curve": [asdict(one) for one in arm.points],
    }


if __name__ == "__main__":
    main()
