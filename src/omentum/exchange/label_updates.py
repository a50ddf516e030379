"""Compare the labels of known cases with those that data sets have now; take new versions on request.

Earlier versions stay on disk and in the database. A label that cannot be used fails alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.exchange.importers.transfer_labels import TransferredLabel
from omentum.exchange.label_files import LabelOfCase, label_sha256, label_stamp, write_version
from omentum.project.findings import confirmed_ct_rules
from omentum.project.paths import pseudonym, read_secret
from omentum.project.project import Project
from omentum.records import Case, Failure, LabelVersion
from omentum.runners.runner import Progress
from omentum.volumes.dicom import read_series
from omentum.volumes.nifti import read_nifti
from omentum.volumes.read import read_ct

__all__ = ["LABEL_STAGE", "LabelComparison", "LabelUpdates", "relabel", "update_labels"]

LABEL_STAGE = "add labels"
"""The ledger's stage in which labels of known cases are noted that could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelComparison:
    """What a label of a known case is, against the one that it has.

    Attributes:
        case_id: Name of the case.
        stamp: What the label's files look like.
        kept: The version that the case has; `None` where it has none.
        is_changed: Whether the label is another one than `kept`.
        taken: The version that it became; its files are in place. `None` where it is not taken.
    """

    case_id: str
    stamp: str
    kept: LabelVersion | None
    is_changed: bool = False
    taken: LabelVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUpdates:
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


def relabel(
    project: Project, case: Case, label: OriginalLabel, *, options: ImportOptions = DEFAULT_OPTIONS
) -> LabelVersion | None:
    """Give a case another original label.

    Returns:
        The version that it became; `None` where the case has the very same label already.

    Raises:
        ImageError: The label, or the case's CT, cannot be used; nothing is changed.
    """
    news = compare_label(project, case, label, options=options, take=True)
    keep_comparison(project, news)
    return news.taken


def is_same_label(kept: LabelVersion | None, label: OriginalLabel) -> bool:
    """Tell whether the files of a label look as when the version that a case has was read; none is opened."""
    try:
        return kept is not None and kept.source_stamp == label_stamp(label)
    except OSError:  # reading it says what is wrong
        return False


def compare_label(
    project: Project,
    case: Case,
    label: OriginalLabel,
    *,
    options: ImportOptions,
    take: bool,
    slices: Sequence[Path] = (),
) -> LabelComparison:
    """Compare a label with the one that a case has; write it as another version if it is to be taken.

    A label of other bytes that says the same of every voxel is no other label.

    Args:
        project: The project.
        case: The case.
        label: As the data set gives it now.
        options: How it comes in.
        take: Whether a label that is new or changed is taken.
        slices: The CT's DICOM files by rising position; masks as PNG go by their names.

    Raises:
        ImageError: The label, or the case's CT, cannot be used.
    """
    versions = project.store.labels.of_case(case.case_id)
    kept = versions[-1] if versions else None
    news = LabelComparison(case_id=case.case_id, stamp=label_stamp(label), kept=kept)
    if kept is not None and kept.source_sha256 == label_sha256(label):
        return news
    secret = read_secret(project.folder)
    arrival = project.store.arrivals.of_case(case.case_id)
    confirmed = confirmed_ct_rules(project.store.confirmations.of_case(case.case_id))
    accepted = {one.rule for one in arrival.findings} if arrival is not None else set()
    of_case = LabelOfCase(
        case_id=case.case_id,
        label=label,
        ct=read_ct(case.ct_path),
        recorded=pseudonym(secret, str(label.path)) if options.deidentify else str(label.path.absolute()),
        slices=slices,
        confirmed=confirmed.get(case.case_id, frozenset()) | accepted,
    )
    read = of_case.read()
    if _is_same_map(case, read):
        return news
    if not take:
        return LabelComparison(case_id=case.case_id, stamp=news.stamp, kept=kept, is_changed=True)
    n_before = max(len(versions), int(case.original_label_path is not None))
    taken = write_version(of_case, read, case.ct_path.parent, number=n_before + 1, options=options)
    return LabelComparison(case_id=case.case_id, stamp=news.stamp, kept=kept, is_changed=True, taken=taken)


def keep_comparison(project: Project, news: LabelComparison) -> None:
    """Keep the version that a label became, or what the files of an unchanged one look like now."""
    labels = project.store.labels
    if news.taken is not None:
        labels.add(news.taken)
    elif not news.is_changed and news.kept is not None and news.kept.number is not None:
        labels.keep_stamp(news.kept.number, news.stamp)


def _is_same_map(case: Case, read: TransferredLabel) -> bool:
    path = case.original_label_path
    if path is None or set(case.original_organs) != set(read.organs) or not path.is_file():
        return False
    return bool(np.array_equal(read_nifti(path).voxels, read.labels))


@dataclass(frozen=True, slots=True)
class _ComparisonLedger:
    """Keeps what labels are in one transaction with the note that they were looked at."""

    project: Project
    news: dict[str, LabelComparison]

    def done(self, key: str) -> bool:
        del key
        return False

    def mark_done(self, key: str, result: LabelComparison) -> None:
        store = self.project.store
        with store.together():
            keep_comparison(self.project, result)
            store.ledger.forget(LABEL_STAGE, key)
        self.news[key] = result

    def mark_failed(self, key: str, reason: str) -> None:
        self.project.store.ledger.mark_failed(LABEL_STAGE, key, reason)


def update_labels(
    project: Project,
    labels: Sequence[tuple[Source, OriginalLabel]],
    *,
    options: ImportOptions,
    progress: Progress | None = None,
) -> LabelUpdates:
    """Compare labels with those of their cases.

    Labels whose files look as before are not opened.

    Args:
        project: The project.
        labels: CTs by the names of their cases, and their labels.
        options: How labels come in; those that are new or changed only if `update_labels` says so.
        progress: Told of each label that is opened.
    """
    store = project.store
    kept = store.labels.current()
    asked = {source.case_id: (source, label) for source, label in labels}
    todo = {case_id: one for case_id, one in asked.items() if not is_same_label(kept.get(case_id), one[1])}
    for failure in store.ledger.failures(LABEL_STAGE):
        if failure.key in asked.keys() - todo.keys():
            store.ledger.forget(LABEL_STAGE, failure.key)

    def work(case_id: str) -> LabelComparison:
        source, label = todo[case_id]
        is_series = source.path.is_dir() and label.path.is_dir()
        return compare_label(
            project,
            store.cases.get(case_id),
            label,
            options=options,
            take=options.update_labels,
            slices=read_series(source.path, source.files).files if is_series else (),
        )

    news: dict[str, LabelComparison] = {}
    ledger = _ComparisonLedger(project, news)
    batch = project.runner.run(list(todo), work, key=str, ledger=ledger, step="labels", progress=progress)
    updated = {case_id: one.taken for case_id, one in news.items() if one.taken is not None}
    return LabelUpdates(
        updated=updated,
        changed={
            case_id: _why_changed(one)
            for case_id, one in news.items()
            if one.is_changed and one.taken is None
        },
        stay={case_id: organs for case_id in updated if (organs := _worked_on(project, case_id))},
        failed=batch.failed,
    )


def _why_changed(news: LabelComparison) -> str:
    if news.kept is None:
        return "a label has come for it; take it with --update-labels"
    return "its label changed since it came in; take it with --update-labels"


def _worked_on(project: Project, case_id: str) -> tuple[str, ...]:
    """Give the organs of a case that people revised or decided about."""
    store = project.store
    revised = {one.organ for one in store.revisions.of_case(case_id)}
    return tuple(sorted(revised | {one.organ for one in store.decisions.of_case(case_id)}))
