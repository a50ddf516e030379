"""Tune a network in a round: from the revisions that it has not learned, or from every label there is.

In:  an open project, and the mask that stands for each organ of each case (loop).
Out: `networks/<name>-r<round>/` with weights, `tune.json` and a model card; noted with the masks that it
     learned from, and not in use before the gate has judged it (evaluate).
"""

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omentum.errors import TuneError
from omentum.networks.catalogue import WEIGHTS_FILE
from omentum.networks.weights import save_network
from omentum.phantoms.anatomy_map import AnatomyMap
from omentum.project.project import Project
from omentum.records import LabelledCase, NetworkRecord
from omentum.runners.runner import Progress
from omentum.tune.config import ContinualConfig, FullConfig
from omentum.tune.continual_stage import tune_in_round
from omentum.tune.full_stage import CHECKPOINT, train_in_round
from omentum.tune.model_card import write_model_card
from omentum.tune.run_record import TuneRun
from omentum.volumes.atomic import sweep, write_json

__all__ = ["tune_round"]

_ROUND = re.compile(r"-r\d+$")


def tune_round(
    project: Project,
    labelled: Sequence[LabelledCase],
    config: ContinualConfig | FullConfig,
    *,
    maps: Sequence[AnatomyMap] = (),
    device: str = "cpu",
    progress: Progress | None = None,
) -> NetworkRecord:
    """Tune the network in use, and note what comes out; the round goes on until it is judged.

    Called again after a kill, it goes on from the last checkpoint; a network that was noted is not made anew.

    Args:
        project: The project.
        labelled: Every case with the mask that stands for each organ; patients kept for evaluation are
            left out here.
        config: `ContinualConfig` tunes the heads of the organs revised in this round; `FullConfig`
            trains all weights afresh on all labels.
        maps: Anatomy of real people, from which full training makes up patients.
        device: Where to train.
        progress: Told of the work.

    Raises:
        TuneError: There is nothing to learn from, the loss is not finite, or a patient is both kept for
            evaluation and to be learned from.
    """
    _check_split(project, labelled)
    noted = {one.name: one for one in project.store.networks.all()}
    folder = _folder(project)
    cases = [one for one in labelled if one.masks and not one.case.held_out]
    tell = progress or (lambda _step, _n_done, _n_total, _note="", /: None)
    held_out = tuple(one for one in labelled if one.masks and one.case.held_out)
    run = TuneRun(project=project, folder=folder, device=device, tell=tell, held_out=held_out)
    record = noted.get(folder.name)
    if record is None:
        record, learned = _made(run, cases, config, maps)
        with project.store.together():
            project.store.networks.add(record)
            project.store.learned_masks.keep(record.name, _lessons(cases, learned))
    (folder / CHECKPOINT).unlink(missing_ok=True)
    sweep(folder)
    return record


def _check_split(project: Project, labelled: Sequence[LabelledCase]) -> None:
    """Refuse a patient on both sides of the split: held-out CTs would judge what learned from the others."""
    cases = [*project.store.cases.all(), *(one.case for one in labelled)]
    kept = {case.patient_id for case in cases if case.held_out}
    both = sorted({one.case.patient_id for one in labelled if not one.case.held_out} & kept)
    if both:
        rule = "a patient is never split; add their CTs anew, or keep all of them for evaluation"
        raise TuneError(f"{len(both)} patients ({', '.join(both[:3])}) are held out and learned from: {rule}")


def _folder(project: Project) -> Path:
    """Name the network that this round ends with: by the one that the project began with, and the round."""
    current = project.store.rounds.current()
    is_ours = any(one.name == current.network for one in project.store.networks.all())
    base = _ROUND.sub("", current.network) if is_ours else current.network
    return project.folder.network_dir(f"{base}-r{current.number}")


def _made(
    run: TuneRun,
    cases: Sequence[LabelledCase],
    config: ContinualConfig | FullConfig,
    maps: Sequence[AnatomyMap],
) -> tuple[NetworkRecord, dict[str, Any]]:
    """Tune a network, and write all its files; give it with what its story says of how it was made."""
    current, folder = run.project.store.rounds.current(), run.folder
    started = time.perf_counter()
    if isinstance(config, FullConfig):
        network, learned = train_in_round(run, cases, config, maps)
    else:
        network, learned = tune_in_round(run, cases, config)
    sha256 = save_network(folder / WEIGHTS_FILE, network.cpu(), numbers=config.kept_as)
    story = {
        "name": folder.name,
        "parent": current.network,
        "round": current.number,
        "weights_sha256": sha256,
        "seconds": round(time.perf_counter() - started, 1),
        **learned,
        "config": config.model_dump(),
    }
    write_json(folder / "tune.json", story)
    write_model_card(folder / "model-card.md", network.spec, story)
    record = NetworkRecord(
        name=folder.name,
        folder=folder,
        weights_sha256=sha256,
        parent=current.network,
        round_number=current.number,
    )
    return record, learned


def _lessons(cases: Sequence[LabelledCase], learned: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Give the hash of each mask that was learned from, by case and organ.

    Args:
        cases: With the mask that stands for each organ.
        learned: What the story says: `organs`, and `cases` by name, with the organs of each or without.
    """
    of_case = learned["cases"]
    return {
        (one.case.case_id, mask.organ): mask.sha256
        for one in cases
        for mask in one.masks
        if one.case.case_id in of_case
        and mask.organ in (of_case[one.case.case_id] if isinstance(of_case, dict) else learned["organs"])
    }
