"""Train all weights on the revised masks: the arm "full training".

It begins with the shipped weights, not with fresh ones, and learns from all patients of the pool: revised
masks, and the network's own ones of all other organs, which count as the package's predicted labels do. Cases
with a revised mask are drawn as often as all others together. Every so many steps it is looked at on
validation patients; it ends when their mean Dice no longer rises, and the best weights are kept. Its clock
stands still while it is looked at, and its time is that of the look whose weights are kept.
"""

import copy
import json
import time
from pathlib import Path

from curve.plan import ORGANS, Plan
from curve.pool import Pool
from curve.tuned import ROUND
from omentum.networks.network import Network
from omentum.networks.weights import save_network
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun, Outcome
from omentum.tune.held_out import HeldOutDice
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.atomic import write_json
from tuning.cohort import Patient, case_of
from tuning.curves import CHECKPOINT, WEIGHTS
from tuning.ours import as_often

__all__ = ["train_whole"]


def train_whole(
    base: Network, pool: Pool, validation: list[Patient], n_masks: int, plan: Plan, folder: Path
) -> None:
    """Train after so many revised masks, if that is not kept yet; a killed run goes on.

    Args:
        base: The shipped network.
        pool: The patients.
        validation: Looked at while training goes on.
        n_masks: Revised ones.
        plan: Steps, rate, patches.
        folder: Of the arm; holds a folder for each number of masks.
    """
    kept = folder / str(n_masks)
    if (kept / ROUND).is_file():
        return
    kept.mkdir(parents=True, exist_ok=True)
    clock = _Clock(kept / "looks.json", HeldOutDice([_true(one) for one in validation], ORGANS))
    run = FullRun(
        network=copy.deepcopy(base).requires_grad_(True),
        cases=_cases(pool, n_masks),
        config=_config(plan),
        checkpoint_path=kept / CHECKPOINT,
        validate=clock,
        validate_key=clock.key,
    )
    clock.start()
    outcome = run_on("cpu", run)
    save_network(kept / WEIGHTS, run.network)
    write_json(kept / ROUND, {"minutes": pool.minutes(0, n_masks), **clock.figures(outcome, plan)})
    (kept / CHECKPOINT).unlink()


class _Clock:
    """Looks at a network, and stands still meanwhile.

    Args:
        path: Keeps the time of each look.
        judge: Gives the mean Dice.
    """

    def __init__(self, path: Path, judge: HeldOutDice) -> None:
        self._path, self._judge, self.key = path, judge, judge.key
        self._looks: list[tuple[float, float]] = []
        self._began = (0.0, 0.0)

    def start(self) -> None:
        """Let it run, on from the last look where the training goes on from there."""
        if self._path.is_file() and self._path.with_name(CHECKPOINT).is_file():
            self._looks = [(wall, cpu) for wall, cpu in json.loads(self._path.read_text(encoding="utf-8"))]
        self._go_on()

    def __call__(self, network: Network) -> float:
        """Look."""
        self._looks.append((time.perf_counter() - self._began[0], time.process_time() - self._began[1]))
        dice = self._judge(network)
        write_json(self._path, self._looks)
        self._go_on()
        return dice

    def figures(self, outcome: Outcome, plan: Plan) -> dict[str, float]:
        """Give the time of the look whose weights are kept, its step, and the time of the last look."""
        best_step = outcome.best_step or outcome.steps
        look = min(-(-best_step // plan.look_every), len(self._looks)) - 1
        seconds, cpu_seconds = self._looks[look]
        return {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "step": best_step,
            "seconds_to_the_end": self._looks[-1][0],
        }

    def _go_on(self) -> None:
        wall, cpu = self._looks[-1] if self._looks else (0.0, 0.0)
        self._began = (time.perf_counter() - wall, time.process_time() - cpu)


def _config(plan: Plan) -> FullConfig:
    return FullConfig(
        start="parent",
        spacing_mm=3.0,
        steps=plan.full_steps,
        patch_voxels=plan.patch_voxels,
        learning_rate=plan.full_rate,
        checkpoint_every=plan.look_every,
        validate_every=plan.look_every,
        patience=plan.patience,
    )


def _cases(pool: Pool, n_masks: int) -> list[PreparedCase]:
    revised = frozenset(pool.order[:n_masks])
    cases = [pool.case(case_id, ORGANS, revised) for case_id in pool.patients]
    few = [one for one in cases if MaskSource.REVISED in one.sources.values()]
    return as_often(few, [one for one in cases if MaskSource.REVISED not in one.sources.values()])


def _true(patient: Patient) -> PreparedCase:
    return case_of(patient, patient.truth, dict.fromkeys(ORGANS, MaskSource.ORIGINAL), "true")
