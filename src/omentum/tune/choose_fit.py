"""Choose how to fit an organ, or to leave it as it is, by cross-validation over the revised patients."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from omentum.networks.network import Network
from omentum.tune.fit_copies import CopyWeights, Fit, fit_copies
from omentum.tune.fit_settings import NEW_ORGAN, FitSetting, Schedule, schedule_for
from omentum.tune.folds import patient_folds
from omentum.tune.head_batches import HeadBatches
from omentum.tune.one_standard_error import LEAST_PATIENTS, Gain, best_gain, gain_of
from omentum.tune.sampled_dice import logits_at_samples, mean_by_patient, sampled_dice
from omentum.tune.samples import OrganSamples
from omentum.tune.stacked_heads import StackedHeads, starting_tensors
from omentum.tune.whitening import WhitenedBatches, Whitening

__all__ = ["Lessons", "OrganChoice", "Trial", "choose_fit", "fit_new_organ", "fit_stack"]

_N_FOLDS = 4
_VOXELS_A_STEP = 1 << 11
"""More in a step teach no more: voxels of one patient are alike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lessons:
    """What an organ learns from.

    Attributes:
        organ: Its name.
        samples: Of each case; several copies of a case may be among them.
        counts: What each case counts.
        patients: The patient of each case.
        soft: Cases whose label is the parent's own: they teach by its probabilities, and judge nothing.
    """

    organ: str
    samples: Sequence[OrganSamples]
    counts: Mapping[str, float]
    patients: Mapping[str, str]
    soft: frozenset[str] = frozenset()

    @property
    def judging(self) -> list[OrganSamples]:
        """Samples of cases with a label that people vouch for."""
        return [one for one in self.samples if one.case_id not in self.soft]

    @property
    def n_patients(self) -> int:
        """How many patients have a label that people vouch for."""
        return len({self.patients[one.case_id] for one in self.judging})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One child that was tried: its setting, how far it went from the parent, what it gained unseen."""

    setting: FitSetting
    share: float
    gain: Gain


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OrganChoice:
    """What was chosen for an organ.

    Attributes:
        organ: Its name.
        n_patients: Those on whom it was judged.
        parent_dice: Mean Dice of the parent on them; `None` where nothing was judged.
        trials: All that were tried.
        chosen: The one that was taken; `None` where the organ stays as it was, or is new.
        tensors: Of the child, by full name; none where the organ stays as it was.
    """

    organ: str
    n_patients: int
    parent_dice: float | None = None
    trials: tuple[Trial, ...] = ()
    chosen: Trial | None = None
    tensors: Mapping[str, Tensor]


def choose_fit(network: Network, lessons: Lessons, *, seed: int) -> OrganChoice:
    """Fit an organ in several ways on parts of the patients, and take the best if it is shown to be better.

    Each setting is fitted without each of the folds in turn, and once on all patients. Children at several
    shares of the way from parent to child are judged on the patients of the fold left out. Of those whose
    gain exceeds one standard error over patients the one that gains most is taken; without any, nothing is.

    Args:
        network: The parent; not changed. It has a head for the organ.
        lessons: What the organ learns from.
        seed: Of all that is drawn.

    Raises:
        TuneError: A loss is not finite.
    """
    n_patients = lessons.n_patients
    if n_patients < LEAST_PATIENTS:
        return OrganChoice(organ=lessons.organ, n_patients=n_patients, tensors={})
    parent = _dice_by_patient(network, lessons)
    fitted: list[tuple[Trial, dict[str, Tensor]]] = []
    schedule = schedule_for(n_patients)
    for part in schedule.by_part():
        fitted += _fitted(network, lessons, part, parent, seed)
    trials = tuple(trial for trial, _ in fitted)
    best = best_gain([one.gain for one in trials])
    return OrganChoice(
        organ=lessons.organ,
        n_patients=n_patients,
        parent_dice=sum(parent.values()) / len(parent),
        trials=trials,
        chosen=None if best is None else trials[best],
        tensors={} if best is None else fitted[best][1],
    )


def fit_new_organ(network: Network, lessons: Lessons, *, seed: int) -> OrganChoice:
    """Fit an organ that the parent did not know: there is nothing to stay with, and nothing pulls back.

    Args:
        network: Has the new head, which begins as that of similar organs; not changed.
        lessons: What the organ learns from.
        seed: Of all that is drawn.

    Raises:
        TuneError: The loss is not finite.
    """
    setting, fit = NEW_ORGAN
    copies, _ = fit_stack(network, lessons, [setting], [frozenset()], fit, seed)
    return OrganChoice(organ=lessons.organ, n_patients=lessons.n_patients, tensors=copies.copied(0))


def _fitted(
    network: Network,
    lessons: Lessons,
    schedule: Schedule,
    parent: Mapping[str, float],
    seed: int,
) -> list[tuple[Trial, dict[str, Tensor]]]:
    """Give all children of settings that train the same parts, each with its tensors."""
    patients = {one.case_id: lessons.patients[one.case_id] for one in lessons.judging}
    left_out = [*patient_folds(patients, _N_FOLDS, seed=seed), frozenset[str]()]
    settings = schedule.settings
    copies, begun = fit_stack(network, lessons, settings, left_out, schedule.fit, seed)
    found = []
    for share in schedule.shares:
        moved = copies.between(begun, share)
        dice = _dice_left_out(moved, lessons, left_out, len(settings))
        for place, setting in enumerate(settings):
            gain = gain_of([dice[place][patient] - parent[patient] for patient in sorted(parent)])
            tensors = moved.copied(place * len(left_out) + len(left_out) - 1)
            found.append((Trial(setting=setting, share=share, gain=gain), tensors))
    return found


def fit_stack(
    network: Network,
    lessons: Lessons,
    settings: Sequence[FitSetting],
    left_out: Sequence[frozenset[str]],
    fit: Fit,
    seed: int,
) -> tuple[StackedHeads, Mapping[str, Tensor]]:
    """Train a copy for each setting and each set of cases that is left out, in that order.

    Args:
        network: The parent; not changed.
        lessons: What the organ learns from.
        settings: All of them train the same parts.
        left_out: Cases that a copy does not learn from.
        fit: How all of them learn.
        seed: Of all that is drawn.

    Returns:
        The copies, and the tensors from which each of them began.

    Raises:
        TuneError: A loss is not finite.
    """
    is_adapted = settings[0].is_adapted
    begun, learn = starting_tensors(network, lessons.organ, adapted=is_adapted, seed=seed)
    cases = [one.case_id for one in lessons.samples]
    rows = [[0.0 if case in out else lessons.counts[case] for case in cases] for out in left_out]
    pulls = [setting.pull for setting in settings for _ in left_out]
    device = next(iter(begun.values())).device
    weights = CopyWeights(
        counts=torch.tensor(rows * len(settings), device=device),
        pulls=torch.tensor(pulls, device=device),
        soft=torch.tensor([case in lessons.soft for case in cases], device=device),
    )
    batches = HeadBatches(lessons.samples, [1.0] * len(cases), seed, n_voxels=_VOXELS_A_STEP)
    slope, n_copies = network.organ_heads.slope, len(pulls)
    if not is_adapted:
        copies = StackedHeads(lessons.organ, begun, n_copies, slope=slope)
        fit_copies(copies, learn, batches, weights, fit, seed=seed)
        return copies, begun
    whitening = Whitening.of(lessons.samples, device)
    if lessons.organ not in network.spec.adapters:
        begun = whitening.from_whitened(begun)  # what was drawn is meant for whitened features
    copies = StackedHeads(lessons.organ, whitening.to_whitened(begun), n_copies, slope=slope)
    fit_copies(copies, learn, WhitenedBatches(batches, whitening), weights, fit, seed=seed)
    copies.values = whitening.from_whitened(copies.values)
    return copies, begun


def _dice_by_patient(network: Network, lessons: Lessons) -> dict[str, float]:
    """Judge the parent."""
    tensors, _ = starting_tensors(network, lessons.organ, adapted=False, seed=0)
    parent = StackedHeads(lessons.organ, tensors, 1, slope=network.organ_heads.slope)
    values = [sampled_dice(logits_at_samples(parent, one), one)[0] for one in lessons.judging]
    return mean_by_patient(values, [lessons.patients[one.case_id] for one in lessons.judging])


def _dice_left_out(
    copies: StackedHeads, lessons: Lessons, left_out: Sequence[frozenset[str]], n_settings: int
) -> list[dict[str, float]]:
    """Judge, for each setting, every patient by the copy that has not learned from them."""
    values: list[list[float]] = [[] for _ in range(n_settings)]
    for one in lessons.judging:
        fold = next(place for place, out in enumerate(left_out) if one.case_id in out)
        judges = copies.taken([place * len(left_out) + fold for place in range(n_settings)])
        for own, dice in zip(values, sampled_dice(logits_at_samples(judges, one), one), strict=True):
            own.append(dice)
    patients = [lessons.patients[one.case_id] for one in lessons.judging]
    return [mean_by_patient(own, patients) for own in values]
