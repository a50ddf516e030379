"""How does a benchmark speak in the docs? Tables, pictures, and the part of a page between two marks.

In:  rows of text; curves.
Out: Markdown; PNG files.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["panels", "put_into", "table"]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table; the first row is its head."""
    head, *others = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "|" + "---|" * len(rows[0]), *others])


def put_into(document: Path, name: str, text: str) -> None:
    """Replace what is between the marks `<!-- name -->` and `<!-- /name -->`."""
    before = document.read_text(encoding="utf-8")
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    part = re.compile(re.escape(start) + ".*?" + re.escape(end), re.DOTALL)
    document.write_text(part.sub(lambda _: f"{start}\n{text}\n{end}", before), encoding="utf-8")


@contextmanager
def panels(path: Path, n_panels: int, *, width: float = 4.6, height: float = 3.8) -> Iterator[list["Axes"]]:
    """Give panels side by side to draw in, and write them as a PNG.

    Args:
        path: Of the PNG.
        n_panels: How many.
        width: Of each, in inches.
        height: In inches.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, n_panels, figsize=(width * n_panels, height), dpi=120)
    yield list(np.atleast_1d(axes))
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
