"""Keep the predictions of a shard in a journal, where they cannot go into the project's database.

A line is written once the files of its prediction are in place; `merge_shards` brings it into the database.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from omentum.predict.made_alike import made_alike
from omentum.predict.prediction_ledger import WrittenPrediction
from omentum.predict.predictors import Predictor
from omentum.project.journal import append_line, read_lines
from omentum.project.paths import ProjectFolder
from omentum.project.project import Project, prediction_stage
from omentum.records import Prediction
from omentum.runners.shards import Shard
from omentum.store.convert import json_value, record_of
from omentum.store.paths import Paths

__all__ = ["JournalLedger", "JournalLine", "journal_ledger", "journal_path", "read_journal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """What became of one case.

    Attributes:
        network: That predicted it.
        case_id: The case.
        written: Its prediction; `None` if it failed.
        reason: Why it failed.
    """

    network: str
    case_id: str
    written: WrittenPrediction | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLedger:
    """The ledger of one shard of one network's predictions.

    Attributes:
        path: Of the journal.
        folder: Of the project.
        network: That predicts.
        done_before: Cases that are done, in the database or in the journal.
    """

    path: Path
    folder: ProjectFolder
    network: str
    done_before: Collection[str]

    def done(self, key: str) -> bool:
        """Return whether a case is done."""
        return key in self.done_before

    def mark_done(self, key: str, result: WrittenPrediction) -> None:
        """Append a prediction whose files are in place."""
        made = replace(result.prediction, time=result.prediction.time or datetime.now(UTC))
        values = json_value(made, Paths(self.folder.root))
        del values["folder"]  # follows from case and network, wherever the project is
        values["time"] = values["time"].isoformat()
        about = {"prediction": values, "organ_sha256s": dict(result.organ_sha256s)}
        append_line(self.path, {"network": self.network, "case": key, **about})

    def mark_failed(self, key: str, reason: str) -> None:
        """Append why a case failed."""
        append_line(self.path, {"network": self.network, "case": key, "reason": reason})


def journal_path(folder: ProjectFolder, network: str, shard: Shard) -> Path:
    """Give the path of a shard's journal."""
    return folder.shards_dir / f"predict-{network}-{shard.label}.jsonl"


def journal_ledger(project: Project, predictor: Predictor, stale: Collection[str]) -> JournalLedger:
    """Give the ledger of a project's shard; what the journal has from other weights or settings is not done.

    Args:
        project: Open for a shard.
        predictor: Predicts the cases.
        stale: Cases whose prediction in the database is to be made again.
    """
    assert project.shard is not None
    network = predictor.name
    path = journal_path(project.folder, network, project.shard)
    done = project.store.ledger.done_keys(prediction_stage(network)) - set(stale)
    for line in read_journal(path, project.folder) if path.exists() else ():
        if line.written is not None and _is_current(line.written.prediction, predictor):
            done.add(line.case_id)
    return JournalLedger(path=path, folder=project.folder, network=network, done_before=done)


def read_journal(path: Path, folder: ProjectFolder) -> list[JournalLine]:
    """Read the last line of each case and network.

    Raises:
        ProjectError: The file cannot be read, or a line is no record.
        ConfigError: The name of a case or network in it cannot be one.
    """
    lines = (_line(values, folder) for values in read_lines(path))
    return list({(one.network, one.case_id): one for one in lines}.values())


def _line(values: Mapping[str, Any], folder: ProjectFolder) -> JournalLine:
    network, case_id = str(values.get("network")), str(values.get("case"))
    if "prediction" not in values:
        return JournalLine(network=network, case_id=case_id, reason=str(values.get("reason")))
    made = dict(values["prediction"])
    prediction = record_of(
        Prediction,
        SimpleNamespace(**made),
        Paths(folder.root),
        folder=folder.prediction_dir(case_id, network),
        time=datetime.fromisoformat(made["time"]),
    )
    written = WrittenPrediction(prediction=prediction, organ_sha256s=values["organ_sha256s"])
    return JournalLine(network=network, case_id=case_id, written=written)


def _is_current(prediction: Prediction, predictor: Predictor) -> bool:
    is_same = made_alike(prediction.made_with, predictor.settings(prediction.case_id))
    return is_same and prediction.summary_path.is_file() and prediction.masks_path.is_file()
