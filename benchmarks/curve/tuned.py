"""Tune round by round, each on the network of the round before: the arms "ours" and "heads only".

In:  a pool of patients, an arm.
Out: of each round a network, the masks that it has learned by then, and what the round took; kept, so that a
     killed run goes on. A network is used in the next round whatever it is worth: there is no gate here.

ours         what `omentum tune` does: the fit of each organ is chosen by cross-validation, or none is taken
heads only   what it did before: heads of the organs revised in the round, by fixed settings

What is replayed, and what a label counts, the package decides (`learned_from`). Predicted masks are always
those of the shipped network, and nothing is known of their importance. Either arm has a feature cache of its
own, which it fills in its own time. Heads alone see no varied copies, as in few_revisions.py: the trunk's
second pass would double the time of that arm.
"""

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from curve.plan import HEADS, OURS
from curve.pool import Key, Pool
from omentum.networks.extend_organs import add_adapters
from omentum.networks.network import Network
from omentum.networks.weights import load_network, save_network
from omentum.tune.cache import FeatureCache
from omentum.tune.chosen_stage import choose_organs, lessons_of, take_choices
from omentum.tune.config import ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.continual_stage import for_caching
from omentum.tune.samples import OrganSamples
from omentum.tune.training_plan import learned_from
from omentum.volumes.atomic import write_json
from tuning.curves import WEIGHTS
from tuning.ours import OVERLAP

__all__ = ["ROUND", "TUNED", "clocked", "tune_rounds"]

ROUND = "round.json"
"""What a fit took, beside its weights; written last, so where it is, all is."""
_EMPTY_PROJECT: Any = SimpleNamespace(store=SimpleNamespace(rounds=SimpleNamespace(all=tuple)))
"""One without rounds: nothing was scored in it."""
_Plan = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a round has: the network of the round before, masks revised so far, those not yet learned."""

    network: Network
    pool: Pool
    revised: frozenset[Key]
    fresh: Set[Key]
    cache_dir: Path

    def plan(self, config: ContinualConfig) -> dict[str, dict[str, float]]:
        """Ask the package what is learned from."""
        fresh: Any = [SimpleNamespace(case_id=case_id, organ=name) for case_id, name in sorted(self.fresh)]
        cases = self.pool.labelled(self.revised)
        return learned_from(_EMPTY_PROJECT, cases, fresh, config, self.network.spec.organs)

    def samples(self, network: Network, plan: _Plan, config: ContinualConfig) -> list[OrganSamples]:
        """Sample features of all that a plan names, from the cache where they are there."""
        cache = FeatureCache(self.cache_dir, for_caching(network, "cpu"), config, overlap=OVERLAP)
        cases = {
            case_id: self.pool.case(case_id, sorted(organs), self.revised) for case_id, organs in plan.items()
        }
        wanted = {case_id: cache.wanted(cases[case_id], sorted(organs)) for case_id, organs in plan.items()}
        cache.make_room([one for own in wanted.values() for one in own])
        found: list[OrganSamples] = []
        for case_id, own in wanted.items():
            found += cache.samples(lambda case_id=case_id: cases[case_id], own)
        return found


def tune_rounds(base: Network, pool: Pool, arm: str, sizes: Sequence[int], folder: Path) -> None:
    """Run the rounds of an arm that are not kept yet.

    Args:
        base: The shipped network.
        pool: The patients.
        arm: One of `TUNED`.
        sizes: Numbers of masks at which rounds end.
        folder: Of the arm; holds a folder for each round, named by its size.
    """
    network, learned, before = base, set[Key](), 0
    for n in sizes:
        kept = folder / str(n)
        if not (kept / ROUND).is_file():
            revised = frozenset(pool.order[:n])
            task = _Task(
                network=copy.deepcopy(network),
                pool=pool,
                revised=revised,
                fresh=revised - learned,
                cache_dir=folder / "features",
            )
            figures: dict[str, Any] = {"minutes": pool.minutes(before, n)}
            with clocked(figures):
                tuned, organs = TUNED[arm](task)
            kept.mkdir(parents=True, exist_ok=True)
            save_network(kept / WEIGHTS, tuned)
            learned |= {key for key in task.fresh if key[1] in organs}
            write_json(kept / ROUND, {**figures, "organs": sorted(organs), "learned": sorted(learned)})
        network = load_network(kept / WEIGHTS).eval()
        learned = {(key[0], key[1]) for key in json.loads((kept / ROUND).read_text("utf-8"))["learned"]}
        before = n


@contextmanager
def clocked(figures: dict[str, Any]) -> Iterator[None]:
    """Note the seconds that something takes, by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    figures |= {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def _ours(task: _Task) -> tuple[Network, set[str]]:
    config = ContinualConfig()
    plan = task.plan(config)
    wide = copy.deepcopy(task.network)
    add_adapters(wide, sorted({name for organs in plan.values() for name in organs}), seed=config.seed)
    samples = task.samples(wide, plan, config)
    lessons = lessons_of(plan, samples, task.pool.labelled(task.revised))
    choices = choose_organs(task.network, lessons, (), seed=config.seed, progress=lambda *_: None)
    take_choices(task.network, choices, seed=config.seed)
    return task.network, {one.organ for one in choices if one.tensors}


def _heads(task: _Task) -> tuple[Network, set[str]]:
    config = ContinualConfig(trainable="heads", augmented_copies=0)
    plan = task.plan(config)
    counts = {(name, case_id): count for case_id, own in plan.items() for name, count in own.items()}
    tune_heads(task.network, task.samples(task.network, plan, config), counts, config)
    return task.network, {name for name, _ in counts}


TUNED: dict[str, Callable[[_Task], tuple[Network, set[str]]]] = {OURS: _ours, HEADS: _heads}
"""The arms that tune; each gives the network and the organs that have learned."""
