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
apart. What an arm came to is kept below scratch/ under its settings and code: a run that was killed goes on.
`--write` puts table and curves into the docs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from measure import asked, options, report
from omentum.networks.network import ARCHITECTURES
from page import DOCS, panels, put_into, table
from tuning.arms import ARMS, ORGANS, ArmBench, ArmSettings, run_arm
from tuning.bench import OTHERS, SLACK_DICE
from tuning.curves import Outcome
from tuning.judge import changed_voxels, mean_dice
from tuning.old_labels import WRONG_ORGANS

DOCUMENT = DOCS / "tuning-measured.md"
PICTURE = DOCS / "pictures" / "continual-vs-full.png"
SHOWN = "![Dice of the revised organs and of the others against time](pictures/continual-vs-full.png)"
FULL, OURS, UNCACHED = "full", "continual", "continual without cache"
QUICK = ArmSettings(
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
)


def main(bench: ArmBench, *, quick: bool, write: bool) -> None:
    base = bench.outcome(bench.base(), (), ORGANS)
    arms = {name: bench.outcome(*run_arm(bench, name), ORGANS) for name in ARMS}
    target = arms[FULL].end.revised - SLACK_DICE
    seconds = {name: one.seconds_to(target) for name, one in arms.items()}
    on_gpu = bench.device != "cpu"
    text = table(_rows(base, arms, target, on_gpu=on_gpu))
    print(text)
    if write and on_gpu:
        put_into(DOCUMENT, "continual_vs_full_gpu", text)
    elif write:
        put_into(DOCUMENT, "continual_vs_full", f"{text}\n\n{SHOWN}")
        draw(arms, target)
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


def draw(arms: Mapping[str, Outcome], target: float) -> None:
    """Draw Dice against time, the organs to learn on the left and the others on the right."""
    with panels(PICTURE, 2) as (left, right):
        for name, one in arms.items():
            seconds = [point.seconds for point in one.points]
            left.plot(seconds, [point.revised for point in one.points], marker=".", label=name)
            right.plot(seconds, [point.others for point in one.points], marker=".", label=name)
        left.axhline(target, color="grey", linewidth=0.8, linestyle=":")
        left.set(ylabel="Dice", title="organs to learn")
        right.set(title="the others")
        for axes in (left, right):
            axes.set(xscale="log", xlabel="seconds, everything counted", ylim=(0, 1))
        right.legend(loc="lower right", frameon=False, fontsize=8)


def sooner(arm: Outcome, full: Outcome) -> float | None:
    """Say how many times sooner an arm was at the Dice it ended with than full training was there."""
    seconds = full.seconds_to(arm.end.revised)
    return None if seconds is None else seconds / arm.end.seconds


def _changed(base: Outcome, arm: Outcome) -> int:
    """Count the voxels of the other organs' raw masks that differ."""
    places = [ORGANS.index(name) for name in OTHERS]
    return changed_voxels((one[places] for one in base.masks), (one[places] for one in arm.masks))


def _rows(base: Outcome, arms: dict[str, Outcome], target: float, *, on_gpu: bool) -> list[list[str]]:
    hours = ["CPU h", "GPU h"] if on_gpu else ["CPU h"]
    head = ["arm", f"s to Dice {target:.3f}", "s in all", "full, to the same Dice", *hours]
    head += ["Dice revised", "Dice others", "forgotten"]
    first = ["base", *[""] * (3 + len(hours)), _dice(base, WRONG_ORGANS), _dice(base, OTHERS), ""]
    rows = [head, first]
    for name, one in arms.items():
        lost, organ = max((base.dice[each] - one.dice[each], each) for each in OTHERS)
        rows.append(
            [
                name,
                one.told(target),
                f"{one.end.seconds:.0f}",
                "" if name == FULL else _factor(sooner(one, arms[FULL])),
                *[f"{each / 3600:.3f}" for each in (one.end.cpu_seconds, one.end.seconds)][: len(hours)],
                _dice(one, WRONG_ORGANS),
                _dice(one, OTHERS),
                f"{lost:.3f} ({organ})" if lost > 0 else "nothing",
            ]
        )
    return rows


def _factor(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.0f} x as long"


def _dice(arm: Outcome, organs: Sequence[str]) -> str:
    return f"{mean_dice(arm.dice, organs):.3f}"


def _figures(arm: Outcome, target: float) -> dict[str, object]:
    return {
        "seconds_to_target": arm.seconds_to(target),
        "gap": arm.gap(target),
        "seconds": arm.end.seconds,
        "cpu_hours": arm.end.cpu_seconds / 3600,
        "dice": arm.dice,
        "curve": [asdict(one) for one in arm.points],
    }


if __name__ == "__main__":
    parser = options(__doc__, write="keep the table and the picture")
    parser.add_argument("--network", choices=ARCHITECTURES, default="starter")
    parser.add_argument("--device", default="cpu", help="such as cuda; figures of a GPU are kept apart")
    given = asked(parser)
    settings = replace(QUICK if given.quick else ArmSettings(), architecture=given.network)
    main(ArmBench(settings=settings, device=given.device), quick=given.quick, write=given.write)
