"""Judge the network that a round ends with, and start the next round.

Each step does only what is not done yet, so that it may be called again after a kill.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from omentum.errors import ProjectError
from omentum.evaluate.gate import Paired, differences_of, judged
from omentum.measures.overlap import dice
from omentum.project.project import Project
from omentum.records import LabelledCase, MaskSource, NetworkRecord, Prediction, Round
from omentum.records.promotions import GateOutcome, Promotion

if TYPE_CHECKING:
    from omentum.volumes.masks import MaskSet

__all__ = ["GATE", "Predict", "candidate_of", "judge_round", "pending", "start_next_round"]

GATE = "gate"
"""The name that stands for the gate as the author of a verdict."""

Predict = Callable[[Sequence[str], Sequence[str]], None]
"""Predicts cases with networks, both by name, where no prediction exists yet."""


def candidate_of(project: Project) -> NetworkRecord | None:
    """Give the network that was tuned in this round; `None` where none was yet."""
    current = project.store.rounds.current()
    made = [one for one in project.store.networks.all() if one.round_number == current.number]
    return next((one for one in made if one.parent == current.network), None)


def pending(project: Project) -> Promotion | None:
    """Give the verdict that waits for a person, if one does."""
    said = _said(project)
    return said if said is not None and said.outcome is GateOutcome.UNDECIDED else None


def judge_round(project: Project, labelled: Sequence[LabelledCase], predict: Predict) -> Promotion:
    """Judge the network that was tuned in this round on held-out reference masks.

    Both networks are compared with the same masks of the same cases. A decision stands; an undecided verdict
    is reached again, as masks may have come in since.

    Args:
        project: The project.
        labelled: Every case with the mask that stands for each organ; predicted ones are no reference, and
            cases that are not held out are not looked at.
        predict: Used for the held-out cases that have a mask of an organ that changed.

    Raises:
        ProjectError: No network was tuned in this round.
    """
    candidate = candidate_of(project)
    if candidate is None:
        number = project.store.rounds.current().number
        raise ProjectError(f"no network was tuned in round {number} yet; run `omentum tune` first")
    said = _said(project)
    if said is not None and said.outcome is not GateOutcome.UNDECIDED:
        return said
    return project.store.promotions.add(_verdict(project, candidate, labelled, predict))


def start_next_round(project: Project) -> None:
    """Start the next round with the network that is now in use; do nothing while there is no verdict."""
    said = _said(project)
    if said is None or said.outcome is GateOutcome.UNDECIDED:
        return
    network = said.network if said.outcome is GateOutcome.PROMOTED else said.instead_of
    project.store.rounds.turn(project.store.rounds.current().number, network)


def _said(project: Project) -> Promotion | None:
    candidate = candidate_of(project)
    if candidate is None:
        return None
    return project.store.promotions.of_network(project.store.rounds.current().number, candidate.name)


def _verdict(
    project: Project, candidate: NetworkRecord, labelled: Sequence[LabelledCase], predict: Predict
) -> Promotion:
    current = project.store.rounds.current()
    changed = _changed(project, candidate)
    if not changed:
        return _kept_out(current, candidate)
    cases = _referred(labelled, changed)
    if cases:
        predict([current.network, candidate.name], [one.case.case_id for one in cases])
    verdict = judged(
        differences_of(_pairs(project, candidate, cases)),
        changed=changed,
        revised=_revised(project),
        seed=current.number,
    )
    return Promotion(
        round_number=current.number,
        network=candidate.name,
        instead_of=current.network,
        outcome=verdict.outcome,
        by=GATE,
        why=verdict.why,
        time=datetime.now(UTC),
        organs=verdict.organs,
    )


def _changed(project: Project, candidate: NetworkRecord) -> list[str]:
    """Give the organs whose predictions differ from the parent's: those tuned, or all after full training.

    There is none where tuning chose to keep all of them as they were.
    """
    organs = list(project.settings.organs)
    path = candidate.folder / "tune.json" if candidate.folder is not None else None
    if path is None or not path.is_file():
        return organs
    story = json.loads(path.read_text(encoding="utf-8"))
    learned = story.get("organs", organs)
    found = [name for name in organs if name in learned]
    return found if found or "choices" in story else organs


def _kept_out(current: Round, candidate: NetworkRecord) -> Promotion:
    """Keep a network out that is the same as its parent."""
    return Promotion(
        round_number=current.number,
        network=candidate.name,
        instead_of=current.network,
        outcome=GateOutcome.KEPT_OUT,
        by=GATE,
        why="tuning kept every organ as it was, so it is the network in use; revise more patients",
        time=datetime.now(UTC),
    )


def _revised(project: Project) -> set[str]:
    """Give the organs that people revised since the network in use was made, where it may learn from them."""
    kept = {case.case_id for case in project.store.cases.all() if case.held_out}
    return {one.organ for one in project.unlearned() if one.case_id not in kept}


def _referred(labelled: Sequence[LabelledCase], organs: Sequence[str]) -> list[LabelledCase]:
    """Keep held-out cases, each with its reference masks of these organs."""
    kept = [
        LabelledCase(
            case=one.case,
            masks=tuple(
                mask for mask in one.masks if mask.organ in organs and mask.source is not MaskSource.PREDICTED
            ),
        )
        for one in labelled
        if one.case.held_out
    ]
    return sorted((one for one in kept if one.masks), key=lambda one: one.case.case_id)


def _pairs(project: Project, candidate: NetworkRecord, cases: Sequence[LabelledCase]) -> Iterator[Paired]:
    """Compare both networks with each mask; a case that either could not predict is left out."""
    before = project.predictions(project.store.rounds.current().network)
    after = project.predictions(candidate.name)
    for one in cases:
        case_id = one.case.case_id
        if case_id in before and case_id in after:
            yield from _pairs_of(one, before[case_id], after[case_id])


def _pairs_of(one: LabelledCase, before: Prediction, after: Prediction) -> Iterator[Paired]:
    from omentum.project.read_masks import read_chosen  # slow to import, and the status never needs it
    from omentum.volumes.mask_files import read_masks

    parent, candidate = read_masks(before.masks_path), read_masks(after.masks_path)
    for mask, reference in read_chosen(one):
        voxels = np.asarray(reference.voxels, dtype=bool)
        yield Paired(
            organ=mask.organ,
            patient_id=one.case.patient_id,
            parent=_dice(parent, mask.organ, voxels),
            candidate=_dice(candidate, mask.organ, voxels),
        )


def _dice(predicted: "MaskSet", organ: str, reference: np.ndarray) -> float | None:
    """Measure one organ; a network that has no head for it draws nothing."""
    known = organ in predicted.organs
    return dice(predicted.mask(organ) if known else np.zeros_like(reference), reference)
