"""A network is judged on held-out masks, and the next round begins with it or with its parent."""

from dataclasses import replace

import pytest

from omentum.errors import ProjectError
from omentum.evaluate.gate_stage import judge_round, pending, start_next_round
from omentum.evaluate.promotion_decisions import decide, roll_back
from omentum.evaluate.stage import evaluate_round
from omentum.records import NetworkRecord
from omentum.records.promotions import GateOutcome

KEPT = [f"k{number}" for number in range(10)]
LEARNED = ["a", "b"]


class Killed(BaseException):
    """Stands for a kill: nothing in the package catches it."""


@pytest.fixture
def good(atlas):
    return atlas.box((3, 11), (3, 11), (3, 11))


@pytest.fixture
def poor(atlas):
    """Half of it: Dice 2/3."""
    return atlas.box((3, 7), (3, 11), (3, 11))


@pytest.fixture
def judged(atlas, good, poor):
    """Function: judge the network of a round, on so many held-out masks; what both networks draw is given."""

    def make(n_kept, *, parent=poor, candidate=good, organs=("liver",), turn=True):
        atlas.add(*KEPT[:n_kept], original=dict.fromkeys(organs, good))
        atlas.add(*LEARNED)
        store = atlas.workspace.store
        store.cases.hold_out(KEPT[:n_kept])
        for case_id in KEPT[:n_kept] + LEARNED:
            atlas.predict(case_id, {"liver": parent})
        atlas.hand_in("a", "liver", good)
        folder = atlas.workspace.folder.network_dir("synthetic-r1")
        folder.mkdir(parents=True)
        (folder / "tune.json").write_text(
            '{"mode": "continual", "organs": ["liver"], "cases": {}, "seconds": 1.0}'
        )
        tuned = NetworkRecord(
            name="synthetic-r1", folder=folder, weights_sha256="v" * 64, parent="synthetic", round_number=1
        )
        store.networks.add(tuned)
        said = judge(atlas, candidate)
        if turn:
            start_next_round(atlas.workspace)
        return said

    return make


def judge(atlas, mask):
    asked = []

    def predict(networks, case_ids):
        asked.append((tuple(networks), tuple(case_ids)))
        for case_id in case_ids:
            if case_id not in atlas.workspace.predictions("synthetic-r1"):
                atlas.predict(case_id, {"liver": mask}, network="synthetic-r1", weights="v" * 64)

    said = judge_round(atlas.workspace, atlas.workspace.standing(), predict)
    for networks, case_ids in asked:
        assert networks == ("synthetic", "synthetic-r1")
        assert set(case_ids) <= set(KEPT), "nothing but held-out cases is predicted"
    return said


def rounds(atlas):
    return [(one.number, one.network) for one in atlas.workspace.store.rounds.all()]


def test_a_network_that_gains_is_promoted_and_the_next_round_begins_with_it(atlas, judged):
    said = judged(10)
    assert said.outcome is GateOutcome.PROMOTED
    (liver,) = said.organs
    assert (liver.n_patients, liver.mean) == (10, pytest.approx(1 / 3))
    assert liver.bound == pytest.approx(1 / 3)
    assert (said.by, said.network, said.instead_of, said.round_number) == (
        "gate",
        "synthetic-r1",
        "synthetic",
        1,
    )
    assert rounds(atlas) == [(1, "synthetic"), (2, "synthetic-r1")]


def test_a_network_that_is_worse_is_kept_out_and_the_next_round_begins_with_its_parent(
    atlas, judged, good, poor
):
    said = judged(10, parent=good, candidate=poor)
    assert said.outcome is GateOutcome.KEPT_OUT
    assert "may be worse by more than 0.01 Dice in Liver" in said.why
    assert rounds(atlas) == [(1, "synthetic"), (2, "synthetic")]
    assert atlas.workspace.networks == ("synthetic",)
    assert atlas.workspace.folder.network_dir("synthetic-r1").is_dir()


def test_with_7_patients_the_round_waits_for_a_person(atlas, judged):
    said = judged(7)
    assert said.outcome is GateOutcome.UNDECIDED
    assert pending(atlas.workspace) == said
    assert rounds(atlas) == [(1, "synthetic")]


@pytest.mark.parametrize(("accept", "network"), [(True, "synthetic-r1"), (False, "synthetic")])
def test_a_person_decides_where_the_gate_cannot(atlas, judged, accept, network):
    undecided = judged(3)
    said = decide(atlas.workspace, accept=accept, by="reader-2", why="looked at all three")
    assert (said.by, said.why, said.organs) == ("reader-2", "looked at all three", undecided.organs)
    assert rounds(atlas) == [(1, "synthetic"), (2, network)]
    assert atlas.workspace.store.promotions.all() == [undecided, said]
    with pytest.raises(ProjectError, match="no verdict waits in round 2"):
        decide(atlas.workspace, accept=accept, by="reader-2")


def test_masks_that_came_in_since_are_judged_with(atlas, judged, good, poor):
    judged(7)
    assert judge(atlas, good).outcome is GateOutcome.UNDECIDED
    assert len(atlas.workspace.store.promotions.all()) == 1
    atlas.add("k7")
    atlas.workspace.store.cases.hold_out(["k7"])
    atlas.predict("k7", {"liver": poor})
    assert judge(atlas, good).outcome is GateOutcome.UNDECIDED, "a predicted mask is no reference"
    atlas.hand_in("k7", "liver", good)
    assert judge(atlas, good).outcome is GateOutcome.PROMOTED
    assert [one.outcome.value for one in atlas.workspace.store.promotions.all()] == ["undecided", "promoted"]


def test_only_organs_that_changed_are_looked_at(judged):
    assert [one.organ for one in judged(10, organs=("liver", "spleen")).organs] == ["liver"]


@pytest.mark.parametrize("noun", ["promotions.add", "rounds.turn"])
def test_killed_anywhere_the_same_call_ends_the_same_and_nothing_is_said_twice(
    atlas, judged, good, noun, monkeypatch
):
    judged(10, turn=False)
    store = atlas.workspace.store

    def kill(*_arguments):
        raise Killed

    name, method = noun.split(".")
    with monkeypatch.context() as patched:
        patched.setattr(getattr(store, name), method, kill)
        if name == "rounds":
            with pytest.raises(Killed):
                start_next_round(atlas.workspace)
    assert rounds(atlas) == [(1, "synthetic")]
    assert judge(atlas, good) == store.promotions.all()[0]
    start_next_round(atlas.workspace)
    start_next_round(atlas.workspace)
    assert rounds(atlas) == [(1, "synthetic"), (2, "synthetic-r1")]
    assert len(store.promotions.all()) == 1


def test_without_a_network_there_is_nothing_to_judge(atlas):
    with pytest.raises(ProjectError, match="no network was tuned in round 1 yet"):
        judge_round(atlas.workspace, [], lambda *_: None)
    with pytest.raises(ProjectError, match="no verdict waits"):
        decide(atlas.workspace, accept=True, by="reader-1")


def test_rolled_back_the_next_round_begins_with_the_earlier_network_and_no_file_is_touched(atlas, judged):
    judged(10)
    before = sorted(atlas.root.rglob("*"))
    said = roll_back(atlas.workspace, by="reader-1", why="spleens look odd")
    assert (said.outcome, said.network, said.instead_of) == (
        GateOutcome.ROLLED_BACK,
        "synthetic",
        "synthetic-r1",
    )
    assert rounds(atlas) == [(1, "synthetic"), (2, "synthetic-r1"), (3, "synthetic")]
    assert sorted(atlas.root.rglob("*")) == before
    assert roll_back(atlas.workspace, "synthetic-r1", by="reader-1").network == "synthetic-r1"
    assert rounds(atlas)[-1] == (4, "synthetic-r1")


def test_a_rollback_that_was_killed_goes_on(atlas, judged, monkeypatch):
    judged(10)
    with monkeypatch.context() as patched:
        patched.setattr(atlas.workspace.store.rounds, "turn", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            roll_back(atlas.workspace, by="reader-1")
    roll_back(atlas.workspace, by="reader-1")
    assert len(atlas.workspace.store.promotions.all()) == 2
    assert rounds(atlas)[-1] == (3, "synthetic")


@pytest.mark.parametrize(
    ("name", "why"),
    [("nobody", "no network 'nobody'; it has synthetic, synthetic-r1"), ("synthetic-r1", "in use already")],
)
def test_a_network_that_cannot_be_gone_back_to_is_refused(atlas, judged, name, why):
    judged(10)
    with pytest.raises(ProjectError, match=why):
        roll_back(atlas.workspace, name, by="reader-1")


def test_the_first_network_has_none_before_it_and_lost_files_are_told(atlas, judged):
    with pytest.raises(ProjectError, match="first network"):
        roll_back(atlas.workspace, by="reader-1")
    judged(10)
    roll_back(atlas.workspace, by="reader-1")
    folder = atlas.workspace.folder.network_dir("synthetic-r1")
    folder.rename(folder.with_name("moved"))
    with pytest.raises(ProjectError, match="files of synthetic-r1 are gone"):
        roll_back(atlas.workspace, "synthetic-r1", by="reader-1")


def test_nothing_is_rolled_back_while_a_verdict_waits(atlas, judged):
    judged(3)
    with pytest.raises(ProjectError, match=r"verdict on synthetic-r1 waits.*--accept"):
        roll_back(atlas.workspace, by="reader-1")


def test_the_report_of_the_round_tells_the_verdict_before_and_after_the_round_turns(atlas, judged):
    judged(10, turn=False)
    for _ in range(2):
        report, path = evaluate_round(atlas.workspace, atlas.workspace.standing())
        assert [one.number for one in report.rounds] == [1]
        assert report.verdict.outcome is GateOutcome.PROMOTED
        page = path.read_text()
        assert "May <b>synthetic-r1</b> take the place of <b>synthetic</b>?" in page
        assert "+0.3333" in page
        start_next_round(atlas.workspace)
    for case_id in LEARNED:
        atlas.predict(case_id, {}, network="synthetic-r1")
    report, _ = evaluate_round(atlas.workspace, atlas.workspace.standing())
    assert [one.number for one in report.rounds] == [1, 2]
    assert report.tuning.reason.startswith("promoted by gate: the revised organs change by +0.3333")


def test_a_round_with_its_parents_network_is_in_the_report_once_it_is_scored(atlas, judged, good, poor):
    judged(10, parent=good, candidate=poor)
    report, _ = evaluate_round(atlas.workspace, atlas.workspace.standing())
    assert [one.number for one in report.rounds] == [1]
    assert report.verdict.outcome is GateOutcome.KEPT_OUT


def test_a_network_with_a_head_that_its_parent_lacks_is_compared_with_an_empty_mask(atlas, judged, good):
    nothing = atlas.box()
    nothing[:] = False
    (liver,) = judged(10, parent=nothing, candidate=good).organs
    assert liver.mean == 1.0


def test_a_second_opinion_is_never_what_was_kept_out(atlas, judged, good, poor):
    judged(10, parent=good, candidate=poor)
    settings = atlas.workspace.settings.changed(networks=("synthetic", "other"))
    assert replace(atlas.workspace, settings=settings).networks == ("synthetic", "other")
