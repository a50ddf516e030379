"""What clients of MONAI Label may not send is refused, with the reason, and nothing is taken."""

import json

import nibabel as nib
import numpy as np

from fixtures.monai_client import infer, sample


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
