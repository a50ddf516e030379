"""Clients of MONAI Label get tasks and masks as the review page does; what they send becomes revisions."""

import json
from email import message_from_bytes
from pathlib import Path
from unittest.mock import Mock

import nibabel as nib
import numpy as np
import pytest

from omentum.volumes.nifti import read_nifti

from .conftest import save


def sample(client, **params):
    return client.post("/activelearning/omentum", json=params)


def infer(client, image="a", **params):
    """Take the answer apart as the clients do."""
    answer = client.post("/infer/omentum", params={"image": image}, data={"params": json.dumps(params)})
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    told, file = message_from_bytes(head + answer.content).get_payload()
    return json.loads(told.get_payload(decode=True)), file.get_filename(), file.get_payload(decode=True)


def voxels(content: bytes, tmp_path: Path) -> np.ndarray:
    path = tmp_path / "got.nii.gz"
    path.write_bytes(content)
    return np.asarray(read_nifti(path).voxels)


@pytest.fixture
def send(client, queued, tmp_path):
    """Function: `send(labels, {"liver": 1})` sends a label map as 3D Slicer does."""

    def put(labels, names, image="a", **query):
        path = tmp_path / "label.nii.gz"
        grid = queued.workspace.store.cases.get(image).geometry
        nib.save(nib.Nifti1Image(labels.astype(np.uint8), grid.affine), path)
        info = [{"name": name, "idx": number} for name, number in names.items()]
        params = {"label_info": info, "client_id": "slicer"}
        with path.open("rb") as file:
            return client.put(
                "/datastore/label",
                params={"image": image, **query},
                data={"params": json.dumps(params)},
                files={"label": (f"/tmp/slicer/{path.name}", file)},
            )

    return put


def test_info_names_the_projects_organs_with_their_colours_and_nothing_that_clients_refuse(client):
    told = client.get("/info/").json()
    assert told["labels"] == ["spleen", "liver", "pancreas"]
    assert told["label_colors"]["liver"] == [145, 11, 0]
    assert told["models"]["omentum"]["type"] == "segmentation"
    assert set(told["models"]["omentum"]["labels"]) == set(told["labels"])
    assert list(told["strategies"]) == ["omentum"]
    assert told["datastore"] == {"total": 4, "completed": 0, "label_tags": {}}
    assert not told["config"]
    assert not told["trainers"]


def test_the_next_sample_is_the_first_task_of_the_queue_claimed(client, queued):
    told = sample(client, client_id="slicer").json()
    assert (told["id"], told["task"], told["organ"], told["client_id"]) == ("a", 1, "liver", "anna")
    assert told["path"] == ""
    assert client.get("/api/queue").json()["mine"][0]["task"] == 1
    assert sample(client, organ="spleen").json()["task"] == 2
    assert sample(client, organ="pancreas").json() == {}


def test_the_file_of_a_ct_has_a_name_that_no_other_ct_has(client, queued):
    names = {client.get("/datastore/image/info", params={"image": one}).json()["name"] for one in "abc"}
    assert len(names) == 3
    assert all(name.startswith(("a-", "b-", "c-")) for name in names)


def test_a_sample_that_is_being_handed_in_is_not_given_again(client, state, begun, edits, drawn):
    assert sample(client).json()["task"] == 1
    state.saves._hand_in = state.masks.remove_pending = Mock()  # the hand-in takes its time
    save(client, edits({"liver": (begun["base"], drawn)}))
    assert sample(client).json()["task"] == 2


def test_the_ct_comes_as_nifti_and_heads_say_what_is_there(client, queued, tmp_path):
    answer = client.get("/datastore/image", params={"image": "a"})
    assert 'filename="a-' in answer.headers["content-disposition"]
    there = read_nifti(queued.workspace.store.cases.get("a").ct_path).voxels
    assert np.array_equal(voxels(answer.content, tmp_path), there)
    assert client.head("/datastore/image", params={"image": "a"}).status_code == 200
    assert client.head("/datastore/image", params={"image": "zz"}).status_code == 404
    assert client.head("/datastore/image", params={"image": "a", "check_sum": "SHA256:0"}).status_code == 404


def test_infer_gives_the_mask_of_the_task_alone_numbered_from_one(client, tmp_path, liver):
    sample(client)
    told, name, content = infer(client)
    assert told["label_names"] == {"liver": 1}
    assert told["label_info"] == [{"name": "liver", "idx": 1, "color": [145, 11, 0]}]
    assert name == "a.nii.gz"
    assert np.array_equal(voxels(content, tmp_path), liver.astype(np.uint8))


def test_infer_gives_all_organs_where_asked_and_names_those_that_have_voxels(client, tmp_path, liver, spleen):
    sample(client)
    told, _, content = infer(client, organs="all")
    assert told["label_names"] == {"spleen": 1, "liver": 2}
    assert np.array_equal(voxels(content, tmp_path), liver * 2 + spleen)
    told, _, _ = infer(client, organs="spleen")
    assert told["label_names"] == {"spleen": 1}


def test_infer_gives_segments_with_their_names_as_nrrd(client, tmp_path, queued, liver):
    from omentum.volumes.segmentations import read_segmentation

    sample(client)
    grid = queued.workspace.store.cases.get("a").geometry
    for ending in (".nrrd", ".seg.nrrd"):
        told, name, content = infer(client, organs="all", result_extension=ending)
        assert name == f"a{ending}"
        assert told["label_names"] == {"spleen": 1, "liver": 6}
        path = tmp_path / name
        path.write_bytes(content)
        masks = {one.name: one.mask for one in read_segmentation(path, grid)}
        assert np.array_equal(masks["liver"], liver)


def test_infer_shows_nothing_to_who_has_no_task_of_a_case_unless_an_organ_is_named(client):
    answer = client.post("/infer/omentum", params={"image": "b"}, data={"params": "{}"})
    assert answer.status_code == 409
    assert "anna has no task of b" in answer.json()["detail"]
    told, _, _ = infer(client, image="b", organs="spleen")
    assert told["label_names"] == {"spleen": 1}


def test_a_drawn_label_becomes_a_revision_of_the_task(client, state, queued, send, liver, drawn):
    sample(client)
    infer(client)
    answer = send(drawn, {"liver": 1})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["image"], told["accepted"], told["left_out"]) == ("a", [], {})
    assert told["saves"][0]["task"] == 1
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert (kept.organ, kept.reader, kept.task_number, kept.minutes) == ("liver", "anna", 1, None)
    assert np.array_equal(read_nifti(kept.path).voxels > 0, drawn)
    assert sample(client).json()["task"] == 2


def test_labels_are_mapped_by_their_names_and_organs_that_were_not_changed_are_not_handed_in(
    client, state, queued, send, drawn, spleen
):
    sample(client)
    infer(client, organs="all")
    answer = send(drawn * 1 + spleen * 3, {"Liver": 1, "Pancreas": 2, "spleen": 3})
    assert answer.status_code == 200, answer.text
    assert answer.json()["unchanged"] == ["pancreas", "spleen"]
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert kept.organ == "liver"
    assert np.array_equal(read_nifti(kept.path).voxels > 0, drawn)


def test_the_organ_of_the_task_is_accepted_where_it_comes_back_as_it_was(client, state, queued, send, liver):
    sample(client)
    infer(client)
    told = send(liver, {"liver": 1}).json()
    assert told["accepted"] == ["liver"]
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert (kept.says.value, kept.task_number) == ("accepted", 1)
    assert send(liver, {"liver": 1}).json()["unchanged"] == ["liver"]


def test_an_organ_of_the_task_that_was_erased_is_said_to_be_absent(client, state, queued, send, liver):
    sample(client, organ="spleen")
    infer(client)
    assert send(np.zeros_like(liver), {"spleen": 1}).status_code == 200
    state.saves.drained()
    (kept,) = queued.workspace.store.revisions.of_case("a")
    assert (kept.organ, kept.says.value) == ("spleen", "absent")


def test_a_file_without_any_voxel_is_not_taken_for_the_absence_of_many_organs(client, send, liver):
    sample(client)
    infer(client, organs="all")
    answer = send(np.zeros_like(liver), {"liver": 1, "spleen": 2})
    assert answer.status_code == 409
    assert "the file holds no voxel" in answer.json()["detail"]


def test_a_mask_that_was_not_loaded_is_never_taken_for_erased(client, send, liver):
    sample(client)
    answer = send(np.zeros_like(liver), {"liver": 1})
    assert answer.status_code == 409
    assert "its mask was not loaded" in answer.json()["detail"]


def test_an_organ_of_another_readers_task_is_said_and_nothing_is_taken(
    client, state, queued, send, drawn, spleen
):
    from omentum.review.claims import claim_task

    claim_task(queued.workspace, 2, "ben")
    sample(client)
    infer(client, organs="all")
    smaller = spleen.copy()
    smaller[:, :, 4:6] = False
    answer = send(drawn * 1 + smaller * 2, {"liver": 1, "spleen": 2})
    assert answer.status_code == 403
    assert "spleen cannot be changed here" in answer.json()["detail"]
    state.saves.drained()
    assert not queued.workspace.store.revisions.of_case("a")


def test_names_that_are_no_organs_are_refused_and_told(client, send, liver):
    sample(client)
    infer(client)
    answer = send(liver * 2, {"liver": 1, "livre": 2})
    assert answer.status_code == 422
    assert "no organ is called 'livre' (did you mean liver?)" in answer.json()["detail"]
    assert "/tmp" not in answer.json()["detail"].replace("/tmp/slicer", "")


def test_values_without_a_name_are_refused(client, send, liver):
    sample(client)
    infer(client)
    answer = send(liver * 5, {"liver": 1})
    assert answer.status_code == 422
    assert "it holds the value 5" in answer.json()["detail"]
    assert send(liver, {}).status_code == 422


def test_numbers_that_can_be_counted_in_two_ways_are_refused(client, send, liver):
    sample(client)
    infer(client)
    answer = send(liver * 2, {"spleen": 2, "liver": 3})
    assert answer.status_code == 422
    assert "leaves out a number" in answer.json()["detail"]
    assert send(liver * 6, {"spleen": 1, "liver": 6}).status_code == 200


def test_another_grid_is_refused_with_both(client, queued, tmp_path):
    sample(client)
    path = tmp_path / "other.nii.gz"
    affine = queued.workspace.store.cases.get("a").geometry.affine.copy()
    nib.save(nib.Nifti1Image(np.ones((12, 10, 9), np.uint8), affine @ np.diag([2, 2, 2, 1.0])), path)
    params = json.dumps({"label_info": [{"name": "liver", "idx": 1}]})
    answer = client.put(
        "/datastore/label",
        params={"image": "a"},
        data={"params": params},
        files={"label": (path.name, path.read_bytes())},
    )
    assert answer.status_code == 422
    assert "12 x 10 x 9" in answer.json()["detail"]
    assert "24 x 20 x 18" in answer.json()["detail"]


def test_an_nrrd_that_names_another_file_is_refused(client, tmp_path):
    sample(client)
    text = "NRRD0004\ntype: uint8\ndimension: 3\nsizes: 2 2 2\nencoding: raw\ndata file: /etc/passwd\n\n"
    answer = client.put("/datastore/label", params={"image": "a"}, files={"label": ("x.nrrd", text.encode())})
    assert answer.status_code == 422
    assert "its header names another file" in answer.json()["detail"]


def test_a_base_that_another_reader_changed_is_stale_and_the_work_becomes_a_draft(
    client, state, queued, send, hand_in, liver, drawn
):
    sample(client)
    infer(client)
    other = liver.copy()
    other[:, :, 2] = False
    hand_in(queued.workspace, "a", "liver", other, reader="ben")
    answer = send(drawn, {"liver": 1})
    assert answer.status_code == 409
    assert answer.json()["kind"] == "stale-base"
    assert answer.json()["draft"]


def test_the_datastore_lists_cases_and_those_with_a_done_task_have_a_label(client, state, send, drawn):
    sample(client)
    infer(client)
    send(drawn, {"liver": 1})
    state.saves.drained()
    told = client.get("/datastore/", params={"output": "all"}).json()
    assert sorted(told["objects"]) == ["a", "b", "c"]
    assert list(told["objects"]["a"]["labels"]) == ["final"]
    assert told["objects"]["b"]["labels"] == {}
    assert client.get("/datastore/").json()["completed"] == 1


def test_a_label_is_downloaded_with_all_organs_under_a_name(client, tmp_path, liver, spleen):
    answer = client.get("/datastore/label", params={"label": "a", "tag": "final"})
    assert answer.headers["content-disposition"] == 'attachment; filename="a.nii.gz"'
    assert np.array_equal(voxels(answer.content, tmp_path), liver * 2 + spleen)
    told = client.get("/datastore/label/info", params={"label": "a"}).json()
    assert told["organs"] == ["spleen", "liver", "pancreas"]
    assert client.get("/datastore/label", params={"label": "a", "tag": "original"}).status_code == 422


def test_what_is_not_done_here_is_refused_with_the_way_to_do_it(client):
    from omentum.app.server.monai_label.refused_routes import REFUSED

    for method, path, said, status in REFUSED:
        answer = client.request(method, path.replace("{model}", "m").replace("{session_id}", "s"))
        assert answer.status_code == status, (method, path)
        assert answer.json()["detail"] == said
    large = client.put("/datastore/image", content=b"x" * (2 << 20))
    assert "omentum add" in large.json()["detail"]


def test_images_and_scribbles_of_clients_are_refused(client):
    sample(client)
    for name in ("file", "label"):
        answer = client.post("/infer/omentum", params={"image": "a"}, files={name: ("x.nii.gz", b"x")})
        assert answer.status_code == 409, name
    assert client.post("/infer/omentum", params={"session_id": "s"}).status_code == 409
    assert client.post("/infer/deepedit", params={"image": "a"}).status_code == 404
    assert client.post("/activelearning/random").status_code == 404


def test_a_reader_is_not_told_that_an_organ_is_read_by_others_too(client, state, queued, send, drawn):
    queued.workspace.store.tasks.want_readings(1, 2)
    sample(client)
    infer(client)
    assert send(drawn, {"liver": 1}).status_code == 200
    state.saves.drained()
    assert client.get("/info/").json()["datastore"]["completed"] == 1
    told = client.get("/datastore/", params={"output": "all"}).json()["objects"]
    assert list(told["a"]["labels"]) == ["final"]
    assert sample(client).json()["task"] == 2
    assert infer(client, organs="liver")[0]["label_names"] == {"liver": 1}
