"""Take the revised masks of a release of another project as revisions by their readers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from omentum.names import reader_pseudonym
from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.project.standing import facts_of_case
from omentum.records import Batch, Decision, Failure, MaskSource, Revision
from omentum.records.released_cases import TracedMask
from omentum.review.hand_in import hand_in
from omentum.review.handed_in import HandIn, HandInResult
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress
from omentum.volumes.segmentations import read_mask

__all__ = ["RELEASED_STAGE", "ReleasedMaskOfCase", "take_released"]

RELEASED_STAGE = "take released revisions"
"""The ledger's stage; keys are `<case_id>/<organ>`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedMaskOfCase:
    """A mask of a release, and the case of this project that it is of."""

    case_id: str
    mask: TracedMask

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return f"{self.case_id}/{self.mask.organ}"

    @property
    def origin(self) -> str:
        """By which it is recognised when it comes again."""
        return f"release {self.mask.revision_sha256}"


def take_released(
    project: Project, released: Sequence[ReleasedMaskOfCase], *, progress: Progress | None = None
) -> tuple[Batch, tuple[Failure, ...]]:
    """Take revised masks, each by itself, and decisions about any mask; what is known is not taken twice.

    A decision is taken where this project has none about the organ, and no revision of its own.

    Returns:
        What became of the revised masks, by `<case_id>/<organ>`; one that cannot be used is among the failed.
        And those that were taken and do not stand, with the reason.
    """
    revised = [one for one in released if one.mask.source is MaskSource.REVISED]
    known = {one.key for one in revised if _known(project, one) is not None}
    new = [one for one in revised if one.key not in known]
    waiting: list[Failure] = []
    ledger = project.store.ledger
    for one in new:
        ledger.forget(RELEASED_STAGE, one.key)

    def take(one: ReleasedMaskOfCase) -> None:
        result = _take(project, one)
        if not result.stands:
            waiting.append(Failure(key=str(one.mask.path), reason=f"taken, and {result.why_not}"))

    # Here, as the work writes to the open database.
    batch = InProcessRunner().run(
        new,
        take,
        key=lambda one: one.key,
        ledger=ledger.of(RELEASED_STAGE),
        step="revisions",
        progress=progress,
    )
    for one in released:
        _keep_decision(project, one)
    skipped = tuple(one.key for one in revised if one.key in known)
    return Batch(done=batch.done, skipped=(*skipped, *batch.skipped), failed=batch.failed), tuple(waiting)


def _known(project: Project, one: ReleasedMaskOfCase) -> Revision | None:
    """Find the same mask by the same reader, whom a release of this project names by a pseudonym."""
    secret = read_secret(project.folder)
    ours = project.store.revisions.of_organ(one.case_id, one.mask.organ)
    same = [
        revision
        for revision in ours
        if one.mask.reader in (revision.reader, reader_pseudonym(secret, revision.reader))
        and (revision.origin == one.origin or revision.sha256 == one.mask.revision_sha256)
    ]
    return same[-1] if same else None


def _take(project: Project, one: ReleasedMaskOfCase) -> HandInResult:
    case, mask = project.store.cases.get(one.case_id), one.mask
    handed = HandIn(
        case_id=one.case_id,
        organ=mask.organ,
        mask=read_mask(mask.path, case.geometry).voxels != 0,
        reader=mask.reader,
        round_number=mask.round_number,
        origin=one.origin,
        traced=mask,
    )
    return hand_in(project, [handed])[0]


def _keep_decision(project: Project, one: ReleasedMaskOfCase) -> None:
    if one.mask.decided is None:
        return
    facts = facts_of_case(project, one.case_id)
    own = [each for each in facts.revisions_of(one.mask.organ) if each.origin != one.origin]
    revision = _known(project, one)
    is_there = revision is not None or one.mask.source is not MaskSource.REVISED
    if facts.decisions_of(one.mask.organ) or own or not is_there:
        return
    project.store.decisions.add(
        Decision(
            case_id=one.case_id,
            organ=one.mask.organ,
            kind=one.mask.decided,
            stands=one.mask.source,
            revision_number=None if revision is None else revision.number,
            by=one.mask.decided_by,
            why="as in the release that it came from",
            time=datetime.now(UTC),
        )
    )
