"""Which ways are there to learn from twelve revised cases? The arms of continual_vs_full.py.

In:  settings; synthetic patients.
Out: of each arm a network and its curve. Each starts with what a project has at that moment: the base network
     and the cases at the network's spacing; what an arm computes from them is in its time.

full                     fresh weights learn all labels, old ones counting as the package's predicted ones
revised only             the base network goes on, all weights, on the revised labels alone
all data                 the base network goes on, all weights, on all labels
continual                the base network gets adapters; they and its four heads learn revised labels and
                         old ones of replayed cases, on cached features
continual, heads alone   the same without adapters
continual without cache  heads and adapters learn from patches that go through the trunk at every step

Full training draws revised cases as often as all others together, which the published one did not: the
other side shall be strong. (With the old labels left out of its loss, and all cases drawn alike, the four
organs were at a Dice of 0.05 after 400 steps; as it is they were at 0.72.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from omentum.networks.extend_organs import add_adapters
from omentum.networks.network import Network
from omentum.records import MaskSource
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.prepared_cases import PreparedCase
from tuning.bench import Bench, all_weights, case_with
from tuning.cohort import Patient, case_of
from tuning.curves import Curve, Point
from tuning.judge import FrozenJudge, mean_dice
from tuning.kept import network_in
from tuning.old_labels import WRONG_ORGANS, old_labels
from tuning.ours import ADAPTERS, HEADS, Judged, as_often, train_all, tune_cached
from tuning.uncached import tune_uncached

__all__ = ["ARMS", "Start", "run_arm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What an arm begins with when its clock starts."""

    bench: Bench
    base: Network
    replay: list[Patient]
    others: float
    """Mean Dice of the base network's other organs, which stays where their heads and the trunk do."""
    curve: Curve

    def judged(self, step: int, network: Network) -> None:
        """Judge a network that has changed all over, and note it."""
        self.curve.add(step, *self.bench.judge(network))


def run_arm(bench: Bench, name: str) -> tuple[Network, Sequence[Point]]:
    """Run an arm, or find what it came to."""
    folder, base = bench.folder / name.replace(",", "").replace(" ", "-"), bench.base()
    curve = Curve(folder / "curve.json")
    start = Start(bench=bench, base=base, replay=bench.replay(), others=bench.judge(base)[1], curve=curve)
    curve.start()
    network = network_in(folder, lambda: ARMS[name](start)).to(bench.device)
    return network, curve.points


def _full(start: Start) -> Network:
    given = start.bench.settings
    config = all_weights(given, given.full_steps, given.full_every)
    revised = [case_with(one, MaskSource.REVISED) for one in start.bench.revised]
    others = [case_with(one, MaskSource.PREDICTED, is_old=True) for one in start.bench.earlier]
    network, folder = start.bench.fresh_network(), start.curve.path.parent
    return train_all(network, as_often(revised, others), config, folder, start.judged)


def _revised_only(start: Start) -> Network:
    cases = [_tuned_case(one, MaskSource.REVISED) for one in start.bench.revised]
    return train_all(start.base, cases, _gently(start), start.curve.path.parent, start.judged)


def _all_data(start: Start) -> Network:
    cases = [case_with(one, MaskSource.REVISED) for one in start.bench.revised]
    cases += [case_with(one, MaskSource.PREDICTED, is_old=True) for one in start.bench.earlier]
    return train_all(start.base, cases, _gently(start), start.curve.path.parent, start.judged)


def _continual(start: Start) -> Network:
    given = start.bench.settings
    return _tuned(start, ADAPTERS, given.adapters_steps, samples_per_class=given.adapters_samples)


def _heads_alone(start: Start) -> Network:
    return _tuned(start, HEADS, start.bench.settings.heads_steps)


def _tuned(start: Start, trainable: str, steps: int, **said: int) -> Network:
    given = start.bench.settings
    config = ContinualConfig(
        organs=WRONG_ORGANS,
        trainable=trainable,
        steps=steps,
        learning_rate=given.heads_rate,
        augmented_copies=0,
        **said,
    )

    def judged() -> Judged:
        judge = FrozenJudge(start.base, start.bench.validation)

        def told(step: int, network: Network) -> None:
            if step % given.heads_every == 0:
                found = judge.dice(network, WRONG_ORGANS)
                start.curve.add(step, mean_dice(found, WRONG_ORGANS), start.others)

        return told

    return tune_cached(start.base, _revised_and_replayed(start), config, start.curve.path.parent, judged)


def _uncached(start: Start) -> Network:
    given = start.bench.settings
    config = replace(
        all_weights(given, given.uncached_steps, given.uncached_every), learning_rate=given.heads_rate
    )
    add_adapters(start.base, WRONG_ORGANS)
    return tune_uncached(start.base, _revised_and_replayed(start), WRONG_ORGANS, config, start.judged)


ARMS: dict[str, Callable[[Start], Network]] = {
    "full": _full,
    "revised only": _revised_only,
    "all data": _all_data,
    "continual": _continual,
    "continual, heads alone": _heads_alone,
    "continual without cache": _uncached,
}
"""Every arm, by name; the first is what the others are compared with."""


def _gently(start: Start) -> FullConfig:
    """Give the settings of arms in which all weights of the base network go on."""
    given = start.bench.settings
    return replace(
        all_weights(given, given.weights_steps, given.weights_every), learning_rate=given.weights_rate
    )


def _tuned_case(patient: Patient, source: MaskSource) -> PreparedCase:
    """Give a case with the four organs alone; a prediction of them is an old label."""
    is_old = source is MaskSource.PREDICTED
    labels = old_labels(patient) if is_old else patient.truth
    return case_of(patient, labels, dict.fromkeys(WRONG_ORGANS, source), f"four-{is_old}")


def _revised_and_replayed(start: Start) -> dict[str, tuple[PreparedCase, float]]:
    """Give the cases that heads learn from, with what their labels count."""
    weight = ContinualConfig().predicted_weight
    revised = [(_tuned_case(one, MaskSource.REVISED), 1.0) for one in start.bench.revised]
    replayed = [(_tuned_case(one, MaskSource.PREDICTED), weight) for one in start.replay]
    return {case.case_id: (case, counts) for case, counts in (*revised, *replayed)}
