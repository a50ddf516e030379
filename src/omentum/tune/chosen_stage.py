"""Choose, organ by organ, whether and how the network learns from the revisions of a round."""

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch

from omentum.networks.extend_organs import add_adapters
from omentum.networks.network import Network
from omentum.records import LabelledCase, MaskSource
from omentum.runners.runner import Progress
from omentum.tune.choose_fit import Lessons, OrganChoice, choose_fit, fit_new_organ
from omentum.tune.continual import one_thread_each
from omentum.tune.one_standard_error import LEAST_PATIENTS
from omentum.tune.samples import OrganSamples
from omentum.tune.stacked_heads import has_adapter

__all__ = ["choice_record", "choose_organs", "lessons_of", "take_choices", "too_few"]

Plan = Mapping[str, Mapping[str, float]]
"""What the label of each organ counts, by case."""


def too_few(plan: Plan, cases: Sequence[LabelledCase]) -> dict[str, int]:
    """Count the patients of organs that too few people vouch for: nothing can be chosen for these.

    Args:
        plan: What is to be learned.
        cases: With the mask that stands for each organ.
    """
    patients: dict[str, set[str]] = {name: set() for organs in plan.values() for name in organs}
    for one in cases:
        for mask in one.masks:
            if mask.organ in plan.get(one.case.case_id, {}) and mask.source is not MaskSource.PREDICTED:
                patients[mask.organ].add(one.case.patient_id)
    return {name: len(own) for name, own in patients.items() if len(own) < LEAST_PATIENTS}


def lessons_of(plan: Plan, samples: Sequence[OrganSamples], cases: Sequence[LabelledCase]) -> list[Lessons]:
    """Sort samples by organ, with what a case counts, its patient, and whether a network drew its label."""
    by_id = {one.case.case_id: one for one in cases}
    soft = {
        (one.case.case_id, mask.organ)
        for one in cases
        for mask in one.masks
        if mask.source is MaskSource.PREDICTED
    }
    lessons = []
    for name in sorted({one.organ for one in samples}):
        counts = {case_id: organs[name] for case_id, organs in plan.items() if name in organs}
        lessons.append(
            Lessons(
                organ=name,
                samples=[one for one in samples if one.organ == name],
                counts=counts,
                patients={case_id: by_id[case_id].case.patient_id for case_id in counts},
                soft=frozenset(case_id for case_id in counts if (case_id, name) in soft),
            )
        )
    return lessons


def choose_organs(
    network: Network, lessons: Sequence[Lessons], new: Collection[str], *, seed: int, progress: Progress
) -> list[OrganChoice]:
    """Choose for each organ, several at a time; arguments as `choose_fit`.

    Args:
        network: The parent, with heads for new organs; not changed.
        lessons: One an organ.
        new: Organs that the parent did not know.
        seed: Of all that is drawn.
        progress: Told of each organ.

    Raises:
        TuneError: A loss is not finite.
    """
    network.requires_grad_(False).eval()

    def choose(own: Lessons) -> OrganChoice:
        return (fit_new_organ if own.organ in new else choose_fit)(network, own, seed=seed)

    choices = []
    with ThreadPoolExecutor(torch.get_num_threads()) as pool, one_thread_each():
        for done, choice in enumerate(pool.map(choose, lessons), start=1):
            choices.append(choice)
            progress("tune heads", done, len(lessons), choice.organ)
    return choices


def take_choices(network: Network, choices: Sequence[OrganChoice], *, seed: int) -> None:
    """Give the network the tensors that were chosen, in place; all others stay to the last bit."""
    adapted = [one.organ for one in choices if has_adapter(one.organ, one.tensors)]
    add_adapters(network, adapted, seed=seed)
    own = network.state_dict()
    for choice in choices:
        own |= choice.tensors
    network.load_state_dict(own)


def choice_record(choice: OrganChoice) -> dict[str, Any]:
    """Give what `tune.json` says of a choice."""
    best = max(choice.trials, key=lambda one: one.gain.mean, default=None)
    shown = choice.chosen or best
    return {
        "organ": choice.organ,
        "is_changed": bool(choice.tensors),
        "n_patients": choice.n_patients,
        "parent_dice": choice.parent_dice,
        "trainable": choice.chosen.setting.trainable if choice.chosen else None,
        "pull": choice.chosen.setting.pull if choice.chosen else None,
        "share": choice.chosen.share if choice.chosen else None,
        "gain": shown.gain.mean if shown else None,
        "standard_error": shown.gain.standard_error if shown else None,
        "threshold": shown.gain.threshold if shown else None,
        "trials": [
            {
                "trainable": one.setting.trainable,
                "pull": one.setting.pull,
                "share": one.share,
                "gain": one.gain.mean,
                "standard_error": one.gain.standard_error,
            }
            for one in choice.trials
        ],
    }
