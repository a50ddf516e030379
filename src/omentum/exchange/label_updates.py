"""Compare the labels of known cases with those that data sets have now; take new versions on request.

Earlier versions stay on disk and in the database. A label that cannot be used fails alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from omentum.exchange.add import series_of
from omentum.exchange.import_options import DEFAULT_OPTIONS, ImportOptions, recorded_path
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import Source
from omentum.exchange.importers.transfer_labels import TransferredLabel
from omentum.exchange.label_files import LabelOfCase, label_sha256, label_stamp, write_version
from omentum.project.findings import confirmed_ct_rules
from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.records import Case, Failure, LabelVersion
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress
from omentum.volumes.nifti import read_nifti
from omentum.volumes.read import read_ct

__all__ = ["LABEL_STAGE", "LabelComparison", "LabelUpdates", "relabel", "update_labels"]

LABEL_STAGE = "add labels"
"""The ledger's stage for labels of known cases that could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelComparison:
    """A label of a known case, compared with the version that the case has.

    Attributes:
        case_id: Name of the case.
        stamp: Names, sizes and times of the label's files, hashed.
        kept: The version that the case has, if any.
        is_changed: Whether the label differs from `kept`.
        taken: The new version, whose files are in place, if it was taken.
    """

    case_id: str
    stamp: str
    kept: LabelVersion | None
    is_changed: bool = False
    taken: LabelVersion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelUpdates:
    """Labels of known cases, compared with those of their data sets.

    Attributes:
        updated: Versions that were taken, by case.
        changed: Labels that differ and were not taken, with the reason, by case.
        stay: Organs of an updated case whose revisions or decisions stay, by case.
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
        The new version; `None` if the case has the same label already.

    Raises:
        ImageError: The label, or the case's CT, cannot be used; nothing is changed.
    """
    news = compare_label(project, case, label, options=options, take=True)
    keep_comparison(project, news)
    return news.taken


def _is_same_file(kept: LabelVersion | None, label: OriginalLabel) -> bool:
    """Compare names, sizes and times of a label's files with those of the kept version."""
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
    """Compare a label with the one that a case has, voxel by voxel; if `take`, write it as a new version.

    Args:
        project: The project.
        case: The case.
        label: The label of the data set now.
        options: How it comes in.
        take: Whether a new or changed label is taken.
        slices: The CT's DICOM files by rising position, for masks as PNG.

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
        recorded=recorded_path(label.path, secret, options),
        slices=slices,
        confirmed=confirmed.get(case.case_id, frozenset()) | accepted,
    )
    read = of_case.read()
    if _is_same_map(case, read):
        return news
    if not take:
        return replace(news, is_changed=True)
    n_before = max(len(versions), int(case.original_label_path is not None))
    taken = write_version(of_case, read, case.ct_path.parent, number=n_before + 1, options=options)
    return replace(news, is_changed=True, taken=taken)


def keep_comparison(project: Project, news: LabelComparison) -> None:
    """Store the new version, or the present stamp of an unchanged label."""
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
    """Stores a comparison and its ledger entry in one transaction."""

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
    """Compare labels with those of their cases; labels whose files are unchanged are not opened.

    Args:
        project: The project.
        labels: CTs under the names of their cases, and their labels.
        options: How labels come in; `update_labels` takes new and changed ones.
        progress: Receives each label that is opened.
    """
    store = project.store
    kept = store.labels.current()
    asked = {source.case_id: (source, label) for source, label in labels}
    todo = {case_id: one for case_id, one in asked.items() if not _is_same_file(kept.get(case_id), one[1])}
    for failure in store.ledger.failures(LABEL_STAGE):
        if failure.key in asked.keys() - todo.keys():
            store.ledger.forget(LABEL_STAGE, failure.key)

    def work(case_id: str) -> LabelComparison:
        source, label = todo[case_id]
        series = series_of(source, options) if label.path.is_dir() else None
        return compare_label(
            project,
            store.cases.get(case_id),
            label,
            options=options,
            take=options.update_labels,
            slices=() if series is None else series.files,
        )

    news: dict[str, LabelComparison] = {}
    ledger = _ComparisonLedger(project, news)
    # Here, as the work writes to the open database.
    batch = InProcessRunner().run(list(todo), work, key=str, ledger=ledger, step="labels", progress=progress)
    updated = {case_id: one.taken for case_id, one in news.items() if one.taken is not None}
    return LabelUpdates(
        updated=updated,
        changed={key: _why_changed(one) for key, one in news.items() if one.is_changed and not one.taken},
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
