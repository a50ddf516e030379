"""Write TensorBoard's event files where that package is installed; else nothing."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["TensorBoardLog"]

_FLUSH_SECONDS = 10


class TensorBoardLog:
    """The curves of one run; used with `contextlib.closing`.

    Args:
        folder: Gets `events.out.tfevents.*`, another file each time the run goes on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: Any = None

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Add a point to each curve, by the name of the curve.

        The first step written hides what earlier files of the folder say of it and of later ones: a run that
        was killed goes on from its last checkpoint, and does some steps again.
        """
        if find_spec("tensorboard") is None:
            return
        if self._writer is None:
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(self._folder, purge_step=step, flush_secs=_FLUSH_SECONDS)
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is not yet on the disk."""
        if self._writer is not None:
            self._writer.close()
