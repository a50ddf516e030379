"""Tell figures in the docs: tables, pictures, and the part of a page between two marks.

In:  rows of text; curves.
Out: Markdown; PNG files.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from omentum.volumes.atomic import write_text

__all__ = ["DOCS", "panels", "parts_of", "put_into", "table"]

DOCS = Path(__file__).resolve().parents[1] / "docs"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; the first row is its head."""
    head, *others = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def parts_of(page: Path, name: str) -> tuple[str, str]:
    """Read a page up to and with `<!-- name: begin -->`, and from `<!-- name: end -->` on."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page} must hold {begin} and, below, {end}")
    return before + begin, end + after


def put_into(page: Path, name: str, text: str) -> None:
    """Replace what is between the marks of that name."""
    before, after = parts_of(page, name)
    write_text(page, f"{before}\n{text}\n{after}")


@contextmanager
def panels(path: Path, n_panels: int) -> Iterator[list[Any]]:
    """Give panels side by side to draw in (Matplotlib's axes), and write them as a PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, n_panels, figsize=(4.6 * n_panels, 3.8), dpi=120)
    yield list(np.atleast_1d(axes))
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)
