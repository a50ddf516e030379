import numpy as np
import pydicom
import pytest

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.exchange.batch import add_found
from omentum.exchange.importers.dicom_masks import dicom_masks
from omentum.exchange.importers.dicom_segment_names import segment_names
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_series
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti


def shifted(grid, by_voxels):
    """The same grid, some voxels further along its axes."""
    affine = grid.affine.copy()
    affine[:3, 3] = grid.to_mm(by_voxels)
    return Geometry(grid.shape, affine)


@pytest.mark.parametrize("omit_empty", [True, False])
def test_what_another_program_segmented_is_read_voxel_for_voxel(
    tmp_path, series, masks, write_seg, omit_empty
):
    path = write_seg(tmp_path / "seg.dcm", series, masks, omit_empty_frames=omit_empty)
    masks.pop("Something")
    read = dict(dicom_masks(path, read_series(series).geometry))
    # The last is not named as an organ, but coded as one.
    assert set(read) == {"liver", "kidney"}
    np.testing.assert_array_equal(read["kidney"], masks["Kidneys"])


def test_segments_are_named_by_their_labels(tmp_path, series, masks, write_seg):
    path = write_seg(
        tmp_path / "seg.dcm", series, {"Spleen": masks["Liver"], "Left kidney": masks["Kidneys"]}
    )
    assert dict(segment_names(pydicom.dcmread(path)).by_number.values()) == {
        "Spleen": "spleen",
        "Left kidney": "kidney_left",
    }
    read = dict(dicom_masks(path, read_series(series).geometry))
    np.testing.assert_array_equal(read["spleen"], masks["Liver"])


def test_what_lies_on_another_grid_or_is_no_segmentation_is_refused(
    tmp_path, series, masks, write_series, write_seg, write_rtstruct
):
    seg = write_seg(tmp_path / "seg.dcm", series, masks)
    other = write_series(tmp_path / "other", n=3)
    grid = read_series(series).geometry
    with pytest.raises(GridMismatchError, match=r"0\.50 voxels off"):
        list(dicom_masks(seg, shifted(grid, (0.5, 0, 0))))
    with pytest.raises(GridMismatchError, match="lie beyond the CT, and none on it"):
        list(dicom_masks(seg, shifted(grid, (0, 0, 20))))
    with pytest.raises(UnreadableImageError, match="modality is 'CT'"):
        list(dicom_masks(other[0], read_series(series).geometry))
    heart = write_rtstruct(tmp_path / "rt.dcm", series, {"Heart": []})
    with pytest.raises(UnreadableImageError, match="'Heart'"):
        list(dicom_masks(heart, read_series(series).geometry))


def test_segmentations_of_other_organs_are_joined_and_one_of_the_same_organ_is_told(
    tmp_path, series, masks, write_seg
):
    folder = tmp_path / "p1"
    first = write_seg(folder / "seg.dcm", series, {"Spleen": masks["Liver"]})
    second = write_seg(folder / "seg_2.dcm", series, {"Kidneys": masks["Kidneys"]})
    third = write_seg(folder / "seg_3.dcm", series, {"Left kidney": masks["Kidneys"]})
    found = find_sources([tmp_path / "p1"])
    (source,) = found.sources
    assert (source.label.path, source.label.parts) == (first, (second,))
    (told,) = [one for one in found.left_out if one.key == str(third)]
    assert "has a segmentation already" in told.reason


def test_a_segmentation_in_the_heap_is_the_label_of_its_series(atlas, tmp_path, series, masks, write_seg):
    masks.pop("Something")
    seg = write_seg(
        tmp_path / "p1" / "seg" / "1.dcm", series, {"Spleen": masks["Liver"], "Kidneys": masks["Kidneys"]}
    )
    (source,) = find_sources([tmp_path / "p1"]).sources
    assert source.label.path == seg
    batch = add_found(atlas.workspace, find_sources([tmp_path / "p1"]))
    assert batch.failed == ()
    (case,) = atlas.workspace.store.cases.all()
    assert case.original_organs == ("spleen", "kidney_right", "kidney_left")
    labels = read_nifti(case.original_label_path).voxels
    np.testing.assert_array_equal(labels == organ("spleen").index, masks["Liver"])
    right = labels == organ("kidney_right").index
    assert case.geometry.orientation == "LPS"
    assert right[1:3].any()  # the first index runs to the left, so the right kidney comes first
    assert not right[12:].any()


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segments_of_every_kind_are_read(tmp_path, series, masks, write_seg, kind):
    drawn = {"Liver": masks["Liver"], "Spleen": np.zeros_like(masks["Liver"]), "Kidneys": masks["Kidneys"]}
    path = write_seg(tmp_path / "seg.dcm", series, drawn, kind=kind)
    notes = []
    read = dict(dicom_masks(path, read_series(series).geometry, on_note=notes.append))
    np.testing.assert_array_equal(read["liver"], masks["Liver"])
    np.testing.assert_array_equal(read["kidney"], masks["Kidneys"])
    assert not read["spleen"].any()
    assert notes == ["spleen: the file describes it and gives it no voxel: known to be empty"]


def test_fractions_that_never_exceed_a_half_are_unknown(tmp_path, series, masks, write_seg):
    drawn = {"Liver": masks["Liver"], "Spleen": 0.4 * masks["Kidneys"]}
    path = write_seg(tmp_path / "seg.dcm", series, drawn, kind="FRACTIONAL")
    notes = []
    read = dict(dicom_masks(path, read_series(series).geometry, on_note=notes.append))
    assert list(read) == ["liver"]
    assert "spleen is unknown" in notes[0]
    assert "no fraction exceeds a half" in notes[0]


def test_what_reaches_beyond_the_ct_is_cut_and_told(tmp_path, series, masks, write_seg):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]})
    grid = read_series(series).geometry
    notes = []
    ((_, mask),) = dicom_masks(path, shifted(grid, (0, 0, 3)), on_note=notes.append)
    np.testing.assert_array_equal(mask[:, :, :3], masks["Liver"][:, :, 3:6])
    assert notes == [f"liver: {6 * 6 * 2 * grid.voxel_ml:.3g} mL beyond the CT were cut"]


def test_frames_within_a_tenth_of_a_voxel_count_as_on_the_grid_and_are_told(
    tmp_path, series, masks, write_seg
):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]})
    grid = read_series(series).geometry
    notes = []
    ((_, mask),) = dicom_masks(path, shifted(grid, (0.08, 0, 0)), on_note=notes.append)
    np.testing.assert_array_equal(mask, masks["Liver"])
    assert "within a tenth of a voxel" in notes[0]


@pytest.mark.parametrize(
    ("steps", "reason"), [((0.5, 0.5, 1), "its pixels of"), ((1, 1, 0.5), "2 slices of the CT apart")]
)
def test_frames_of_a_coarser_grid_are_refused_although_each_lies_on_the_ct(
    tmp_path, series, masks, write_seg, steps, reason
):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]})
    grid = read_series(series).geometry
    finer = Geometry((32, 32, 18), grid.affine @ np.diag([*steps, 1.0]))
    with pytest.raises(GridMismatchError, match=reason):
        list(dicom_masks(path, finer))


def test_a_frame_of_reference_that_is_not_the_cts_is_refused(
    tmp_path, series, masks, write_seg, write_series
):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]})
    own, others = read_series(series), write_series(tmp_path / "others")
    assert dict(dicom_masks(path, own.geometry, slices=own.files))
    with pytest.raises(GridMismatchError, match="frame of reference"):
        list(dicom_masks(path, own.geometry, slices=others))


def coded(segment, kind, *, region=None, side=None):
    """Give a segment no name of its own, and codes `(value, meaning)`."""
    segment.SegmentLabel = "Segment_1"
    segment.SegmentedPropertyTypeCodeSequence = [code(*kind)]
    if region is not None:
        segment.AnatomicRegionSequence = [code(*region)]
    if side is not None:
        segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [code(*side)]


def code(value, meaning):
    item = pydicom.Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


@pytest.mark.parametrize(
    ("kind", "region", "side", "expected"),
    [
        (("10200004", "Leber"), None, None, "liver"),
        (("64033007", "Rein"), None, ("7771000", "Gauche"), "kidney_left"),
        (("113343008", "Organ"), ("78961009", "Spleen"), None, "spleen"),
        (("108369006", "Neoplasm"), ("10200004", "Liver"), None, "liver_tumor"),
        (("85756007", "Tissue"), None, None, None),
    ],
)
def test_segments_without_a_name_are_known_by_their_codes(
    tmp_path, series, masks, write_seg, kind, region, side, expected
):
    data = pydicom.dcmread(write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]}))
    coded(data.SegmentSequence[0], kind, region=region, side=side)
    assert segment_names(data).by_number[1].organ == expected


def test_a_name_that_contradicts_its_code_counts_and_is_told(tmp_path, series, masks, write_seg):
    data = pydicom.dcmread(write_seg(tmp_path / "seg.dcm", series, {"Spleen": masks["Liver"]}))
    assert segment_names(data).notes == ()
    data.SegmentSequence[0].SegmentedPropertyTypeCodeSequence = [code("10200004", "Liver")]
    assert segment_names(data).by_number[1].organ == "spleen"
    assert segment_names(data).notes == ("segment 1 is named 'Spleen' and coded as liver: its name counts",)


def test_voxels_of_a_segment_that_is_not_described_are_told(tmp_path, series, masks, write_seg):
    drawn = {"Liver": masks["Liver"], "Kidneys": masks["Kidneys"]}
    for kind in ("BINARY", "LABELMAP"):
        path = write_seg(tmp_path / f"{kind}.dcm", series, drawn, kind=kind)
        data = pydicom.dcmread(path)
        data.SegmentSequence = [one for one in data.SegmentSequence if one.SegmentNumber != 2]
        data.save_as(path)
        notes = []
        dict(dicom_masks(path, read_series(series).geometry, on_note=notes.append))
        assert "voxels of segment 2, which the file does not describe, were left out" in notes


def test_a_segmentation_without_preamble_and_meta_information_is_read(tmp_path, series, masks, write_seg):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"]})
    data = pydicom.Dataset({one.tag: one for one in pydicom.dcmread(path)})
    with path.open("wb") as stream:
        pydicom.dcmwrite(stream, data, implicit_vr=True, little_endian=True)
    read = dict(dicom_masks(path, read_series(series).geometry))
    np.testing.assert_array_equal(read["liver"], masks["Liver"])


def test_a_reason_that_all_segments_have_is_told_once(tmp_path, series, masks, write_seg):
    path = write_seg(tmp_path / "seg.dcm", series, {"Liver": masks["Liver"], "Kidneys": masks["Kidneys"]})
    with pytest.raises(GridMismatchError) as told:
        list(dicom_masks(path, shifted(read_series(series).geometry, (0.5, 0, 0))))
    assert str(told.value).count("0.50 voxels off") == 1
    assert str(told.value).endswith("; export it on the grid of this very CT")
