"""Edits that do not fit are refused with a sentence, and nothing is changed."""

import gzip
import json
import struct
import tracemalloc

import numpy as np
import pytest

from omentum.volumes.nifti import read_nifti

from .conftest import BINARY

BOX = [0, 24, 0, 20, 0, 18]


@pytest.fixture
def base(client):
    return client.get("/api/tasks/1").json()["base"]


@pytest.fixture
def header(client, base):
    geometry = client.get("/api/tasks/1").json()["geometry"]
    return {
        "geometry": {"shape": geometry["shape"], "affine": geometry["affine"]},
        "edits": [{"organ": "liver", "base": base, "box": BOX, "dtype": "bits"}],
    }


def edit_file(header, payload=bytes(24 * 20 * 18 // 8), *, compressed=None, magic=b"OME1", length=None):
    told = json.dumps(header).encode()
    packed = gzip.compress(payload) if compressed is None else compressed
    return struct.pack("<4sI", magic, len(told) if length is None else length) + told + packed


def refused(client, content, *, status=422, kind="invalid", headers=BINARY):
    answer = client.post("/api/tasks/1/save", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["kind"] == kind
    assert client.get("/api/cases/a/organs/liver/history").json()["stands"] == "predicted"
    return answer.json()["detail"]


def test_a_grid_of_another_shape(client, header):
    header["geometry"]["shape"] = [24, 20, 19]
    assert "(24, 20, 19)" in refused(client, edit_file(header))


def test_a_grid_at_another_place(client, header):
    for there in (2e-4, 1e6, -3.0):
        header["geometry"]["affine"][1][3] = there
        assert "affine" in refused(client, edit_file(header))


def test_an_affine_that_is_no_number(client, header):
    text = json.dumps(header).replace("-4.0", "NaN", 1).encode()
    content = struct.pack("<4sI", b"OME1", len(text)) + text + gzip.compress(bytes(1080))
    refused(client, content)


def test_voxels_of_another_type(client, header):
    for dtype in ("int16", "float32", "bool", ""):
        header["edits"][0]["dtype"] = dtype
        assert "dtype" in refused(client, edit_file(header))


def test_labels_in_the_place_of_a_mask(client, header):
    header["edits"][0]["dtype"] = "uint8"
    payload = np.zeros(24 * 20 * 18, np.uint8)
    for value in (2, 6, 255):
        payload[7] = value
        assert str(value) in refused(client, edit_file(header, payload.tobytes()))


def test_an_organ_that_there_is_not(client, header):
    header["edits"][0]["organ"] = "heart"
    assert "heart" in refused(client, edit_file(header))


def test_an_organ_that_the_project_does_not_annotate(client, header):
    header["edits"][0]["organ"] = "stomach"
    assert "stomach" in refused(client, edit_file(header), status=403, kind="hidden")


def test_an_organ_that_another_reader_has(client, header, state):
    client.put("/api/session", json={"reader": "ben"})
    client.post("/api/tasks/2/claim")
    client.put("/api/session", json={"reader": "anna"})
    header["edits"][0]["organ"] = "spleen"
    assert "ben has task 2" in refused(client, edit_file(header), status=403, kind="hidden")


def test_a_box_beyond_the_ct(client, header):
    for box in ([0, 25, *BOX[2:]], [-1, 24, *BOX[2:]], [5, 5, *BOX[2:]], [9, 3, *BOX[2:]], [0, 1]):
        header["edits"][0]["box"] = box
        refused(client, edit_file(header))


def test_a_gzip_bomb_is_not_inflated(client, header):
    content = edit_file(header, compressed=gzip.compress(bytes(64 << 20), 1))
    tracemalloc.start()
    refused(client, content, status=413, kind="too-large")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20


def test_bytes_after_the_masks(client, header):
    content = edit_file(header) + gzip.compress(b"more")
    refused(client, content, status=413, kind="too-large")


def test_a_gzip_that_is_damaged_or_too_short(client, header):
    for packed in (b"", b"not gzip", gzip.compress(bytes(1080))[:-9], gzip.compress(bytes(1079))):
        refused(client, edit_file(header, compressed=packed))


def test_what_is_no_edit_file(client):
    lengths = (b"OME1\xff\xff\xff\xff", b"OME1\x02\0\0\0[]", b"OME1\x01\0\0\0{")
    for content in (b"", b"OME1", b"OME2\x02\0\0\0{}", *lengths):
        refused(client, content)


def test_json_as_deep_as_a_stack(client):
    text = b'{"extra": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    refused(client, struct.pack("<4sI", b"OME1", len(text)) + text)


def test_keys_that_are_not_known_and_two_edits_of_one_organ(client, header):
    refused(client, edit_file(header | {"affine": []}))
    header["edits"] *= 2
    assert "two edits" in refused(client, edit_file(header, bytes(2160)))


def test_no_edit_at_all(client, header):
    header["edits"] = []
    assert "no edit" in refused(client, edit_file(header, compressed=b""))


def test_another_content_type(client, header):
    for kind in ({"content-type": "text/plain"}, {"content-type": "application/json"}):
        refused(client, edit_file(header), headers=kind)


def test_no_path_leads_out_of_the_project(client):
    for path in (
        "cases/..%2f..%2fsecret/ct",
        "cases/%2e%2e/ct",
        "cases/a%00b/ct",
        "tasks/1/masks/predicted:..%2f..%2fx",
        "tasks/1/masks/predicted:%2e%2e",
        "tasks/1/masks/revision:..",
        "tasks/1/drafts/..%2f..%2fx",
        "saves/..%2fx",
        "cases/a/organs/..%2fliver/history",
    ):
        assert client.get(f"/api/{path}").status_code in (404, 422), path


def test_a_draft_has_a_plain_name(client, header, queued):
    for name in ("%2e%2e", "..%2f..%2fx", "A", "x" * 41, "a.b"):
        answer = client.put(f"/api/tasks/1/drafts/{name}", content=edit_file(header), headers=BINARY)
        assert answer.status_code in (404, 405, 422), name
    assert not list(queued.folder("a").glob("drafts/*"))


def test_the_file_has_the_header_of_the_ct_whatever_was_posted(client, header, state, queued):
    client.post("/api/tasks/1/claim")
    header["geometry"]["affine"][0][3] += 5e-5
    payload = np.full(1080, 255, np.uint8).tobytes()
    assert (
        client.post("/api/tasks/1/save", content=edit_file(header, payload), headers=BINARY).status_code
        == 202
    )
    state.saves.drained()
    (revision,) = queued.workspace.store.revisions.of_case("a")
    ct = read_nifti(queued.folder("a") / "ct.nii.gz")
    assert np.array_equal(read_nifti(revision.path).geometry.affine, ct.geometry.affine)
