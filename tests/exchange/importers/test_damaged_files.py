"""Damaged files never end a command: the damaged case is taken or set aside, and the others come in."""

import copy
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.uid import generate_uid

from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SIDE, SLICES = 16, 9
N_FILES = 8
"""So many damaged files are in each folder, beside one that is not damaged."""
TEXTS = (
    b"",
    b"x ",
    b"1 ",
    b"-1",
    b"0 ",
    b"1\\2\\3 ",
    b"nan ",
    b"1e999 ",
    b"\\\\",
    b"\xff\xfe\0\1",
    b"9" * 64,
)
VRS = ("OB", "SQ", "US", "UN", "FD", "LO", "DS", "IS", "UI", "AT")
QUIET = settings(
    max_examples=2,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Damage = tuple[str, int, int]
"""How, where, and with what."""
damages = st.tuples(
    st.sampled_from(["deleted", "emptied", "text", "retyped", "cut", "flipped"]),
    st.integers(0, 2**20),
    st.integers(0, 255),
)
many = st.lists(damages, min_size=N_FILES, max_size=N_FILES)


def elements_of(data: pydicom.Dataset) -> list[tuple[pydicom.Dataset, pydicom.tag.BaseTag]]:
    """List every element of a file, those in sequences too, but for the voxels."""
    found = []
    for tag in sorted(data.keys()):
        found.append((data, tag))
        if data[tag].VR == "SQ":
            found += [pair for item in data[tag].value for pair in elements_of(item)]
    return [(owner, tag) for owner, tag in found if tag != 0x7FE00010]


def damage_element(data: pydicom.Dataset, damage: Damage) -> None:
    how, place, what = damage
    places = elements_of(data)
    owner, tag = places[place % len(places)]
    vr = owner[tag].VR
    if how == "deleted":
        del owner[tag]
        return
    if how == "retyped":
        vr = VRS[what % len(VRS)]
    text = b"" if how == "emptied" else TEXTS[what % len(TEXTS)]
    owner[tag] = RawDataElement(pydicom.tag.Tag(tag), vr, len(text), text, 0, False, True)


def damage_bytes(path: Path, damage: Damage) -> None:
    how, place, what = damage
    content = bytearray(path.read_bytes())
    if how == "cut":
        content = content[: place % len(content)]
    else:
        header = min(len(content), 2048)
        content[place % header] = what
    path.write_bytes(bytes(content))


def damage_dicom(path: Path, damage: Damage) -> None:
    if damage[0] in {"cut", "flipped"}:
        damage_bytes(path, damage)
        return
    data = pydicom.dcmread(path)
    damage_element(data, damage)
    path.unlink()
    data.save_as(path)


class Patients:
    """Copies one series, and what was drawn on it, as the files of other patients."""

    def __init__(self, folder: Path, write_series, write_seg, write_rtstruct) -> None:
        write_series(folder / "good" / "ct", n=SLICES)
        self.files = {path.name: pydicom.dcmread(path) for path in (folder / "good" / "ct").iterdir()}
        mask = np.zeros((SIDE, SIDE, SLICES), dtype=bool)
        mask[3:9, 3:9, 2:6] = True
        write_seg(folder / "seg.dcm", folder / "good" / "ct", {"Liver": mask, "Spleen": mask})
        ring = [(k, [(3, 3), (9, 3), (9, 9), (3, 9)]) for k in range(2, 6)]
        write_rtstruct(folder / "rs.dcm", folder / "good" / "ct", {"Liver": ring, "Spleen": ring[1:]})
        self.drawn = {name: pydicom.dcmread(folder / f"{name}.dcm") for name in ("seg", "rs")}

    def write(self, folder: Path, with_what: str = "") -> list[Path]:
        """Write the series, and perhaps what was drawn; the damaged file comes last."""
        folder.mkdir(parents=True)
        uid = generate_uid()
        paths = []
        for name, data in self.files.items():
            data.SeriesInstanceUID, data.PatientID = uid, folder.name
            paths.append(folder / name)
            data.save_as(paths[-1], enforce_file_format=True)
        if with_what:
            data = copy.deepcopy(self.drawn[with_what])
            paths.append(folder / f"{with_what}.dcm")
            data.save_as(paths[-1], enforce_file_format=True)
        return paths


@pytest.fixture
def patients(tmp_path, write_series, write_seg, write_rtstruct):
    return Patients(tmp_path / "base", write_series, write_seg, write_rtstruct)


def write_volumes(folder: Path) -> Callable[[str], Path]:
    grid = Geometry((12, 11, 10), np.diag([-3.0, -3.0, 3.0, 1.0]))
    voxels = np.random.default_rng(0).normal(0, 300, grid.shape).astype(np.int16)
    folder.mkdir(parents=True)

    def write(name: str) -> Path:
        path = folder / name
        if ".nii" in name:
            write_nifti(path, Volume(voxels, grid))
        else:
            sitk.WriteImage(sitk.GetImageFromArray(voxels), str(path), useCompression=True)
        return path

    return write


def damage_series(patients: Patients, folder: Path, every: list[Damage], kind: str) -> None:
    """Write a good patient and damaged ones: `kind` is `ct`, `all` (each slice alike), `seg` or `rs`."""
    shutil.rmtree(folder, ignore_errors=True)
    patients.write(folder / "good")
    for number, damage in enumerate(every):
        paths = patients.write(folder / f"p{number}", kind if kind in {"seg", "rs"} else "")
        for path in paths if kind == "all" else paths[-1:]:
            damage_dicom(path, damage)


def check_add(omentum, folder: Path, project: Path) -> None:
    shutil.rmtree(project, ignore_errors=True)
    assert omentum("init", project).code == 0
    ran = omentum("-C", project, "add", folder, "--json")
    assert ran.code in {0, 1}, ran.err
    told = json.loads(ran.out)
    assert "good" in {one["case"] for one in told["added"]}
    assert ran.code == (1 if told["failed"] or told["masks_failed"] else 0)


@pytest.mark.parametrize("kind", ["ct", "all", "seg", "rs"])
@QUIET
@given(every=many)
def test_add_never_ends_for_a_damaged_dicom_file(kind, every, omentum, patients, tmp_path):
    damage_series(patients, tmp_path / "in", every, kind)
    check_add(omentum, tmp_path / "in", tmp_path / "atlas")


def write_damaged_volumes(folder: Path, every: list[Damage]) -> None:
    """Write a good volume and damaged ones, of several formats."""
    shutil.rmtree(folder, ignore_errors=True)
    write = write_volumes(folder)
    write("good.nii.gz")
    for number, damage in enumerate(every):
        path = write(f"p{number}{('.nii.gz', '.nii', '.nrrd', '.mha')[number % 4]}")
        if path.suffix == ".gz" and damage[0] == "flipped":
            content = bytearray(gzip.decompress(path.read_bytes()))
            content[damage[1] % 352] = damage[2]
            path.write_bytes(gzip.compress(bytes(content)))
        else:
            damage_bytes(path, damage)


@QUIET
@given(every=many)
def test_add_never_ends_for_a_damaged_volume(every, omentum, tmp_path):
    write_damaged_volumes(tmp_path / "in", every)
    check_add(omentum, tmp_path / "in", tmp_path / "atlas")


@QUIET
@given(of_series=many, of_volumes=many)
def test_predict_never_ends_for_a_damaged_file(of_series, of_volumes, omentum, home, patients, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    write_damaged_volumes(folder, of_volumes[:4])
    damage_series(patients, folder / "dicom", of_series[:4], "ct")
    shutil.rmtree(out, ignore_errors=True)
    ran = omentum("predict", folder, "--all", "-o", out, "--network", "tiny", "--json")
    assert ran.code in {0, 1}, ran.err
    told = json.loads(ran.out)
    assert {"good", "good_dicom"} & set(told["done"]), told
    assert ran.code == (1 if told["failed"] else 0)
