"""Clients of MONAI Label get tasks and masks as the review page does; what they send becomes revisions."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np

from fixtures.monai_client import infer, sample
from omentum.volumes.nifti import read_nifti

from .conftest import save


def voxels(content: bytes, tmp_path: Path) -> np.ndarray:
    path = tmp_path / "got.nii.gz"
    path.write_bytes(content)
    return np.asarray(read_nifti(path).voxels)


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
