"""Files as public reports describe them, made by the scripts of the shared data, against their truth."""

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from omentum.exchange.importers.labels import OriginalLabel, read_original
from omentum.volumes.dicom import read_series


def made(shared, tmp_path_factory, maker):
    script = shared / "cases" / f"{maker}.py"
    if not script.is_file():
        pytest.skip(f"no {script}")
    out = tmp_path_factory.mktemp(maker)
    subprocess.run([sys.executable, script, out], check=True, cwd=script.parent, capture_output=True)
    return out


@pytest.fixture(scope="module")
def structures(shared, tmp_path_factory):
    return made(shared, tmp_path_factory, "rtstruct_planes")


@pytest.fixture(scope="module")
def segments(shared, tmp_path_factory):
    return made(shared, tmp_path_factory, "seg_kinds")


@pytest.fixture(scope="module")
def gaps(shared, tmp_path_factory):
    return made(shared, tmp_path_factory, "header_gaps") / "gaps"


def read(folder):
    """The label of a case, its file named `rs.dcm` or `seg.dcm`."""
    found = read_series(folder, [path for path in folder.iterdir() if path.name.startswith("i")])
    label = next(path for path in folder.iterdir() if not path.name.startswith("i"))
    return read_original(OriginalLabel(path=label), found.geometry, slices=found.files)


def truth(folder):
    return np.asarray(nib.load(folder.parent / "truth" / f"{folder.name}.nii.gz").dataobj)


@pytest.mark.parametrize(
    "case", ["plain", "a_third_off", "hole_apart", "hole_by_keyhole", "stored_twice", "tiny_contours"]
)
def test_contours_are_read_as_the_truth(structures, case):
    found = read(structures / case)
    assert found.organs == ("liver",)  # of the tiny contours too: nobody drew the spleen
    np.testing.assert_array_equal(found.labels > 0, truth(structures / case) > 0)


def test_contours_between_slices_fill_as_many_slices(structures):
    filled = read(structures / "half_a_slice_off").labels > 0
    assert np.count_nonzero(filled.any(axis=(0, 1))) in {15, 16, 17}
    overlaps = []
    for low in (4, 5):
        disk = np.roll(truth(structures / "plain") > 0, low - 4, axis=2)
        overlaps.append(2 * (filled & disk).sum() / (filled.sum() + disk.sum()))
    assert max(overlaps) >= 0.95


def test_names_of_planning_systems_are_known_or_told(structures):
    found = read(structures / "names")
    assert {"liver", "kidney_left", "kidney_right", "aorta", "postcava", "pancreas"} <= set(found.organs)
    assert {"gall_bladder", "intestine"} <= set(found.organs)
    assert "spleen" not in found.organs
    assert "'Spleen_DL', 'StomachWall'" in found.notes[0]


@pytest.mark.parametrize(
    "case", ["overlapping", "empty_segment", "map_kind", "fractional", "turned", "sagittal"]
)
def test_segments_are_read_as_the_truth(segments, case):
    np.testing.assert_array_equal(read(segments / case).labels, truth(segments / case))


@pytest.mark.parametrize(
    ("case", "organs", "told"),
    [
        ("no_points", ("spleen",), "liver is unknown"),
        ("empty_contour", ("spleen",), "liver is unknown"),
        ("no_name", ("liver",), "segment 2 has no name"),
        ("no_number", ("liver",), "ReferencedROINumber (3006,0084)"),
    ],
)
def test_a_gap_in_one_structure_is_told_and_the_ct_and_the_others_come_in(
    omentum, gaps, tmp_path, case, organs, told
):
    project = tmp_path / "atlas"
    assert omentum("init", project).code == 0
    ran = omentum("-C", project, "add", gaps / case, "--json")
    assert ran.code == 0
    (row,) = json.loads(ran.out)["added"]
    assert tuple(row["original_organs"]) == organs
    assert told in " ".join(row["label_notes"])
