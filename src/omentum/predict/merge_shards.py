"""Bring the predictions of shards from their journals into the project's database."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from omentum.errors import OmentumError
from omentum.predict.made_alike import made_alike
from omentum.predict.predict_case import is_predicted
from omentum.predict.prediction_ledger import WrittenPrediction
from omentum.predict.predictors import Predictor
from omentum.predict.shard_journal import JournalLine, read_journal
from omentum.predict.stage import predictors_of
from omentum.project.project import Project, prediction_stage
from omentum.records import Batch, Failure
from omentum.runners.progress import Progress
from omentum.volumes.file_hash import file_sha256

__all__ = ["merge_shards"]

_SHOWN = 8
"""Digits of a hash that are shown."""


def merge_shards(project: Project, paths: Sequence[Path] = (), *, progress: Progress | None = None) -> Batch:
    """Note what journals say is done or failed; the same call again changes nothing.

    A prediction is refused, with the reason, if its case is not one of the project's, if it was made with
    other weights or settings than the project has now, or if its files are not as they were written.

    Args:
        project: The project.
        paths: Of journals; all in the project's folder by default.
        progress: Called with each line.

    Returns:
        By `<case_id>/<network>`: what is noted now, what was noted before, and what failed or was refused.

    Raises:
        ProjectError: A journal cannot be read.
    """
    paths = paths or sorted(project.folder.shards_dir.glob("*.jsonl"))
    lines = [line for path in paths for line in read_journal(path, project.folder)]
    latest = {f"{one.case_id}/{one.network}": one for one in sorted(lines, key=_order)}
    merging = _Merging(project, {one.network for one in latest.values()})
    done, skipped, failed = [], [], []
    for key, line in latest.items():
        reason = line.reason if line.written is None else merging.refusal(line.written)
        if reason:
            merging.note_failure(line, reason)
            failed.append(Failure(key=key, reason=reason))
        elif line.written is not None and merging.keep(line.written):
            done.append(key)
        else:
            skipped.append(key)
        if progress is not None:
            progress("merge", len(done) + len(skipped) + len(failed), len(latest), key)
    return Batch(done=tuple(done), skipped=tuple(skipped), failed=tuple(failed))


def _order(line: JournalLine) -> tuple[str, str]:
    """Sort failures first, then predictions by time, and equal ones by name."""
    time = None if line.written is None else line.written.prediction.time
    return "" if time is None else time.isoformat(), f"{line.case_id}/{line.network}"


class _Merging:
    """Compares lines with a project, and notes them.

    Args:
        project: The project.
        networks: That the lines are of.
    """

    def __init__(self, project: Project, networks: Iterable[str]) -> None:
        self._project, self._store = project, project.store
        self._cases = {case.case_id for case in project.store.cases.every()}
        self._predictors: dict[str, Predictor | OmentumError] = {}
        for name in sorted(networks):
            try:
                (self._predictors[name],) = predictors_of(project, [name])
            except OmentumError as error:
                self._predictors[name] = error

    def refusal(self, written: WrittenPrediction) -> str | None:
        """Say why a prediction is not taken; `None` if it is."""
        made = written.prediction
        if made.case_id not in self._cases:
            return "this project has no such case; merge the journal into the project that it was made from"
        predictor = self._predictors[made.network]
        if isinstance(predictor, OmentumError):
            return str(predictor)
        now = predictor.settings(made.case_id)
        if now["weights_sha256"] != made.weights_sha256:
            ours, theirs = now["weights_sha256"][:_SHOWN], made.weights_sha256[:_SHOWN]
            return (
                f"it was predicted with weights {theirs}, and {made.network} has {ours} now; predict it again"
            )
        if not made_alike(made.made_with, now):
            return "it was predicted with other settings than omentum.toml has now; predict it again"
        if not is_predicted(made.folder) or file_sha256(made.masks_path) != made.masks_sha256:
            return f"its files in {made.folder} are not as they were written; predict it again"
        return None

    def keep(self, written: WrittenPrediction) -> bool:
        """Note a prediction that is done; `False` if it was noted before."""
        made, stage = written.prediction, prediction_stage(written.prediction.network)
        with self._store.together():
            kept = self._store.predictions.of_case(made.case_id).get(made.network)
            is_kept = kept is not None and kept.masks_sha256 == made.masks_sha256
            if is_kept and self._store.ledger.done(stage, made.case_id):
                return False
            self._store.predictions.keep(made, written.organ_sha256s)
            self._store.ledger.mark_done(stage, made.case_id)
        return True

    def note_failure(self, line: JournalLine, reason: str) -> None:
        """Note why a case of the project failed; one that is done stays done."""
        if line.case_id in self._cases:
            self._store.ledger.mark_failed(prediction_stage(line.network), line.case_id, reason)
