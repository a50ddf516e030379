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

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from omentum.networks.network import Network, NetworkSpec, build
from omentum.records import MaskSource
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.prepared_cases import PreparedCase
from tuning.bench import OTHERS
from tuning.cohort import SPACING_MM, Patient, case_of, groups
from tuning.curves import Curve, Point
from tuning.judge import FrozenJudge, dice_by_organ, masks_of, mean_dice
from tuning.kept import folder_of, network_in
from tuning.ours import ADAPTERS, HEADS, Judged, as_often, train_all, tune_cached, with_organs

__all__ = ["NEW", "OLD", "ROUNDS", "WAYS", "NewSettings", "RoundBench", "known_in", "run_round"]

OLD = OTHERS
ROUNDS = (("aorta", "postcava"), ("gall_bladder", "stomach"))
NEW = (*ROUNDS[0], *ROUNDS[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSettings:
    """All that was fixed beforehand; kept with the results."""

    n_cases: int = 200
    n_labelled: int = 24
    """Cases in which the new organs are labelled."""
    n_validation: int = 8
    n_test: int = 24
    base_steps: int = 1400
    full_steps: int = 1400
    every: int = 200
    """Steps between judgements."""
    heads_steps: int = 300
    heads_every: int = 100
    heads_rate: float = 1e-2
    patch_voxels: tuple[int, int, int] = (48, 48, 48)
    batch_size: int = 2


@dataclass(slots=True, kw_only=True)
class RoundBench:
    """The patients, and where the rounds are kept."""

    settings: NewSettings
    folder: Path = field(init=False)
    learned: list[Patient] = field(init=False)
    validation: list[Patient] = field(init=False)
    test: list[Patient] = field(init=False)

    def __post_init__(self) -> None:
        """Make the patients."""
        given = self.settings
        self.folder = folder_of("new_organs", asdict(given))
        self.learned, self.validation, self.test = groups(given.n_cases, given.n_validation, given.n_test)

    def labelled(self, new: Sequence[str]) -> list[PreparedCase]:
        """Give the cases in which new organs are labelled too."""
        return [_case(one, (*OLD, *new)) for one in self.learned[: self.settings.n_labelled]]

    def others(self) -> list[PreparedCase]:
        """Give the cases in which they are not."""
        return [_case(one, OLD) for one in self.learned[self.settings.n_labelled :]]

    def base(self) -> Network:
        """Give the network that knows the old organs."""

        def train() -> Network:
            config = _all_weights(self.settings, self.settings.base_steps)
            return train_all(
                _fresh(OLD), self.labelled(()) + self.others(), config, self.folder / "base", lambda *_: None
            )

        return network_in(self.folder / "base", train)


def known_in(number: int) -> tuple[str, ...]:
    """Give the new organs that are known after a round, counted from 1."""
    return tuple(name for names in ROUNDS[:number] for name in names)


def run_round(bench: RoundBench, way: str, number: int) -> tuple[Network, Sequence[Point]]:
    """Run one round of one way, or find what it came to; counted from 1."""
    folder = bench.folder / f"{way.replace(' ', '-')}-{number}"
    before = run_round(bench, way, number - 1)[0] if number > 1 and way != "full" else bench.base()
    curve = Curve(folder / "curve.json")
    curve.start()
    network = network_in(folder, lambda: WAYS[way](bench, before, number, curve))
    return network, curve.points


def _full(bench: RoundBench, _before: Network, number: int, curve: Curve) -> Network:
    new = known_in(number)
    organs = (*OLD, *new)

    def judged(step: int, network: Network) -> None:
        found = dice_by_organ(masks_of(network, bench.validation, organs), bench.validation, organs)
        curve.add(step, mean_dice(found, ROUNDS[number - 1]), mean_dice(found, OLD))

    config = _all_weights(bench.settings, bench.settings.full_steps)
    cases = as_often(bench.labelled(new), bench.others())
    return train_all(_fresh(organs), cases, config, curve.path.parent, judged)


def _heads(bench: RoundBench, before: Network, number: int, curve: Curve) -> Network:
    return _tuned(bench, before, number, curve, HEADS)


def _adapted(bench: RoundBench, before: Network, number: int, curve: Curve) -> Network:
    return _tuned(bench, before, number, curve, ADAPTERS)


def _tuned(bench: RoundBench, before: Network, number: int, curve: Curve, trainable: str) -> Network:
    given, new = bench.settings, ROUNDS[number - 1]
    grown = with_organs(before, new)

    def judged() -> Judged:
        judge = FrozenJudge(grown, bench.validation)
        others = mean_dice(judge.dice(grown, OLD), OLD)

        def told(step: int, network: Network) -> None:
            if step % given.heads_every == 0:
                curve.add(step, mean_dice(judge.dice(network, new), new), others)

        return told

    learned = {one.case_id: (one, 1.0) for one in bench.labelled(new)}
    config = ContinualConfig(
        organs=new,
        trainable=trainable,
        steps=given.heads_steps,
        learning_rate=given.heads_rate,
        augmented_copies=0,
    )
    return tune_cached(grown, learned, config, curve.path.parent, judged)


WAYS: dict[str, Callable[[RoundBench, Network, int, Curve], Network]] = {
    "heads": _heads,
    "heads and adapters": _adapted,
    "full": _full,
}
"""Every way, by name."""


def _fresh(organs: Sequence[str]) -> Network:
    return build(NetworkSpec(architecture="starter", organs=tuple(organs), spacing_mm=SPACING_MM))


def _all_weights(given: NewSettings, steps: int) -> FullConfig:
    return FullConfig(
        spacing_mm=SPACING_MM,
        steps=steps,
        batch_size=given.batch_size,
        patch_voxels=given.patch_voxels,
        checkpoint_every=given.every,
    )


def _case(patient: Patient, organs: Sequence[str]) -> PreparedCase:
    sources = dict.fromkeys(organs, MaskSource.ORIGINAL)
    return case_of(patient, patient.truth, sources, f"true-{','.join(sorted(organs))}")
