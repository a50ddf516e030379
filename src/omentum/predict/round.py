"""What does prediction do in a round? Every case, with every network in use, once.

In:  an open project.
Out: each case's predictions on disk and noted in the ledger; a case that cannot be read is set aside.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from omentum.networks.catalogue import find_weights
from omentum.predict.predictor import Predictor
from omentum.predict.stage import predict_case
from omentum.records import Batch, Case
from omentum.runners.runner import Progress
from omentum.volumes.atomic import sweep
from omentum.workspace import Workspace, prediction_stage

__all__ = ["predict_round"]


def predict_round(
    workspace: Workspace,
    *,
    networks: Sequence[str] = (),
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
) -> list[Batch]:
    """Predict every case that these weights have not predicted yet.

    Args:
        workspace: The project.
        networks: Names; those in use where none are given.
        device: Where networks run.
        progress: Told of each case.

    Returns:
        One batch a network.

    Raises:
        UnknownNetworkError: There is no network of a name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for one of the project's organs.
    """
    # All are loaded before any volume is read: a network that cannot be used is refused at once.
    predictors = [_predictor(workspace, name, device) for name in networks or workspace.networks]
    cases = workspace.store.cases.all()
    return [_predict_with(workspace, cases, predictor, progress) for predictor in predictors]


def _predictor(workspace: Workspace, name: str, device: str) -> Predictor:
    weights = find_weights(name, workspace.folder.root / "networks")
    settings = workspace.settings
    return Predictor(name, weights, organs=settings.organs, device=device, overlap=settings.overlap)


def _predict_with(
    workspace: Workspace,
    cases: Sequence[Case],
    predictor: Predictor,
    progress: Callable[[Progress], None] | None,
) -> Batch:
    stage = prediction_stage(predictor.name)
    for case_id, detail in workspace.store.ledger.details(stage).items():
        folder = workspace.folder.prediction_dir(case_id, predictor.name)
        if _is_stale(detail, predictor) or not _is_there(folder):
            workspace.store.ledger.forget(stage, case_id)

    def work(case: Case) -> dict[str, Any]:
        folder = workspace.folder.prediction_dir(case.case_id, predictor.name)
        _tidy(folder)
        made = predict_case(predictor, case.case_id, case.ct_path, folder)
        return {
            "weights_sha256": made.weights_sha256,
            "organs": list(made.organs),
            "overlap": predictor.overlap,
        }

    ledger = workspace.store.ledger.of(stage)
    return workspace.runner.run(cases, work, key=lambda case: case.case_id, ledger=ledger, progress=progress)


def _is_stale(detail: dict[str, Any], predictor: Predictor) -> bool:
    """Tell whether other weights, organs or windows made a prediction."""
    made_with = detail["weights_sha256"], tuple(detail["organs"]), detail["overlap"]
    return made_with != (predictor.weights_sha256, predictor.organs, predictor.overlap)


def _is_there(folder: Path) -> bool:
    """Tell whether nobody has removed what was predicted."""
    return all(
        (folder / name).is_file() for name in ("masks.nii.gz", "probabilities.zarr.zip", "summary.json")
    )


def _tidy(folder: Path) -> None:
    if folder.is_dir():
        sweep(folder)
