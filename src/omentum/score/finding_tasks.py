"""Make tasks of severe plausibility findings, and let suspected masks join the planned queue."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from omentum.measures.effort import CostModel
from omentum.records import (
    WHOLE_CT,
    CaseScore,
    HeldBackMask,
    LabelledCase,
    MaskFinding,
    MaskSource,
    OrganScore,
    StandingMask,
    Task,
    TaskKind,
)

__all__ = ["finding_tasks", "masks_by_key", "shown_in", "with_findings"]

Key = tuple[str, str]
"""Case and organ."""


def finding_tasks(
    round_number: int,
    labelled: Iterable[LabelledCase],
    of_ct: Mapping[str, Sequence[MaskFinding]],
    costs: CostModel,
    *,
    without: Collection[Key] = (),
) -> list[Task]:
    """Make a task for each CT with an open finding, then one for each mask that is held back.

    Args:
        round_number: The round that the tasks belong to.
        labelled: Every case with the masks that are held back.
        of_ct: What is open about the whole CT, by case.
        costs: Prices in minutes.
        without: Organs that another task of the round has already.

    Returns:
        Tasks, ranked from 1: CTs by falling severity, masks by falling error; equals by name.
    """
    cts = sorted(of_ct.items(), key=lambda item: (-item[1][0].severity, item[0]))
    held = [
        (one.case.case_id, mask)
        for one in labelled
        for mask in one.held
        if (one.case.case_id, mask.organ) not in without
    ]
    held.sort(key=lambda item: (-_error_ml(item[1]), item[0], item[1].organ))
    told = [(case_id, WHOLE_CT, 0.0, "; ".join(map(str, findings))) for case_id, findings in cts]
    told += [(case_id, mask.organ, _error_ml(mask), _reason(mask)) for case_id, mask in held]
    tasks: list[Task] = []
    opened: set[str] = set()
    for rank, (case_id, organ, error_ml, reason) in enumerate(told, start=1):
        minutes = costs.of_task(organ, error_ml, is_first=case_id not in opened)
        opened.add(case_id)
        tasks.append(
            Task(
                round_number=round_number,
                case_id=case_id,
                organ=organ,
                rank=rank,
                attention_ml=error_ml,
                kind=TaskKind.FINDING,
                minutes=minutes,
                error_ml=error_ml,
                reason=reason,
            )
        )
    return tasks


def with_findings(
    scores: Iterable[CaseScore], labelled: Iterable[LabelledCase], *, without: Collection[Key] = ()
) -> list[CaseScore]:
    """Add original and revised masks with findings to the scores."""
    suspects = {
        one.case.case_id: [
            OrganScore(
                organ=mask.organ,
                attention_voxels=0,
                attention_ml=sum(said.error_ml for said in mask.findings),
                priority=0.0,
                error_ml=sum(said.error_ml for said in mask.findings),
                reasons=tuple(said.said for said in mask.findings),
            )
            for mask in one.masks
            if mask.findings
            and mask.source is not MaskSource.PREDICTED
            and (one.case.case_id, mask.organ) not in without
        ]
        for one in labelled
    }
    return [_joined(score, suspects.get(score.case_id, [])) for score in scores]


def shown_in(
    tasks: Iterable[Task],
    labelled: Iterable[LabelledCase],
    network: str,
    hashes: Mapping[str, Mapping[str, str]],
) -> list[Task]:
    """Note in each task which mask its reader is shown: the one that stands or is held back.

    Args:
        tasks: Of a round.
        labelled: Every case with its masks.
        network: Its predictions stand where there is no other mask.
        hashes: Hash of each organ's mask as that network predicted it, by case and organ.
    """
    drawn: dict[Key, str | None] = {}
    for key, mask in masks_by_key(labelled):
        if mask.source is MaskSource.REVISED and mask.revision is not None:
            drawn[key] = mask.revision.sha256
        elif mask.source is MaskSource.ORIGINAL:
            drawn[key] = next((said.mask_sha256 for said in mask.findings if said.mask_sha256), None)
    return [
        replace(task, network="", shown_sha256=drawn[task.key])
        if task.key in drawn
        else replace(task, network=network, shown_sha256=hashes.get(task.case_id, {}).get(task.organ))
        for task in tasks
    ]


def masks_by_key(labelled: Iterable[LabelledCase]) -> Iterator[tuple[Key, StandingMask | HeldBackMask]]:
    """Give every mask that stands or is held back, with its case and organ."""
    for one in labelled:
        yield from (((one.case.case_id, mask.organ), mask) for mask in one.masks)
        yield from (((one.case.case_id, mask.organ), mask) for mask in one.held)


def _joined(score: CaseScore, suspects: Sequence[OrganScore]) -> CaseScore:
    names = {one.organ for one in suspects}
    return replace(score, organs=(*(one for one in score.organs if one.organ not in names), *suspects))


def _error_ml(mask: HeldBackMask) -> float:
    """Give the largest error of the findings, as they mostly concern the same voxels."""
    return max(said.error_ml for said in mask.findings)


def _reason(mask: HeldBackMask) -> str:
    whose = "" if mask.source is MaskSource.PREDICTED else f"{mask.source.value} mask, "
    said = "; ".join(said.said for said in mask.findings)
    return f"{mask.organ}: {said} ({whose}held back until confirmed or revised)"
