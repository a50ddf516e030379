"""Take labels that come, or change, after their CT has come in.

In:  a case of a project, and its label as the data set gives it now.
Out: nothing, where it is the label that the case has; else another version of it, which the case has from now
     on. Earlier versions stay on disk and in the database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.transfer_labels import Transferred
from omentum.exchange.label_files import LabelOfCase, write_version
from omentum.exchange.label_source import label_sha256, label_stamp
from omentum.exchange.manner import AS_IT_IS, Manner
from omentum.project.findings import confirmed_ct_rules
from omentum.project.paths import pseudonym, read_secret
from omentum.project.project import Project
from omentum.records import Case, LabelVersion
from omentum.volumes.nifti import read_nifti
from omentum.volumes.read import read_ct

__all__ = ["LABEL_STAGE", "LabelNews", "is_same_label", "keep_news", "label_news", "relabel"]

LABEL_STAGE = "add labels"
"""The ledger's stage in which labels of known cases are noted that could not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNews:
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


def relabel(
    project: Project, case: Case, label: OriginalLabel, *, manner: Manner = AS_IT_IS
) -> LabelVersion | None:
    """Give a case another original label.

    Returns:
        The version that it became; `None` where the case has the very same label already.

    Raises:
        ImageError: The label, or the case's CT, cannot be used; nothing is changed.
    """
    news = label_news(project, case, label, manner=manner, take=True)
    keep_news(project, news)
    return news.taken


def is_same_label(kept: LabelVersion | None, label: OriginalLabel) -> bool:
    """Tell whether the files of a label look as when the version that a case has was read; none is opened."""
    try:
        return kept is not None and kept.source_stamp == label_stamp(label)
    except OSError:  # reading it says what is wrong
        return False


def label_news(
    project: Project,
    case: Case,
    label: OriginalLabel,
    *,
    manner: Manner,
    take: bool,
    slices: Sequence[Path] = (),
) -> LabelNews:
    """Compare a label with the one that a case has; write it as another version if it is to be taken.

    A label of other bytes that says the same of every voxel is no other label.

    Args:
        project: The project.
        case: The case.
        label: As the data set gives it now.
        manner: How it comes in.
        take: Whether a label that is new or changed is taken.
        slices: The CT's DICOM files by rising position; masks as PNG go by their names.

    Raises:
        ImageError: The label, or the case's CT, cannot be used.
    """
    versions = project.store.labels.of_case(case.case_id)
    kept = versions[-1] if versions else None
    news = LabelNews(case_id=case.case_id, stamp=label_stamp(label), kept=kept)
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
        recorded=pseudonym(secret, str(label.path)) if manner.deidentify else str(label.path.absolute()),
        slices=slices,
        confirmed=confirmed.get(case.case_id, frozenset()) | accepted,
    )
    read = of_case.read()
    if _is_same(case, read):
        return news
    if not take:
        return LabelNews(case_id=case.case_id, stamp=news.stamp, kept=kept, is_changed=True)
    n_before = max(len(versions), int(case.original_label_path is not None))
    taken = write_version(of_case, read, case.ct_path.parent, number=n_before + 1, manner=manner)
    return LabelNews(case_id=case.case_id, stamp=news.stamp, kept=kept, is_changed=True, taken=taken)


def keep_news(project: Project, news: LabelNews) -> None:
    """Keep the version that a label became, or what the files of an unchanged one look like now."""
    labels = project.store.labels
    if news.taken is not None:
        labels.add(news.taken)
    elif not news.is_changed and news.kept is not None and news.kept.number is not None:
        labels.keep_stamp(news.kept.number, news.stamp)


def _is_same(case: Case, read: Transferred) -> bool:
    path = case.original_label_path
    if path is None or set(case.original_organs) != set(read.organs) or not path.is_file():
        return False
    return bool(np.array_equal(read_nifti(path).voxels, read.labels))
