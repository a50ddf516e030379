"""Tell attention in the docs: tables and a picture.

In:  figures as they are kept in benchmarks/results.
Out: Markdown and a PNG file, in docs/.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from page import DOCS, panels, put_into, table

__all__ = ["tell_quality"]

Figures = Mapping[str, Any]
SHORT = {"ours": "expected-error", "published": "published"}
OURS, PUBLISHED = "`expected-error`", "`published`, same cases"


def tell_quality(figures: Figures) -> None:
    """Write the tables by organ and of real CTs, and the picture of errors found and of the calibration.

    Args:
        figures: `figures` of attention_quality.json.
    """
    organs, published = figures["by_organ"], figures["published"]
    rows = [["organ", "error regions", OURS, PUBLISHED]]
    for name, one in organs.items():
        rows.append([f"`{name}`", str(one["ours"]["regions"]), _three(one["ours"]), _three(one["published"])])
    rows.append(["**all**", str(published["regions"]), f"**{_three(figures)}**", _three(published)])
    text = (
        f"{table(rows)}\n\n"
        "By voxels, share of the error volume that is flagged / share of the flagged volume that is wrong: "
        f"{_voxels(figures)} ({OURS}) and {_voxels(published)} (`published`).\n"
        "If every connected piece of attention counts as a hot spot by itself: "
        f"{_three(figures['apart']['ours'])} and {_three(figures['apart']['published'])}.\n\n"
        "![Errors found by organ, and calibration](pictures/attention-quality.png)"
    )
    put_into(DOCS / "attention.md", "attention_quality", text)
    put_into(DOCS / "attention.md", "attention_real", table(_real_rows(figures["real"])))
    with panels(DOCS / "pictures" / "attention-quality.png", 2) as (left, right):
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


def _real_rows(real: Figures) -> list[list[str]]:
    rows = [["real CT (reference)", "organs", "error regions", "hot spots", OURS, PUBLISHED]]
    for name, one in real.items():
        ours, n_organs = one["ours"], str(len(one["organs"]) or "")
        counts = [str(ours["regions"]), str(ours["spots"])]
        rows.append([name, n_organs, *counts, _three(ours), _three(one["published"])])
    return rows


def _three(one: Figures) -> str:
    return f"{one['sensitivity']:.2f} / {one['precision']:.2f} / {one['flagged_share']:.2f}"


def _voxels(one: Figures) -> str:
    return f"{one['voxel_sensitivity']:.2f} / {one['voxel_precision']:.2f}"
