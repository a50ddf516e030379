"""What does prediction do in a round? Every case, with every network in use, once.

In:  an open project.
Out: each case's predictions on disk and noted in the ledger; a case that cannot be read is set aside.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

from omentum.errors import ConfigError, ImageError
from omentum.predict.left_before import kept_before
from omentum.predict.manner import Manner
from omentum.predict.named import opinion_named
from omentum.predict.opinion import KeptOpinions, Opinion
from omentum.predict.stage import case_steps, is_predicted
from omentum.project.project import Workspace, prediction_stage
from omentum.records import Batch, Case
from omentum.runners.runner import Progress

__all__ = ["predict_round"]


def predict_round(
    workspace: Workspace,
    *,
    networks: Sequence[str] = (),
    case_ids: Collection[str] | None = None,
    average: bool = False,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
) -> list[Batch]:
    """Predict every case that these weights have not predicted yet.

    Args:
        workspace: The project.
        networks: Names; those in use where none are given.
        case_ids: Cases by name; all where not said.
        average: Whether to decide from the average of all of them too, as one more network called `average`.
        device: Where networks run.
        progress: Told of each case.

    Returns:
        One batch a network.

    Raises:
        UnknownNetworkError: There is no network of a name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for one of the project's organs that is not new.
        ConfigError: There is one network only to average, or one is named twice.
    """
    # All are loaded before any volume is read: a network that cannot be used is refused at once.
    settings = workspace.settings
    manner = Manner(overlap=settings.overlap, recipe=settings.postprocessing)
    opinions: list[Opinion] = [
        kept_before(workspace, name)
        or opinion_named(
            name,
            organs=settings.organs,
            device=device,
            manner=manner,
            project_networks=workspace.folder.root / "networks",
            optional=tuple(settings.similar_to_new),
        )
        for name in networks or workspace.networks
    ]
    names = [one.name for one in opinions]
    if average and len(set(names)) < max(2, len(names)):
        raise ConfigError("--average", names, "it takes two networks or more, each named once")
    wanted = [one for one in workspace.store.cases.all() if case_ids is None or one.case_id in case_ids]
    batches = [_predict_with(workspace, wanted, one, progress) for one in opinions]
    if average:
        mean = KeptOpinions([workspace.predictions(one.name) for one in opinions], manner)
        cases = [case for case in wanted if case.case_id in mean.cases]
        batches.append(_predict_with(workspace, cases, mean, progress))
    return batches


def _predict_with(
    workspace: Workspace,
    cases: Sequence[Case],
    opinion: Opinion,
    progress: Callable[[Progress], None] | None,
) -> Batch:
    stage = prediction_stage(opinion.name)

    def folder_of(case_id: str) -> Path:
        return workspace.folder.prediction_dir(case_id, opinion.name)

    for case_id, detail in workspace.store.ledger.details(stage).items():
        if _is_stale(detail, opinion, case_id) or not is_predicted(folder_of(case_id)):
            workspace.store.ledger.forget(stage, case_id)
    return workspace.runner.run(
        cases,
        case_steps(opinion, folder_of),
        key=lambda case: case.case_id,
        ledger=workspace.store.ledger.of(stage),
        progress=progress,
    )


def _is_stale(detail: dict[str, Any], opinion: Opinion, case_id: str) -> bool:
    """Tell whether a prediction was made with anything else: weights, organs, windows, rules, or files."""
    try:
        return bool(detail.get("made_with") != opinion.settings(case_id))
    except (ImageError, KeyError):  # what it was made from is gone
        return True
