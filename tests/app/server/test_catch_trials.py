"""No route tells a catch trial from a real task of the same organ."""

import json
from typing import Any

import numpy as np
import pytest

from fixtures.catch import REAL, trial_of
from omentum.app.server.dicomweb.shown_organs import shown_organs
from omentum.project.catch_files import catch_files
from omentum.records import MaskSource
from omentum.review.edit_files import packed_edits
from omentum.volumes.nifti import read_nifti

from .conftest import BINARY

FREE_TEXT = {"case", "detail", "time", "until", "save", "why", "said"}


@pytest.fixture
def project(caught):
    return caught.workspace


@pytest.fixture
def server(caught_server):
    return caught_server


@pytest.fixture
def client(server):
    return server[0]


@pytest.fixture
def numbers(project):
    """A real task of the liver, and the trial's."""
    real = next(one for one in project.store.tasks.of_round(1) if one.case_id == REAL[1])
    return real.number, trial_of(project)[0].number


def shape_of(value: Any, key: str = "") -> Any:
    """Give keys and types of a payload, and the values that are names of kinds."""
    if isinstance(value, dict):
        return {name: shape_of(one, name) for name, one in value.items()}
    if key == "findings":  # as many as the rules have for the mask
        return sorted({type(one).__name__ for one in value})
    if isinstance(value, list):
        return [shape_of(one) for one in value] if key != "hot_spots" else [shape_of(value[0])]
    if isinstance(value, str) and key in {
        "kind",
        "state",
        "source",
        "base_source",
        "network",
        "organ",
        "says",
    }:
        return value
    return type(value).__name__


def both(client, numbers, method: str, path: str, **body: Any) -> tuple[Any, Any]:
    """Ask the same of the real task and of the trial."""
    told = []
    for number in numbers:
        answer = client.request(method, path.format(number), **body)
        assert answer.status_code < 300, answer.text
        told.append(answer)
    return told[0], told[1]


def same(client, numbers, method: str, path: str, **body: Any) -> tuple[Any, Any]:
    real, trial = both(client, numbers, method, path, **body)
    assert shape_of(trial.json()) == shape_of(real.json())
    return real.json(), trial.json()


def words_in(told: Any) -> str:
    return str(told).lower()


def test_the_queue_and_its_counts_tell_nothing(client, numbers):
    queue = client.get("/api/queue").json()
    rows = {one["task"]: one for one in queue["next"]}
    assert set(numbers) <= set(rows)
    assert len({str(shape_of(one)) for one in rows.values()}) == 1
    assert queue["counts"]["queued"] == queue["n_free"] == 5
    assert "catch" not in words_in(queue)


def test_a_task_is_described_alike_before_it_is_claimed_and_after(client, project, numbers):
    before = same(client, numbers, "GET", "/api/tasks/{}")
    claimed = same(client, numbers, "POST", "/api/tasks/{}/claim")
    for real, trial in (before, claimed):
        assert trial["kind"] == "attention"
        assert trial["base_source"] == "predicted"
        assert trial["masks"] == real["masks"] == ["shown", "predicted:synthetic"]
        assert (trial["findings"], trial["rules"]) == ([], [])
        assert trial["has_attention"]
        assert [one["source"] for one in trial["organs"]] == [one["source"] for one in real["organs"]]
        assert "catch" not in words_in(trial)
    organs = {one["organ"]: one for one in before[1]["organs"]}
    shown = read_nifti(catch_files(trial_of(project)[1]).shown).voxels > 0
    assert organs["liver"]["volume_ml"] == pytest.approx(shown.sum() * 0.064, abs=0.001)


def test_every_source_of_masks_shows_the_planted_mask_as_what_was_predicted(client, project, numbers):
    shown = read_nifti(catch_files(trial_of(project)[1]).shown).voxels > 0
    for source in ("shown", "predicted:synthetic"):
        real, trial = both(client, numbers, "GET", f"/api/tasks/{{}}/masks/{source}.nii.gz")
        assert set(real.headers) == set(trial.headers)
        real, trial = both(client, numbers, "GET", f"/api/tasks/{{}}/masks/{source}")
        assert set(real.headers) == set(trial.headers)
        assert trial.headers["x-omentum-organs"] == real.headers["x-omentum-organs"]
        sets = json.loads(trial.headers["x-omentum-sets"])
        codes = np.frombuffer(trial.content, trial.headers["x-omentum-dtype"]).reshape(shown.shape, order="F")
        assert np.array_equal(np.array([6 in members for members in sets])[codes], shown)
    real, trial = both(client, numbers, "GET", "/api/tasks/{}/attention")
    assert len(real.content) == len(trial.content)
    assert any(trial.content)


def test_what_is_not_there_is_refused_alike(client, project, numbers):
    (revision,) = project.store.revisions.of_case(trial_of(project)[0].case_id)
    for source in ("original", f"revision:{revision.number}", "revision:99"):
        answers = [client.get(f"/api/tasks/{number}/masks/{source}") for number in numbers]
        assert [one.status_code for one in answers] == [404, 404]
        assert {frozenset(one.json()) for one in answers} == {frozenset(("detail", "kind"))}


def test_the_history_of_a_trial_is_that_of_a_predicted_mask(client, project, numbers):
    cases = [project.store.tasks.get(number).case_id for number in numbers]
    for claims in (False, True):
        if claims:
            both(client, numbers, "POST", "/api/tasks/{}/claim")
        real, trial = (client.get(f"/api/cases/{one}/organs/liver/history").json() for one in cases)
        assert shape_of(real) == shape_of(trial)
        assert [one["what"] for one in trial["events"]] == ["prediction"]
        assert (trial["stands"], trial["why"]) == ("predicted", "no person drew it")
        real, trial = (client.get(f"/api/cases/{one}").json() for one in cases)
        assert {key: type(one) for key, one in real.items()} == {key: type(one) for key, one in trial.items()}


def pack(project, mask, base) -> bytes:
    geometry = project.store.cases.get(REAL[0]).geometry
    header = {
        "geometry": {"shape": list(geometry.shape), "affine": geometry.affine.tolist()},
        "edits": [{"organ": "liver", "base": base, "box": [0, 24, 0, 20, 0, 18]}],
    }
    return packed_edits(header, [mask])


def saved(server, number: int, project, mask) -> dict:
    client, state = server
    base = client.get(f"/api/tasks/{number}").json()["base"]
    answer = client.post(f"/api/tasks/{number}/save", content=pack(project, mask, base), headers=BINARY)
    assert answer.status_code == 202, answer.text
    state.saves.drained()
    return client.get(f"/api/saves/{answer.json()['save']}").json()


def test_a_save_is_answered_alike_and_what_follows_is_alike(server, caught, project, numbers):
    client, _ = server
    both(client, numbers, "POST", "/api/tasks/{}/claim")
    mask = caught.box((4, 18), (3, 17), (2, 17))
    told = [saved(server, number, project, mask) for number in numbers]
    assert shape_of(told[0]) == shape_of(told[1])
    assert [one["state"] for one in told] == ["done", "done"]
    first, second = (one["revisions"][0] for one in told)
    assert second["revision"] == first["revision"] + 1
    assert (second["says"], second["stands"], second["why_not"]) == ("revised", True, "")
    real, trial = same(client, numbers, "GET", "/api/tasks/{}")
    assert (trial["state"], real["state"]) == ("done", "done")
    assert trial["base"] == real["base"] == first["sha256"]
    assert trial["masks"] == ["shown", "predicted:synthetic", f"revision:{second['revision']}"]
    for source in (f"revision:{second['revision']}", "shown"):
        assert client.get(f"/api/tasks/{numbers[1]}/masks/{source}").status_code == 200
    cases = [project.store.tasks.get(number).case_id for number in numbers]
    real, trial = (client.get(f"/api/cases/{one}/organs/liver/history").json() for one in cases)
    assert shape_of(real) == shape_of(trial)
    assert [one["what"] for one in trial["events"]] == ["prediction", "revision"]
    assert trial["stands"] == "revised"


@pytest.mark.parametrize("answer", ["accept", "absent"])
def test_an_answer_without_a_mask_is_told_alike(server, numbers, answer):
    client, state = server
    both(client, numbers, "POST", "/api/tasks/{}/claim")
    told = []
    for number in numbers:
        base = client.get(f"/api/tasks/{number}").json()["base"]
        body = {"base": base, "comment": "as it is"}
        name = client.post(f"/api/tasks/{number}/{answer}", json=body).json()["save"]
        state.saves.drained()
        told.append(client.get(f"/api/saves/{name}").json())
    assert {key: type(one) for key, one in told[0].items()} == {
        key: type(one) for key, one in told[1].items()
    }
    first, second = (one["revisions"][0] for one in told)
    assert first.keys() == second.keys()
    assert {one["revisions"][0]["says"] for one in told} == {answer + ("ed" if answer == "accept" else "")}


def test_drafts_renewals_and_what_is_given_back_are_alike(client, project, caught, numbers):
    both(client, numbers, "POST", "/api/tasks/{}/claim")
    for number in numbers:
        base = client.get(f"/api/tasks/{number}").json()["base"]
        content = pack(project, caught.box((4, 18), (3, 17), (2, 17)), base)
        client.put(f"/api/tasks/{number}/drafts/t1", content=content, headers=BINARY)
    same(client, numbers, "GET", "/api/tasks/{}/drafts")
    same(client, numbers, "POST", "/api/tasks/{}/renew")
    same(client, numbers, "POST", "/api/tasks/{}/give-back")
    same(client, numbers, "POST", "/api/tasks/{}/skip", json={"why": "resected"})


def test_events_name_no_kind(server, numbers):
    client, state = server
    both(client, numbers, "POST", "/api/tasks/{}/claim")
    told = [one.data for one in state.events._recent if one.name == "task"]
    assert {str(shape_of(one)) for one in told} == {str(shape_of(told[0]))}
    assert "catch" not in words_in(told)


def test_a_mask_that_a_trial_hides_is_restored_by_nobody_who_has_it(client, project, numbers):
    task, _ = trial_of(project)
    both(client, numbers, "POST", "/api/tasks/{}/claim")
    (revision,) = project.store.revisions.of_case(task.case_id)
    at = f"/api/cases/{task.case_id}/organs/liver/restore"
    assert client.post(at, json={"to": revision.number}).status_code == 409
    assert client.post(at, json={"to": "predicted"}).json()["stands"] == "predicted"
    assert project.store.decisions.all() == []


def test_monai_label_gives_the_planted_mask_and_names_the_same_organs(client, project, numbers):
    shown = read_nifti(catch_files(trial_of(project)[1]).shown).voxels > 0
    cases = [project.store.tasks.get(number).case_id for number in numbers]
    for claims in (False, True):
        if claims:
            both(client, numbers, "POST", "/api/tasks/{}/claim")
        real, trial = (client.get("/datastore/label/info", params={"label": one}) for one in cases)
        assert (real.status_code, real.json()) == (trial.status_code, trial.json())
        real, trial = (client.get("/datastore/label", params={"label": one}) for one in cases)
        assert (real.status_code, trial.status_code) == (200, 200)
        path = project.folder.root / "label.nii.gz"
        path.write_bytes(trial.content)
        voxels = read_nifti(path).voxels
        liver = np.bincount(voxels[shown].astype(int))[1:].argmax() + 1
        assert np.array_equal(voxels == liver, shown)
    told = client.get("/datastore/", params={"output": "all"}).text
    assert "catch" not in told


def test_dicomweb_gives_the_planted_mask(server, project, numbers):
    client, state = server
    task, trial = trial_of(project)
    case = project.store.cases.get(task.case_id)
    for claims in (False, True):
        if claims:
            both(client, numbers, "POST", "/api/tasks/{}/claim")
        bases = {base.organ: base for _, base in shown_organs(state, case, "anna").bases}
        assert (bases["liver"].sha256, bases["liver"].source) == (trial.planted_sha256, MaskSource.PREDICTED)


def test_a_second_network_has_the_same_error_beside_its_own_differences(client, caught, project, numbers):
    task, trial = trial_of(project)
    own = caught.box((3, 19), (3, 18), (2, 17))
    for number in numbers:
        case_id = project.store.tasks.get(number).case_id
        caught.predict(case_id, {"liver": own}, network="second")
    shown, true = (read_nifti(one).voxels > 0 for one in (catch_files(trial).shown, catch_files(trial).true))
    for _ in range(2):
        answer = client.get(f"/api/tasks/{task.number}/masks/predicted:second")
        sets = json.loads(answer.headers["x-omentum-sets"])
        codes = np.frombuffer(answer.content, np.uint8).reshape(shown.shape, order="F")
        seen = np.array([6 in members for members in sets])[codes]
        assert np.array_equal(seen[shown != true], shown[shown != true])
        assert np.array_equal(seen[shown == true], own[shown == true])
    real, trial_told = same(client, numbers, "GET", "/api/tasks/{}")
    assert trial_told["masks"] == real["masks"]
