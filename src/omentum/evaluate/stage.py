"""Compare every round's predictions with reference masks, and write `rounds/<n>/report.html`."""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from omentum.errors import ConfigError, LabelValueError, ProjectError
from omentum.evaluate.agreement import OrganAgreement, compare_case
from omentum.evaluate.audit import audit_result
from omentum.evaluate.reader_agreement import pair_agreements, read_pairs
from omentum.evaluate.report_data import PreviewPicture, RoundReport, Tuning
from omentum.evaluate.round_figures import keep_agreement, round_figures, verdict_of
from omentum.evaluate.stop_forecast import stop_forecast
from omentum.evaluate.summary import mean, summarised
from omentum.project.project import Project
from omentum.project.read_masks import read_chosen
from omentum.records import Case, LabelledCase, MaskSource, Prediction, Round
from omentum.records.promotions import GateOutcome
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import read_masks
from omentum.volumes.masks import MaskSet
from omentum.volumes.segmentations import read_mask

__all__ = ["evaluate_round"]

_SHOWN_CASES = 4
_SHOWN_TASKS = 15


def evaluate_round(
    project: Project, labelled: Sequence[LabelledCase], *, truth: Path | None = None
) -> tuple[RoundReport, Path]:
    """Compare all rounds so far, and write the report of the last one that predicted anything.

    Patients kept for evaluation are compared; where none of them has a reference, all cases are, and
    the report says so.

    Args:
        project: The project.
        labelled: Every case with the mask that stands for each organ; predicted ones are no reference.
        truth: Label maps of 32-class indices, `<case_id>/labels.nii.gz` or `<case_id>.nii.gz`, to compare
            with instead.

    Returns:
        The figures, and where the page is.

    Raises:
        ProjectError: Nothing has been predicted.
        ConfigError: `truth` has no label map of any case.
    """
    rounds = _begun(project)
    if not rounds:
        raise ProjectError("no case has been predicted yet; run `omentum predict` first")
    referred = _referred(project, labelled, truth)
    kept = [one for one in referred if one.case.held_out]
    agreements = {one.number: _agreements(project, one, kept or referred, truth) for one in rounds}
    last = rounds[-1]
    report = RoundReport(
        project=project.folder.root.resolve().name,
        made=datetime.now(UTC),
        rounds=tuple(
            round_figures(project, one, summarised(found) if (found := agreements[one.number]) else None)
            for one in rounds
        ),
        n_cases=len(project.store.cases.all()),
        tolerance_mm=project.settings.surface_tolerance_mm,
        compared_with=_compared_with(bool(kept), len(kept or referred), truth),
        queue=tuple(project.store.tasks.of_round(last.number)[:_SHOWN_TASKS]),
        previews=_worst(project.predictions(last.network), agreements[last.number]),
        revisions=tuple(project.store.revisions.of_round(last.number)),
        tuning=_tuning(project, last),
        verdict=verdict_of(project.store.promotions.all(), last.number),
        reliability=_reliability(project, last),
        audit=_audit(project, last),
        forecast=_forecast(project, last),
        readers=tuple(pair_agreements(read_pairs(project))),
        log=project.store.log.head(f"the report of round {last.number}"),
    )
    from omentum.evaluate.report import write_report  # draws figures; slow to import

    path = project.folder.round_dir(last.number) / "report.html"
    write_report(path, report)
    if report.log is not None:
        project.store.log.keep_anchor(report.log)
    keep_agreement(path.parent, report.rounds, report.compared_with)
    return report, path


def _begun(project: Project) -> list[Round]:
    """Give the rounds in which anything was done.

    The network of one that has just begun may have predictions already: from an earlier round that used it,
    or from the gate, which predicts held-out cases alone.
    """
    *earlier, current = project.store.rounds.all()
    found = [one for one in earlier if project.predictions(one.network)]
    predicted = project.predictions(current.network).keys()
    kept = {case.case_id for case in project.store.cases.all() if case.held_out}
    is_own = current.network not in {one.network for one in earlier} and (not earlier or predicted - kept)
    if predicted and (is_own or current.finished or project.store.scores.of_round(current.number)):
        found.append(current)
    return found


def _compared_with(is_held_out: bool, n_cases: int, truth: Path | None) -> str:
    masks = "true labels" if truth else "original and revised masks"
    whose = "of patients kept for evaluation" if is_held_out else "(no patient kept for evaluation has any)"
    return f"the {masks} of {n_cases} cases {whose}"


def _referred(project: Project, labelled: Sequence[LabelledCase], truth: Path | None) -> list[LabelledCase]:
    """Find the cases that have a reference; a true label may be of a case without any mask of its own."""
    if truth is None:
        return [one for one in labelled if any(mask.source is not MaskSource.PREDICTED for mask in one.masks)]
    cases = [case for case in project.store.cases.all() if _truth_path(truth, case) is not None]
    if not cases:
        rule = "it must hold <case_id>/labels.nii.gz or <case_id>.nii.gz of at least one case"
        raise ConfigError("truth", str(truth), rule)
    return [LabelledCase(case=case, masks=()) for case in cases]


def _agreements(
    project: Project, of_round: Round, cases: Sequence[LabelledCase], truth: Path | None
) -> list[OrganAgreement]:
    predictions = project.predictions(of_round.network)
    found: list[OrganAgreement] = []
    for one in cases:
        made = predictions.get(one.case.case_id)
        if made is not None:
            reference = _reference(project, one, truth)
            tolerance_mm = project.settings.surface_tolerance_mm
            found += compare_case(one.case.case_id, read_masks(made.masks_path), reference, tolerance_mm)
    return found


def _reference(project: Project, labelled: LabelledCase, truth: Path | None) -> MaskSet:
    case = labelled.case
    path = _truth_path(truth, case) if truth is not None else None
    if path is not None:
        labels = read_mask(path, case.geometry).voxels
        if labels.max() > len(ORGANS):
            seen = f"it holds the value {labels.max()}, and labels run from 0 to {len(ORGANS)}"
            raise LabelValueError(path, seen, "map its ids to the label table first")
        return MaskSet.from_labels(labels, case.geometry, project.settings.organs)
    own = tuple(mask for mask in labelled.masks if mask.source is not MaskSource.PREDICTED)
    read = read_chosen(LabelledCase(case=case, masks=own))
    parts = ((mask.organ, volume.voxels) for mask, volume in read)
    return MaskSet.build(case.geometry, [mask.organ for mask in own], parts)


def _truth_path(folder: Path, case: Case) -> Path | None:
    places = (folder / case.case_id / "labels.nii.gz", folder / f"{case.case_id}.nii.gz")
    return next((place for place in places if place.is_file()), None)


def _worst(
    predictions: dict[str, Prediction], agreements: Sequence[OrganAgreement]
) -> tuple[PreviewPicture, ...]:
    by_case: dict[str, list[float | None]] = defaultdict(list)
    for one in agreements:
        by_case[one.case_id].append(one.dice)
    means = {case_id: mean(values) for case_id, values in by_case.items()}
    ranked = sorted((value, case_id) for case_id, value in means.items() if value is not None)
    return tuple(
        PreviewPicture(
            case_id=case_id, caption=f"mean Dice {value:.3f}", path=predictions[case_id].preview_path
        )
        for value, case_id in ranked[:_SHOWN_CASES]
    )


def _reliability(project: Project, last: Round) -> tuple[tuple[float, float], ...]:
    """Read how reliable the prior was on all revisions so far; nothing with scoring `published`."""
    path = project.folder.round_dir(last.number) / "calibration.json"
    if not path.exists():
        return ()
    curve = json.loads(path.read_text(encoding="utf-8"))["reliability"]
    return tuple((row["said"], row["seen"]) for row in curve)


def _audit(project: Project, last: Round) -> str:
    result = audit_result(project, last.number)
    return result.statement if result.n_drawn else ""


def _forecast(project: Project, last: Round) -> str:
    """Forecast the bound of the current round; of an earlier one the queue is over."""
    if last.number != project.store.rounds.current().number:
        return ""
    forecast = stop_forecast(project)
    return forecast.said if forecast.later else ""


def _tuning(project: Project, last: Round) -> Tuning | None:
    """Tell how the network that predicted in this round was tuned, if it was."""
    made = next((one for one in project.store.networks.all() if one.name == last.network), None)
    if made is None or made.folder is None:
        return None
    story = json.loads((made.folder / "tune.json").read_text(encoding="utf-8"))
    facts = (
        ("Mode", story["mode"]),
        ("Learned from", f"{len(story['cases'])} cases, after round {made.round_number}"),
        ("Time", f"{story['seconds']:.0f} s"),
        ("Weights", made.weights_sha256[:12]),
    )
    return Tuning(
        network=made.name,
        parent=made.parent,
        organs=tuple(story.get("organs", project.settings.organs)),
        facts=facts,
        reason=_why_in_use(project, made.name),
    )


def _why_in_use(project: Project, network: str) -> str:
    """Say why a network is in use; nothing where that was before there was a gate."""
    said = [one for one in project.store.promotions.all() if one.network == network]
    used = [one for one in said if one.outcome in (GateOutcome.PROMOTED, GateOutcome.ROLLED_BACK)]
    return f"{used[-1].outcome.value} by {used[-1].by}: {used[-1].why}" if used else ""
