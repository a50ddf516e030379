"""Segments of 3D Slicer's files are read by name, layer and value."""

import numpy as np
import pytest

from omentum.errors import (
    GridMismatchError,
    LabelValueError,
)
from omentum.volumes.geometry import Geometry
from omentum.volumes.segmentations import read_segmentation

from .test_segmentations import CT, DRAWN, MASK, check_refused, fields_of, only, save_segments


@pytest.mark.parametrize("layers_last", [False, True])
def test_slicers_segments_are_read_by_name_layer_and_value_from_a_cropped_file(tmp_path, layers_last):
    other = np.zeros_like(MASK)
    other[5:8, 3:6, 4:6] = 1  # overlaps
    third = (MASK == 0) * np.uint8(2)
    layers = np.stack([MASK + third, other * 3])[(slice(None), *DRAWN)]
    fields = fields_of(("Leber, rot", 0, 1), ("spleen", 1, 3), ("rest", 0, 2), ("gone", 1, 9))
    path = save_segments(tmp_path / "r.seg.nrrd", layers, CT.cropped(DRAWN), fields, layers_last=layers_last)
    found = read_segmentation(path, CT)
    assert [one.name for one in found] == ["Leber, rot", "spleen", "rest", "gone"]
    rest = np.zeros_like(MASK)
    rest[DRAWN] = third[DRAWN] > 0
    for one, expected in zip(found, (MASK, other, rest, np.zeros_like(MASK)), strict=True):
        np.testing.assert_array_equal(one.mask, expected)
        assert one.notes == ("padded from 5 x 4 x 4 voxels to the CT's grid",)


def test_a_segment_of_one_slice_is_read(tmp_path):
    box = (DRAWN[0], DRAWN[1], slice(4, 5))
    path = save_segments(tmp_path / "r.seg.nrrd", MASK[box], CT.cropped(box), fields_of(("cyst", 0, 1)))
    np.testing.assert_array_equal(only(path).mask[box], MASK[box])


def test_a_value_that_no_segment_of_the_header_has_is_refused(tmp_path):
    for fields in (fields_of(("liver", 0, 2)), fields_of(("liver", 1, 1))):
        path = save_segments(tmp_path / "r.seg.nrrd", np.stack([MASK, MASK]), CT, fields)
        check_refused(LabelValueError, path, "its layer 0 holds the value 1, and its header gives no segment")
    both = MASK + (MASK == 0) * np.uint8(2)
    path = save_segments(tmp_path / "r.seg.nrrd", both, CT, {"Segment0_Name": "liver"})
    check_refused(LabelValueError, path, "holds the values 1, 2")


def test_segments_of_older_slicers_are_each_a_layer_of_their_own(tmp_path):
    fields = {"Segment0_Name": "liver", "Segment1_ID": "Segment_2"}
    path = save_segments(tmp_path / "r.seg.nrrd", np.stack([MASK, 1 - MASK]), CT, fields)
    found = read_segmentation(path, CT)
    assert [(one.name, int(one.mask.sum())) for one in found] == [
        ("liver", int(MASK.sum())),
        ("Segment_2", int(MASK.size - MASK.sum())),
    ]


def test_a_file_of_one_voxel_says_that_its_segments_are_empty_wherever_it_lies(tmp_path):
    nowhere = Geometry((1, 1, 1), np.eye(4))
    fields = fields_of(("liver", 0, 1), ("spleen", 0, 2))
    path = save_segments(tmp_path / "r.seg.nrrd", np.zeros((1, 1, 1), np.uint8), nowhere, fields)
    assert [(one.name, one.mask.any()) for one in read_segmentation(path, CT)] == [
        ("liver", False),
        ("spleen", False),
    ]
    path = save_segments(tmp_path / "drawn.seg.nrrd", np.ones((1, 1, 1), np.uint8), nowhere, fields)
    check_refused(GridMismatchError, path, "lattice")


def test_a_segment_file_without_names_counts_as_a_plain_one(tmp_path):
    found = only(save_segments(tmp_path / "r.seg.nrrd", MASK * np.uint8(6), CT, {}), values=[6])
    np.testing.assert_array_equal(found.mask, MASK)
    assert found.name is None
    check_refused(LabelValueError, tmp_path / "r.seg.nrrd", "value 6 is that of liver")
