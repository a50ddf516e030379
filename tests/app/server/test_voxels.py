"""CT, masks and attention come in the CT's own order, any box of them, exactly."""

import gzip
import json

import nibabel as nib
import numpy as np
import pytest

from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume


def voxels(answer):
    """Read an answer by its headers alone, as a page does."""
    assert answer.status_code == 200, answer.text
    shape = tuple(map(int, answer.headers["x-omentum-shape"].split(",")))
    dtype = np.dtype(answer.headers["x-omentum-dtype"]).newbyteorder("<")
    return np.frombuffer(answer.content, dtype).reshape(shape, order="F")


def held(answer, index):
    """Look up which voxels an organ holds."""
    sets = json.loads(answer.headers["x-omentum-sets"])
    return np.array([index in members for members in sets])[voxels(answer)]


@pytest.fixture
def ct(queued):
    return read_nifti(queued.folder("a") / "ct.nii.gz").voxels


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({}, np.s_[:, :, :]),
        ({"box": "0,24,0,20,0,18"}, np.s_[:, :, :]),
        ({"box": "3,9,4,5,17,18"}, np.s_[3:9, 4:5, 17:18]),
        ({"step": "2"}, np.s_[::2, ::2, ::2]),
        ({"box": "1,24,0,20,3,18", "step": "5,3,4"}, np.s_[1::5, ::3, 3::4]),
    ],
)
def test_any_box_of_a_ct_is_exact(client, ct, asked, part):
    answer = client.get("/api/cases/a/ct", params=asked)
    assert np.array_equal(voxels(answer), ct[part])
    assert int(answer.headers["content-length"]) == ct[part].nbytes


def test_a_box_beyond_the_ct_is_refused(client):
    for asked in ("0,25,0,20,0,18", "5,5,0,20,0,18", "9,3,0,20,0,18", "0,24,0,20", "a", "-1,4,0,20,0,18", ""):
        answer = client.get("/api/cases/a/ct", params={"box": asked})
        assert (answer.status_code, answer.json()["kind"]) == (422, "invalid"), asked


def test_a_step_that_is_none_is_refused(client):
    for step in ("0", "100", "2,2", "1,0,1", "x"):
        assert client.get("/api/cases/a/ct", params={"step": step}).status_code == 422, step


@pytest.mark.parametrize(
    ("stored", "slope", "expected"),
    [
        (np.array([-32768, 40, 32767], np.int16), (1.0, 0.0), [-32768, 40, 32767]),
        (np.array([0, 1064, 65535], np.uint16), (1.0, -1024.0), [-1024, 40, 32767]),
        (np.array([-1e6, 39.6, 1e6], np.float32), (1.0, 0.0), [-32768, 40, 32767]),
        (np.array([-500, 20, 600], np.int16), (2.0, 0.0), [-1000, 40, 1200]),
        (np.array([-5, 4, 6], ">i2"), (1.0, 0.0), [-5, 4, 6]),
    ],
    ids=["int16", "offset", "float", "slope", "big-endian"],
)
def test_stored_values_of_any_kind_become_int16_hu(client, queued, stored, slope, expected):
    path = queued.folder("a") / "ct.nii.gz"
    image = nib.Nifti1Image(
        np.resize(stored, (24, 20, 18)).astype(stored.dtype), read_nifti(path).geometry.affine
    )
    image.header.set_data_dtype(stored.dtype)
    image.header.set_slope_inter(*slope)
    image = nib.Nifti1Image(image.dataobj, image.affine, image.header)
    raw = bytearray(image.to_bytes())
    header = nib.Nifti1Header.from_fileobj(__import__("io").BytesIO(bytes(raw)))
    header["scl_slope"], header["scl_inter"] = slope
    raw[:348] = header.binaryblock[:348]
    path.write_bytes(gzip.compress(bytes(raw)))
    found = voxels(client.get("/api/cases/a/ct"))
    assert found.ravel()[:3].tolist() == expected


def test_masks_that_overlap_are_told_apart(client, queued, liver, spleen):
    larger = spleen.copy()
    larger[15:24, 4:14, 4:14] = True
    queued.predict("a", {"liver": liver, "spleen": larger})
    answer = client.get("/api/tasks/1/masks/predicted:synthetic", params={"box": "10,24,0,20,2,17"})
    box = np.s_[10:24, 0:20, 2:17]
    assert np.array_equal(held(answer, 6), liver[box])
    assert np.array_equal(held(answer, 1), larger[box])
    assert answer.headers["x-omentum-organs"] == "spleen,liver,pancreas"


def test_what_stands_is_shown_and_what_it_was_can_be_seen_beside_it(client, queued, liver, spleen):
    drawn = liver.copy()
    drawn[:, :, 16] = False
    drawn[20:22, 5:9, 5:9] = True  # over the spleen
    revision = queued.hand_in("a", "liver", drawn)
    queued.label("a", {"spleen": spleen})
    for box in ({}, {"box": "2,23,3,18,1,18"}):
        part = np.s_[2:23, 3:18, 1:18] if box else np.s_[:, :, :]
        shown = client.get("/api/tasks/2/masks/shown", params=box)
        assert np.array_equal(held(shown, 6), drawn[part])
        assert np.array_equal(held(shown, 1), spleen[part])
        before = client.get("/api/tasks/2/masks/predicted:synthetic", params=box)
        assert np.array_equal(held(before, 6), liver[part])
    assert np.array_equal(held(client.get("/api/tasks/2/masks/original"), 1), spleen)
    one = client.get(f"/api/tasks/1/masks/revision:{revision.number}")
    assert np.array_equal(held(one, 6), drawn)
    assert one.headers["x-omentum-organs"] == "liver"


def test_files_for_niivue_lie_on_the_grid_of_the_ct_with_labels_as_uint8(client, ct, queued, liver, tmp_path):
    for name, path in {"ct": "/api/cases/a/ct.nii.gz", "masks": "/api/tasks/1/masks/shown.nii.gz"}.items():
        answer = client.get(path)
        assert "content-encoding" not in answer.headers
        (tmp_path / f"{name}.nii.gz").write_bytes(answer.content)
    image, labels = nib.load(tmp_path / "ct.nii.gz"), nib.load(tmp_path / "masks.nii.gz")
    assert np.array_equal(np.asarray(image.dataobj), ct)
    assert np.array_equal(labels.affine, image.affine)
    assert np.array_equal(image.affine, read_nifti(queued.folder("a") / "ct.nii.gz").geometry.affine)
    assert labels.get_data_dtype() == np.uint8
    assert labels.header.get_slope_inter() in ((1.0, 0.0), (None, None))
    assert np.array_equal(np.asarray(labels.dataobj) == 6, liver)


def test_a_file_of_a_box_lies_where_the_box_does(client, ct, tmp_path):
    path = tmp_path / "part.nii.gz"
    path.write_bytes(client.get("/api/cases/a/ct.nii.gz", params={"box": "3,9,4,12,5,18"}).content)
    part = nib.load(path)
    assert np.array_equal(np.asarray(part.dataobj), ct[3:9, 4:12, 5:18])
    assert part.affine[:3, 3].tolist() == [-12.0, -16.0, 20.0]


@pytest.mark.parametrize("axes", ["RAS", "LPI", "PIL", "SRA"])
def test_voxels_keep_the_order_of_the_file_in_every_orientation(client, queued, axes):
    grid = Geometry((11, 9, 8), np.diag([1.0, 2.0, 3.0, 1.0])).reoriented(axes)
    stored = np.arange(11 * 9 * 8, dtype=np.int16).reshape(grid.shape)
    path = queued.folder("z") / "ct.nii.gz"
    write_nifti(path, Volume(stored, grid))
    from omentum.records import Case

    case = Case(case_id="z", patient_id="z", ct_path=path, geometry=grid, source="made")
    queued.workspace.store.cases.add(case)
    assert np.array_equal(voxels(client.get("/api/cases/z/ct")), stored)
    assert client.get("/api/cases/z").json()["geometry"]["orientation"] == axes


def test_a_ct_that_is_cut_short_is_one_sentence_and_its_first_slices_are_there(client, queued, ct):
    path = queued.folder("a") / "ct.nii.gz"
    path.write_bytes(path.read_bytes()[:-2000])
    answer = client.get("/api/cases/a/ct", params={"box": "0,24,0,20,17,18"})
    assert (answer.status_code, answer.json()["kind"]) == (409, "refused")
    assert "copy it again" in answer.json()["detail"]


def test_a_ct_that_is_gone_is_one_sentence(client, queued):
    (queued.folder("b") / "ct.nii.gz").unlink()
    answer = client.get("/api/cases/b/ct")
    assert (answer.status_code, answer.json()["kind"]) == (409, "refused")


def test_masks_that_there_are_not(client):
    for source in ("original", "predicted:other", "revision:7", "revision:x", "nothing"):
        answer = client.get(f"/api/tasks/1/masks/{source}")
        assert (answer.status_code, answer.json()["kind"]) == (404, "unknown")
