"""How does a picture get into a page? Small, and inside it.

In:  a PNG file.
Out: a `data:` address with a smaller PNG; nothing where there is no picture.
"""

import base64
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.image import imread, imsave

__all__ = ["embedded_png"]


def embedded_png(path: Path, most_pixels_wide: int = 560) -> str | None:
    """Read a PNG and give it as a `data:` address, reduced by a whole factor where it is wide.

    Args:
        path: The file.
        most_pixels_wide: Width to stay within, in pixels.

    Returns:
        The address; `None` where the file is missing or no PNG, for a report is worth having without.
    """
    try:
        pixels = np.asarray(imread(path, format="png"), dtype=np.float32)
    except (OSError, ValueError, SyntaxError):
        return None
    with io.BytesIO() as buffer:
        imsave(buffer, _reduced(pixels, -(-pixels.shape[1] // most_pixels_wide)), format="png", cmap="gray")
        encoded = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/png;base64,{encoded}"


def _reduced(pixels: npt.NDArray[np.float32], factor: int) -> npt.NDArray[np.float32]:
    """Average blocks of `factor` by `factor` pixels; what is left over at the ends is cut off."""
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    cut = pixels[: rows * factor, : columns * factor]
    blocks = cut.reshape(rows, factor, columns, factor, *pixels.shape[2:])
    return np.asarray(np.clip(blocks.mean(axis=(1, 3)), 0.0, 1.0), dtype=np.float32)
