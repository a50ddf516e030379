"""How is attention told? Tables and pictures for the docs.

In:  figures as they are kept in benchmarks/results.
Out: Markdown and PNG files, in docs/.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from page import panels, put_into, table

__all__ = ["tell_quality", "tell_speed"]

DOCS = Path(__file__).resolve().parents[2] / "docs"
PICTURES = DOCS / "pictures"
Figures = Mapping[str, Any]
SHORT = {"ours": "expected-error", "published": "published"}
OURS, PUBLISHED = "`expected-error`", "`published`, same cases"


def tell_quality(figures: Figures) -> None:
    """Write the table by organ, and the pictures of it and of the calibration.

    Args:
        figures: `figures` of attention_quality.json.
    """
    organs = figures["by_organ"]
    rows = [["organ", "error regions", OURS, PUBLISHED]]
    for name, one in organs.items():
        rows.append([f"`{name}`", str(one["ours"]["regions"]), _three(one["ours"]), _three(one["published"])])
    both = figures, figures["published"]
    rows.append(["**all**", str(both[1]["regions"]), f"**{_three(both[0])}**", _three(both[1])])
    voxels = " and ".join(
        f"{one['voxel_sensitivity']:.2f} / {one['voxel_precision']:.2f} ({name})"
        for name, one in zip((OURS, "`published`"), both, strict=True)
    )
    text = (
        f"{table(rows)}\n\n"
        "By voxels, share of the error volume that is flagged / share of the flagged volume that is wrong: "
        f"{voxels}.\n"
        "If every connected piece of attention counts as a hot spot by itself: "
        f"{_three(figures['apart']['ours'])} and {_three(figures['apart']['published'])}.\n\n"
        "![Errors found by organ, and calibration](pictures/attention-quality.png)"
    )
    put_into(DOCS / "attention.md", "attention_quality", text)
    put_into(DOCS / "attention.md", "attention_real", table(_real_rows(figures["real"])))
    with panels(PICTURES / "attention-quality.png", 2) as (left, right):
        places = np.arange(len(organs))
        for shift, of in ((-0.2, "ours"), (0.2, "published")):
            left.barh(places + shift, [one[of]["f1"] for one in organs.values()], height=0.4, label=SHORT[of])
        left.set_yticks(places, list(organs))
        left.set(xlim=(0, 1), xlabel="F1 of error regions found", title="which errors are found")
        left.invert_yaxis()
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2, frameon=False, fontsize=8)
        reliable = figures["reliability"]
        right.plot([0, 1], [0, 1], color="grey", linewidth=0.8, linestyle=":")
        right.plot([one["said"] for one in reliable], [one["seen"] for one in reliable], marker="o")
        right.set(xlabel="probability said", ylabel="share that was wrong", title="is it calibrated?")


def tell_speed(figures: Figures) -> None:
    """Write the table of both recipes and the picture of it.

    Args:
        figures: `figures` of attention_speed.json.
    """
    first, ours = figures["rows"]["published"], figures["rows"]["expected-error"]
    sides = {
        "`published`, by nibabel and scipy on whole volumes": (first["other"], first["other_gb"]),
        "`published`, ours: equal in every voxel and digit": (first["ours"], first["ours_gb"]),
        "`expected-error`, from our own files": (ours["ours"], ours["ours_gb"]),
    }
    rows = [["", "seconds", "peak memory"]]
    rows += [[name, f"{seconds:.3g}", f"{gb:.2f} GB"] for name, (seconds, gb) in sides.items()]
    shown = "![Seconds and memory of a CT](pictures/attention-speed.png)"
    put_into(DOCS / "attention-published.md", "attention_speed", f"{table(rows)}\n\n{shown}")
    with panels(PICTURES / "attention-speed.png", 2, height=2.2) as (left, right):
        names = ["published, plain", "published, ours", "expected-error"]
        for axes, place, label in ((left, 0, "seconds a CT"), (right, 1, "peak GB")):
            axes.barh(names, [one[place] for one in sides.values()])
            axes.set(xscale="log", xlabel=label)
            axes.invert_yaxis()


def _real_rows(real: Figures) -> list[list[str]]:
    rows = [["real CT (reference)", "organs", "error regions", "hot spots", OURS, PUBLISHED]]
    for name, one in real.items():
        counts = [str(one["ours"]["regions"]), str(one["ours"]["spots"])]
        rows.append(
            [name, str(len(one["organs"]) or ""), *counts, _three(one["ours"]), _three(one["published"])]
        )
    return rows


def _three(one: Figures) -> str:
    return f"{one['sensitivity']:.2f} / {one['precision']:.2f} / {one['flagged_share']:.2f}"
