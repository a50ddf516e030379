"""When did an arm get there? Dice against the time that everything took.

In:  a clock that starts with the arm; a point each time it is judged.
Out: curves, kept as JSON; the time to a target Dice.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from omentum.volumes.atomic import write_json

__all__ = ["CHECKPOINT", "WEIGHTS", "Curve", "Outcome", "Point"]

WEIGHTS, CHECKPOINT = "weights.safetensors", "checkpoint.pt"
"""Files beside a curve: of an arm that is done, and of one that can go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """How an arm stood when it was judged.

    Attributes:
        step: Steps done.
        seconds: Since the arm began: caching, tuning, validation, all that was judged before.
        cpu_seconds: Likewise, over all threads.
        revised: Mean Dice of the organs that are to be learned.
        others: Mean Dice of the others.
    """

    step: int
    seconds: float
    cpu_seconds: float
    revised: float
    others: float


@dataclass(slots=True)
class Curve:
    """The points of one arm, and its clock; a run that was killed goes on from its last point.

    Args:
        path: Where the points are kept.
    """

    path: Path
    points: list[Point] = field(default_factory=list)
    _began: tuple[float, float] = (0.0, 0.0)

    def start(self) -> None:
        """Let the clock run, on from the last point where the arm itself is done or goes on."""
        if any((self.path.parent / name).is_file() for name in (WEIGHTS, CHECKPOINT)) and self.path.is_file():
            self.points = [Point(**one) for one in json.loads(self.path.read_text(encoding="utf-8"))]
        wall, cpu = (self.points[-1].seconds, self.points[-1].cpu_seconds) if self.points else (0.0, 0.0)
        self._began = (time.perf_counter() - wall, time.process_time() - cpu)

    def add(self, step: int, revised: float, others: float) -> None:
        """Note how the arm stands now."""
        seconds, cpu_seconds = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        point = Point(step=step, seconds=seconds, cpu_seconds=cpu_seconds, revised=revised, others=others)
        self.points = [one for one in self.points if one.step < step] + [point]
        write_json(self.path, [asdict(one) for one in self.points])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a way of learning came to: its curve, and the end on patients that nobody was judged on before.

    Attributes:
        points: Of the curve.
        dice: By organ.
        masks: Of each patient, `(organ, x, y, z)`.
    """

    points: Sequence[Point]
    dice: dict[str, float]
    masks: list[npt.NDArray[np.bool_]]

    @property
    def end(self) -> Point:
        """The last point."""
        return self.points[-1]

    def seconds_to(self, target: float) -> float | None:
        """Give the time of the first point whose Dice of the organs to learn is the target or more."""
        return next((one.seconds for one in self.points if one.revised >= target), None)

    def gap(self, target: float) -> float:
        """Say by how much it misses the target; 0 where it does not."""
        return max(0.0, target - max(one.revised for one in self.points))

    def told(self, target: float) -> str:
        """Tell the seconds to the target, or by how much it was missed."""
        seconds = self.seconds_to(target)
        return f"never: {self.gap(target):.3f} below" if seconds is None else f"{seconds:.0f}"
