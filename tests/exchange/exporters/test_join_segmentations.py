"""Segmentations of organs that overlap become one object, which other programs read."""

from pathlib import Path

import highdicom as hd
import numpy as np
import pytest

from omentum.exchange.exporters.dicom_segments import SegmentationFacts, SegmentFacts, segmentation_of
from omentum.exchange.exporters.dicom_series import SliceUids, begin_slice
from omentum.exchange.exporters.join_segmentations import joined_segmentations
from omentum.records import Case, MaskSource
from omentum.volumes.geometry import Geometry


def joined(shape: tuple[int, int, int], layers: list[dict[str, np.ndarray]]) -> hd.seg.Segmentation:
    grid = Geometry(shape, np.diag([-0.8, -0.8, 2.0, 1.0]))
    case = Case(case_id="a", patient_id="p", ct_path=Path("ct.nii.gz"), geometry=grid, source="")
    slices = [
        begin_slice(
            case, SliceUids(study="1.2", series="1.3", frame="1.4", instance=f"1.5.{place}"), grid, place
        )
        for place in range(shape[2])
    ]
    facts = SegmentationFacts(series_uid="1.6", instance_uid="1.7", series_number=300, description="masks")
    made = []
    for masks in layers:
        labels = sum(mask * np.uint8(number) for number, mask in enumerate(masks.values(), start=1))
        made.append(segmentation_of(slices, labels, [_segment(name) for name in masks], facts))
    return joined_segmentations(made)


def _segment(name: str) -> SegmentFacts:
    return SegmentFacts(
        organ=name, source=MaskSource.PREDICTED, made_by="n", is_absent=False, tracking_uid="1.8"
    )


@pytest.mark.parametrize("shape", [(8, 6, 4), (7, 5, 6)], ids=["whole bytes", "frames within a byte"])
def test_each_organ_is_read_back_though_they_overlap_in_other_slices(shape, tmp_path):
    masks = {name: np.zeros(shape, dtype=bool) for name in ("liver", "spleen", "liver_tumor", "pancreas")}
    masks["liver"][:4, 1:4, :3] = True
    masks["spleen"][5:, 2:, 1:3] = True
    masks["liver_tumor"][2, 2, 1:4] = True
    masks["pancreas"][1:6, 3:5, 2:] = True
    layers = [("liver", "spleen"), ("liver_tumor",), ("pancreas",)]
    made = joined(shape, [{name: masks[name] for name in names} for names in layers])
    made.save_as(tmp_path / "seg.dcm")
    read = hd.seg.segread(tmp_path / "seg.dcm")
    assert read.SegmentsOverlap == "YES"
    assert [one.SegmentLabel for one in read.SegmentSequence] == list(masks)
    uids = [f"1.5.{place}" for place in range(shape[2])]
    for number, mask in enumerate(masks.values(), start=1):
        pixels = read.get_pixels_by_source_instance(
            uids, segment_numbers=[number], assert_missing_frames_are_empty=True
        )
        np.testing.assert_array_equal(pixels[..., 0].transpose(2, 1, 0), mask)


def test_a_single_layer_stays_as_it_is():
    mask = np.ones((4, 4, 3), dtype=bool)
    made = joined((4, 4, 3), [{"liver": mask}])
    assert (made.SegmentsOverlap, made.NumberOfFrames) == ("NO", 3)
