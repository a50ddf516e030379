"""Look whether labels of known cases are new or changed; take them where asked.

In:  CTs that are cases already, with the labels that their data sets give now.
Out: which labels are others than those of the cases; each by itself, one that cannot be used is set aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.exchange.label_updates import LABEL_STAGE, LabelNews, is_same_label, keep_news, label_news
from omentum.exchange.manner import Manner
from omentum.project.project import Project
from omentum.records import Failure, LabelVersion
from omentum.runners.runner import Progress
from omentum.volumes.dicom import read_series

__all__ = ["LabelsSeen", "look_at_labels"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsSeen:
    """What labels of known cases are.

    Attributes:
        updated: Versions that were taken, by case.
        changed: Why a label that was not taken is another one than the case's, by case.
        stay: Organs of a case with an updated label whose revisions or decisions stay as they are, by case.
        failed: Labels that cannot be used, by case.
    """

    updated: Mapping[str, LabelVersion] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)
    stay: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class _NewsLedger:
    """Keeps what labels are in one transaction with the note that they were looked at."""

    project: Project
    news: dict[str, LabelNews]

    def done(self, key: str) -> bool:
        del key
        return False

    def mark_done(self, key: str, result: LabelNews) -> None:
        store = self.project.store
        with store.together():
            keep_news(self.project, result)
            store.ledger.forget(LABEL_STAGE, key)
        self.news[key] = result

    def mark_failed(self, key: str, reason: str) -> None:
        self.project.store.ledger.mark_failed(LABEL_STAGE, key, reason)


def look_at_labels(
    project: Project,
    labels: Sequence[tuple[Source, OriginalLabel]],
    *,
    manner: Manner,
    progress: Progress | None = None,
) -> LabelsSeen:
    """Compare labels with those of their cases.

    Labels whose files look as before are not opened.

    Args:
        project: The project.
        labels: CTs by the names of their cases, and their labels.
        manner: How labels come in; those that are new or changed only if `update_labels` says so.
        progress: Told of each label that is opened.
    """
    store = project.store
    kept = store.labels.current()
    asked = {source.case_id: (source, label) for source, label in labels}
    todo = {case_id: one for case_id, one in asked.items() if not is_same_label(kept.get(case_id), one[1])}
    for failure in store.ledger.failures(LABEL_STAGE):
        if failure.key in asked.keys() - todo.keys():
            store.ledger.forget(LABEL_STAGE, failure.key)

    def work(case_id: str) -> LabelNews:
        source, label = todo[case_id]
        is_series = source.path.is_dir() and label.path.is_dir()
        return label_news(
            project,
            store.cases.get(case_id),
            label,
            manner=manner,
            take=manner.update_labels,
            slices=read_series(source.path, source.files).files if is_series else (),
        )

    news: dict[str, LabelNews] = {}
    ledger = _NewsLedger(project, news)
    batch = project.runner.run(list(todo), work, key=str, ledger=ledger, step="labels", progress=progress)
    updated = {case_id: one.taken for case_id, one in news.items() if one.taken is not None}
    return LabelsSeen(
        updated=updated,
        changed={
            case_id: _why_changed(one)
            for case_id, one in news.items()
            if one.is_changed and one.taken is None
        },
        stay={case_id: organs for case_id in updated if (organs := _worked_on(project, case_id))},
        failed=batch.failed,
    )


def _why_changed(news: LabelNews) -> str:
    if news.kept is None:
        return "a label has come for it; take it with --update-labels"
    return "its label changed since it came in; take it with --update-labels"


def _worked_on(project: Project, case_id: str) -> tuple[str, ...]:
    """Give the organs of a case that people revised or decided about."""
    store = project.store
    revised = {one.organ for one in store.revisions.of_case(case_id)}
    return tuple(sorted(revised | {one.organ for one in store.decisions.of_case(case_id)}))
