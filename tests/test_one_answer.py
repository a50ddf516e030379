"""Every stage goes by the same mask: assembly, tuning, gate, evaluation, queue and status."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from omentum import loop
from omentum.app.status import summary
from omentum.assemble.releasable import releasable
from omentum.evaluate.gate_stage import judge_round
from omentum.project.conflicts import conflict_of
from omentum.project.read_masks import read_chosen
from omentum.records import (
    Confirmation,
    Decision,
    DecisionKind,
    MaskFinding,
    MaskSource,
    NetworkRecord,
    TaskState,
)
from omentum.tune.config import ContinualConfig
from omentum.tune.training_plan import learned_from

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SEVERE = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0, holds=True, error_ml=9.0)
PREDICTED, REVISED, ORIGINAL = MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL

LIVERS = {
    "accepted": (REVISED, 0),
    "conflict": (REVISED, 1),
    "decided": (REVISED, 3),
    "original": (ORIGINAL, None),
    "restored": (PREDICTED, None),
    "confirmed": (PREDICTED, None),
    "kept": (REVISED, 7),
}
"""Whose liver stands, and which of the revisions below it is."""
HELD = {"held": PREDICTED, "revised-held": REVISED, "kept-held": REVISED}


@pytest.fixture
def project(atlas):
    """A project in which each case has come to its liver in another way; two patients are held out."""
    shown = atlas.box((3, 9), (3, 9), (3, 9))
    other = [atlas.box((3, 9), (3, 9), (3, top)) for top in (4, 5, 6, 7)]
    for case_id in (*LIVERS, *HELD, "excluded"):
        label = {"liver": shown} if case_id in ("original", "decided") else None
        atlas.add(case_id, original=label)
        atlas.predict(case_id, {"liver": shown})
    store = atlas.workspace.store
    revisions = [
        atlas.hand_in("accepted", "liver", shown),
        atlas.hand_in("conflict", "liver", other[0]),
        _second(atlas, "conflict", other[1]),
        atlas.hand_in("decided", "liver", other[0]),
        atlas.hand_in("decided", "liver", other[1]),
        atlas.hand_in("original", "liver", other[0]),
        atlas.hand_in("restored", "liver", other[0]),
        atlas.hand_in("kept", "liver", other[2]),
        atlas.hand_in("revised-held", "liver", other[2], findings=(SEVERE,)),
        atlas.hand_in("kept-held", "liver", other[3], findings=(SEVERE,)),
    ]
    assert [one.conflicts_with for one in revisions if one.conflicts_with] == [revisions[1].number]
    kinds = DecisionKind.ADJUDICATE, DecisionKind.RESTORE
    for case_id, kind, stands, number in (
        ("decided", kinds[0], REVISED, revisions[3].number),
        ("restored", kinds[1], PREDICTED, None),
    ):
        decided = {"kind": kind, "stands": stands, "revision_number": number, "by": "chief", "time": NOON}
        store.decisions.add(Decision(case_id=case_id, organ="liver", **decided))
    for case_id in ("held", "confirmed"):
        atlas.find(case_id, SEVERE)
    sha256 = store.predictions.organ_hashes("synthetic")["confirmed"]["liver"]
    said = {"rule": "side", "mask_sha256": sha256, "by": "chief", "why": "situs inversus", "time": NOON}
    store.confirmations.add([Confirmation(case_id="confirmed", organ="liver", **said)])
    store.cases.hold_out(["kept", "kept-held"])
    store.cases.exclude("excluded", "upside down")
    return atlas, revisions


def _second(atlas, case_id, mask):
    """Hand in a mask by another reader who was shown what the network made."""
    earlier = atlas.workspace.store.revisions.of_organ(case_id, "liver")
    new = atlas.hand_in(case_id, "liver", mask, reader="ben", conflicts_with=earlier[0].number)
    assert conflict_of(new, earlier, []) == earlier[0]
    return new


def livers_of(masks_by_case, revisions):
    """Give whose liver each case has, and which revision, as in `LIVERS`."""
    numbers = {one.number: place for place, one in enumerate(revisions)}
    return {
        case_id: (mask.source, numbers[mask.revision.number] if mask.source is REVISED else None)
        for case_id, masks in masks_by_case
        for mask in masks
        if mask.organ == "liver"
    }


def test_the_one_answer_is_as_told_by_hand(project):
    atlas, revisions = project
    standing = atlas.workspace.standing()
    assert livers_of(((one.case.case_id, one.masks) for one in standing), revisions) == LIVERS
    held = {one.case.case_id: mask.source for one in standing for mask in one.held}
    assert held == HELD


def test_assembly_releases_it(project):
    atlas, revisions = project
    cases = releasable(atlas.workspace, "synthetic").cases
    assert livers_of(((one.case.case_id, one.masks) for one in cases), revisions) == LIVERS
    release = loop.assemble(atlas.workspace, "V1")
    told = {path.parent.name: json.loads(path.read_text()) for path in release.folder.glob("*/lineage.json")}
    assert {
        case_id: (lineage["organs"]["liver"]["source"], lineage["organs"]["liver"].get("revision_sha256"))
        for case_id, lineage in told.items()
        if "liver" in lineage["organs"]
    } == {
        case_id: (source.value, None if place is None else revisions[place].sha256)
        for case_id, (source, place) in LIVERS.items()
    }
    assert {case_id for case_id, lineage in told.items() if "liver" in lineage["held_back"]} == set(HELD)


def test_tuning_learns_from_it_and_never_from_held_out_patients(project, monkeypatch):
    atlas, revisions = project
    given = []
    monkeypatch.setattr(
        "omentum.tune.stage.tune_round", lambda _workspace, cases, *_, **__: given.extend(cases)
    )
    loop.tune(atlas.workspace, ContinualConfig())
    assert livers_of(((one.case.case_id, one.masks) for one in given), revisions) == LIVERS
    cases = [one for one in given if not one.case.held_out]
    revised = atlas.workspace.unlearned()
    plan = learned_from(atlas.workspace, cases, revised, ContinualConfig(replay_share=0.0), ("liver",))
    of_revised = {case_id for case_id, (source, _) in LIVERS.items() if source is REVISED}
    assert set(plan) == of_revised - {"kept"}
    assert {one.case_id for one in revised} == of_revised


@pytest.fixture
def read(monkeypatch):
    """Whose mask of which case is read as a reference, in the order of reading."""
    found = []

    def noting(labelled) -> Iterator:
        for mask, volume in read_chosen(labelled):
            found.append((labelled.case.case_id, (mask,)))
            yield mask, volume

    for room in ("project.read_masks", "evaluate.stage"):
        monkeypatch.setattr(f"omentum.{room}.read_chosen", noting)
    return found


def test_the_gate_judges_by_what_people_drew_of_held_out_patients(project, read):
    atlas, revisions = project
    workspace = atlas.workspace
    tuned = NetworkRecord(
        name="tuned", folder=None, weights_sha256="v" * 64, parent="synthetic", round_number=1
    )
    workspace.store.networks.add(tuned)

    def predict(_networks, case_ids):
        for case_id in case_ids:
            atlas.predict(case_id, {"liver": atlas.box((3, 9), (3, 9), (3, 8))}, network="tuned")

    judge_round(workspace, workspace.standing(), predict)
    assert livers_of(read, revisions) == {"kept": LIVERS["kept"]}


def test_evaluation_compares_with_what_people_drew(project, read, monkeypatch):
    atlas, revisions = project
    monkeypatch.setattr("omentum.evaluate.report.write_report", lambda *_: None)
    loop.evaluate(atlas.workspace)
    assert livers_of(read, revisions) == {"kept": LIVERS["kept"]}
    read.clear()
    atlas.workspace.store.cases.hold_out(["kept", "kept-held"], held_out=False)
    loop.evaluate(atlas.workspace)
    by_people = {case_id: liver for case_id, liver in LIVERS.items() if liver[0] is not PREDICTED}
    assert livers_of(read, revisions) == by_people


def test_the_queue_shows_it_and_asks_for_what_is_held_back(project):
    atlas, revisions = project
    loop.score(atlas.workspace)
    hashes = atlas.workspace.store.predictions.organ_hashes("synthetic")
    tasks = {one.case_id: one for one in atlas.workspace.store.tasks.of_round(1) if one.organ == "liver"}
    assert set(HELD) <= set(tasks)
    assert "excluded" not in tasks
    drawn = {"revised-held": revisions[8].sha256, "kept-held": revisions[9].sha256}
    for case_id, task in tasks.items():
        assert task.shown_sha256 == drawn.get(case_id, hashes[case_id]["liver"])
        assert task.state is TaskState.QUEUED


def test_status_tells_what_is_held_back_and_what_waits_for_a_decision(project):
    atlas, revisions = project
    told = summary(atlas.workspace)
    assert {one["case"]: MaskSource(one["source"]) for one in told["held"]} == HELD
    assert [(one["case"], one["revision"], one["contradicts"]) for one in told["conflicts"]] == [
        ("conflict", revisions[2].number, revisions[1].number)
    ]
    assert told["excluded"] == [{"case": "excluded", "why": "upside down"}]
