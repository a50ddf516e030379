"""How does a network come to know more organs? Two rounds, two organs each; the rounds of new_organs.py.

In:  settings, fixed beforehand; synthetic patients.
Out: of each way and round a network and its curve.

heads               the network of the round before gets heads for the new organs, which alone learn
heads and adapters  the same; the new organs read the features before their reduction too
full                fresh weights learn all organs known by then, the new ones in the same labelled cases,
                    which are drawn as often as all others together

The base network knows five organs in all cases. The new organs of a round are labelled in some of the
cases, and unknown in the others. Its trunk has never been asked for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from omentum.networks.extend_organs import add_heads, similar_organ
from omentum.networks.network import Network
from omentum.records import MaskSource
from omentum.tune.config import ContinualConfig
from omentum.tune.prepared_cases import PreparedCase
from tuning.bench import OTHERS, Bench, Settings
from tuning.cohort import Patient, case_of
from tuning.curves import Curve, Point
from tuning.judge import mean_dice
from tuning.kept import network_in
from tuning.ours import ADAPTERS, HEADS, Judging, as_often, train_all, tune_cached

__all__ = ["NEW", "OLD", "WAYS", "NewSettings", "RoundBench", "known_in", "run_round"]

OLD = OTHERS
ROUNDS = (("aorta", "postcava"), ("gall_bladder", "stomach"))
NEW = (*ROUNDS[0], *ROUNDS[1])
WAYS = {"heads": HEADS, "heads and adapters": ADAPTERS, "full": ""}
"""Every way, and what it trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSettings(Settings):
    """All that was fixed beforehand; kept with the results."""

    base_steps: int = 1400
    full_steps: int = 1400
    heads_steps: int = 300
    heads_every: int = 100
    heads_rate: float = 1e-2
    n_labelled: int = 24
    """Cases in which the new organs are labelled."""


@dataclass(slots=True, kw_only=True)
class RoundBench(Bench):
    """What every way begins with."""

    settings: NewSettings
    question: str = "new_organs"
    organs: Sequence[str] = OLD

    def labelled(self, new: Sequence[str]) -> list[PreparedCase]:
        """Give the cases in which new organs are labelled too."""
        return [_case(one, (*OLD, *new)) for one in self.learned[: self.settings.n_labelled]]

    def others(self) -> list[PreparedCase]:
        """Give the cases in which they are not."""
        return [_case(one, OLD) for one in self.learned[self.settings.n_labelled :]]

    def base(self) -> Network:
        """Give the network that knows the old organs."""
        return self.base_network(self.labelled(()) + self.others())


def known_in(number: int) -> tuple[str, ...]:
    """Give the new organs that are known after a round, counted from 1."""
    return tuple(name for names in ROUNDS[:number] for name in names)


def run_round(bench: RoundBench, way: str, number: int) -> tuple[Network, Sequence[Point]]:
    """Run one round of one way, or find what it came to; counted from 1."""
    folder = bench.folder / f"{way.replace(' ', '-')}-{number}"
    before = run_round(bench, way, number - 1)[0] if number > 1 and way != "full" else bench.base()
    others = mean_dice(bench.dice(before, OLD), OLD)
    curve = Curve(folder / "curve.json")
    curve.start()

    def train() -> Network:
        if way == "full":
            return _full(bench, number, curve)
        return _tuned(bench, before, number, curve, trainable=WAYS[way], others=others)

    return network_in(folder, train), curve.points


def _full(bench: RoundBench, number: int, curve: Curve) -> Network:
    new = known_in(number)
    organs = (*OLD, *new)

    def judged(step: int, network: Network) -> None:
        curve.add(step, *bench.judge(network, ROUNDS[number - 1], organs))

    cases = as_often(bench.labelled(new), bench.others())
    config = bench.all_weights(bench.settings.full_steps)
    return train_all(bench.fresh_network(organs), cases, config, curve.path.parent, judged)


def _tuned(
    bench: RoundBench, before: Network, number: int, curve: Curve, *, trainable: str, others: float
) -> Network:
    given, new = bench.settings, ROUNDS[number - 1]
    config = ContinualConfig(
        organs=new,
        trainable=trainable,
        steps=given.heads_steps,
        learning_rate=given.heads_rate,
        augmented_copies=0,
    )
    learned = {one.case_id: (one, 1.0) for one in bench.labelled(new)}
    judged = Judging(patients=bench.validation, every=given.heads_every, others=others)
    similar = {name: similar_organ(name, before.spec.organs) for name in new}
    add_heads(before, {name: [one] if one else [] for name, one in similar.items()})
    return tune_cached(before.eval(), learned, config, curve, judged)


def _case(patient: Patient, organs: Sequence[str]) -> PreparedCase:
    sources = dict.fromkeys(organs, MaskSource.ORIGINAL)
    return case_of(patient, patient.truth, sources, f"true-{','.join(sorted(organs))}")
