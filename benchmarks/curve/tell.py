"""Tell the learning curve: tables for the docs, and the picture.

In:  results.
Out: Markdown; Dice against minutes, a panel a site and one of the mean over sites.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curve.figures import Measured, Results, gained_share, lost, mean_gain, worse_rounds
from curve.plan import FULL, HEADS, NOTHING, ORGANS, OURS, Plan
from page import table

__all__ = ["curve_table", "draw", "full_table", "organ_table", "verdict"]

TUNED = (OURS, HEADS)
ARMS = (*TUNED, FULL)
_COLUMNS = 4


def curve_table(results: Results, plan: Plan) -> str:
    """Tell Dice, surface Dice and times of the arms that tune, in the mean over sites."""
    kinds = [(kind, arm) for kind in ("Dice", "surface Dice", "CPU s") for arm in TUNED]
    sites = [site for site in plan.sites if (site, NOTHING, 0) in results]
    rows = [_row(results, sites, kinds, n) for n in (0, *plan.sizes)]
    return table([["masks", "minutes", *(f"{kind}, {arm}" for kind, arm in kinds)], *rows])


def full_table(results: Results, plan: Plan) -> str:
    """Compare with full training, in the mean over the sites at which it was measured; empty without any."""
    rows = [
        [
            "masks",
            "Dice before",
            *(f"gain, {arm}" for arm in ARMS),
            *(f"CPU s, {arm}" for arm in ARMS),
            "times",
        ]
    ]
    for n in plan.full_sizes:
        sites = _sites(results, FULL, n)
        if not all((site, OURS, n) in results for site in sites) or not sites:
            continue
        gains = [_told_gain(results, sites, arm, n) for arm in ARMS]
        seconds = {arm: _mean(results, arm, n, sites, "cpu_seconds") for arm in (OURS, FULL)}
        cells = [
            f"{_mean(results, arm, n, sites, 'cpu_seconds'):.0f}" if _has(results, arm, n) else ""
            for arm in ARMS
        ]
        times = f"{seconds[FULL] / seconds[OURS]:.0f}"
        rows.append([str(n), f"{_dice(results, NOTHING, 0, sites):.3f}", *gains, *cells, times])
    return table(rows) if len(rows) > 1 else ""


def organ_table(results: Results, n: int) -> str:
    """Tell what each organ gains after so many masks, in the mean over sites, and where it gains least."""
    arms = [arm for arm in ARMS if _sites(results, arm, n)]
    head = ["organ", "Dice before", *(f"gain, {arm} (worst site)" for arm in arms)]
    return table(
        [head, *([name, _before(results, name), *_gains(results, arms, n, name)] for name in ORGANS)]
    )


def verdict(results: Results, plan: Plan) -> str:
    """Tell what has been reached, a line each."""
    last = plan.full_sizes[-1]
    shares = {n: gained_share(results, n, last) for n in plan.full_sizes}
    lines = [
        f"- After {n} masks ours gains {share:.0%} of what full training gains after {last}, at its sites."
        for n, share in shares.items()
        if share is not None
    ]
    return "\n".join(
        lines + [_losses(results, arm) for arm in TUNED if any(arm == own for _, own, _ in results)]
    )


def _losses(results: Results, arm: str) -> str:
    (gain, name, n), (n_worse, n_rounds) = lost(results, arm), worse_rounds(results, arm)
    return (
        f"- {arm}: {n_worse} of {n_rounds} rounds made an organ worse by more than 0.01; the organ that "
        f"gains least at any point, in the mean over sites, is {name} ({gain:+.3f} after {n} masks)."
    )


def draw(results: Results, plan: Plan, path: Path) -> None:
    """Draw Dice against minutes."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    sites = [site for site in plan.sites if (site, NOTHING, 0) in results]
    n_rows = -(-(len(sites) + 1) // _COLUMNS)
    figure, axes = plt.subplots(n_rows, _COLUMNS, figsize=(4.0 * _COLUMNS, 3.4 * n_rows), dpi=110)
    panels = list(axes.flat)
    for panel, site in zip(panels, sites, strict=False):
        _panel(panel, results, [site], site)
    _panel(panels[len(sites)], results, sites, "mean over sites")
    for panel in panels[len(sites) + 1 :]:
        panel.set_axis_off()
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _panel(panel: Any, results: Results, sites: Sequence[str], title: str) -> None:
    for arm in ARMS:
        sizes = sorted({n for site, own, n in results if own == arm and site in sites})
        whole = [n for n in sizes if all((site, arm, n) in results for site in sites)]
        if not whole:
            continue
        sizes = whole if arm == FULL else [0, *whole]
        minutes = [_mean(results, arm, n, sites, "minutes") for n in sizes]
        panel.plot(minutes, [_dice(results, arm, n, sites) for n in sizes], marker=".", label=arm)
    panel.axhline(
        _dice(results, NOTHING, 0, sites), color="grey", linewidth=0.8, linestyle=":", label=NOTHING
    )
    panel.set(title=title, xlabel="reader's minutes", ylabel="Dice")
    panel.legend(frameon=False, fontsize=8)


def _row(results: Results, sites: Sequence[str], kinds: Sequence[tuple[str, str]], n: int) -> list[str]:
    arm = next((own for own in TUNED if _has(results, own, n)), NOTHING)
    own_sites = [site for site in sites if (site, arm if n else NOTHING, n) in results]
    minutes = f"{_mean(results, arm, n, own_sites, 'minutes'):.0f}" if own_sites else ""
    return [str(n), minutes, *(_cell(results, kind, arm, n) for kind, arm in kinds)]


def _cell(results: Results, kind: str, arm: str, n: int) -> str:
    sites = _sites(results, arm if n else NOTHING, n)
    if not sites:
        return ""
    if kind == "CPU s":
        return f"{_mean(results, arm, n, sites, 'cpu_seconds'):.0f}"
    field = "dice" if kind == "Dice" else "surface"
    return f"{np.mean([_at(results, arm, n, site, field) for site in sites]):.3f}"


def _told_gain(results: Results, sites: Sequence[str], arm: str, n: int) -> str:
    if not all((site, arm, n) in results for site in sites):
        return ""
    return f"{np.mean([mean_gain(results, site, arm, n) for site in sites]):+.3f}"


def _has(results: Results, arm: str, n: int) -> bool:
    return any((own, size) == (arm, n) for _, own, size in results)


def _before(results: Results, name: str) -> str:
    values = [one.dice[name] for (_, arm, _), one in results.items() if arm == NOTHING]
    return f"{np.mean(values):.3f}"


def _gains(results: Results, arms: Sequence[str], n: int, name: str) -> list[str]:
    cells = []
    for arm in arms:
        gains = {site: mean_gain(results, site, arm, n, [name]) for site in _sites(results, arm, n)}
        least = min(gains, key=lambda site: gains[site])
        cells.append(f"{np.mean(list(gains.values())):+.3f} ({gains[least]:+.3f}, {least})")
    return cells


def _sites(results: Results, arm: str, n: int) -> list[str]:
    return [site for site, own, size in results if (own, size) == (arm, n)]


def _one(results: Results, arm: str, n: int, site: str) -> Measured:
    return results[site, arm if n else NOTHING, n]


def _at(results: Results, arm: str, n: int, site: str, kind: str) -> float:
    return float(np.mean([getattr(_one(results, arm, n, site), kind)[name] for name in ORGANS]))


def _dice(results: Results, arm: str, n: int, sites: Sequence[str]) -> float:
    return float(np.mean([_at(results, arm, n, site, "dice") for site in sites]))


def _mean(results: Results, arm: str, n: int, sites: Sequence[str], kind: str) -> float:
    return float(np.mean([getattr(_one(results, arm, n, site), kind) for site in sites]))
