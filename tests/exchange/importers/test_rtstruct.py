import numpy as np
import pydicom
import pytest

from omentum.errors import GridMismatchError, UnreadableImageError
from omentum.exchange.importers.dicom_masks import dicom_masks
from omentum.exchange.importers.dicom_segment_names import structure_names
from omentum.volumes.dicom import read_series
from omentum.volumes.geometry import Geometry

OUTER = [(1.5, 2.5), (9.5, 2.5), (9.5, 10.5), (1.5, 10.5)]
INNER = [(3.5, 4.5), (5.5, 4.5), (5.5, 6.5), (3.5, 6.5)]


def block(*, z, hole=False):
    """The mask of the outer contour on some slices."""
    mask = np.zeros((16, 16, 9), dtype=bool)
    mask[2:10, 3:11, z] = True
    if hole:
        mask[4:6, 5:7, z] = False
    return mask


@pytest.fixture
def read(tmp_path, series, write_rtstruct):
    """Write contours and read them: masks by organ, and what was told."""
    grid = read_series(series).geometry

    def run(rings, *, on=grid, slices=(), **more):
        notes = []
        path = write_rtstruct(tmp_path / "rt.dcm", series, rings, **more)
        return dict(dicom_masks(path, on, slices=slices, on_note=notes.append)), notes

    run.grid = grid
    return run


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_contours_are_filled_and_one_in_another_is_a_hole(read, kind):
    masks, notes = read({"Liver": [(3, OUTER), (3, INNER)], "PTV": [(2, INNER)]}, kind=kind)
    assert list(masks) == ["liver"]
    np.testing.assert_array_equal(masks["liver"], block(z=3, hole=True))
    assert notes == ["left out, as no organ of ours has their names: 'PTV'"]


def test_contours_between_slices_are_interpolated_and_told(read):
    masks, notes = read({"Liver": [(z + 0.5, OUTER) for z in range(2, 7)]})
    assert np.flatnonzero(masks["liver"].any(axis=(0, 1))).tolist() in ([2, 3, 4, 5, 6], [3, 4, 5, 6, 7])
    assert notes == ["liver: its contours lie between the CT's slices, and were interpolated by shape"]


def test_a_slice_without_a_contour_stays_empty_and_is_told(read):
    masks, notes = read({"Liver": [(z, OUTER) for z in (1, 2, 3, 5, 6, 7)]})
    np.testing.assert_array_equal(masks["liver"], block(z=[1, 2, 3, 5, 6, 7]))
    assert notes == ["liver: it has no contour between slices 3 and 5, and nothing was filled in there"]


def test_a_lone_contour_reaches_as_far_as_the_other_structures_say(read):
    every_other = [(z, OUTER) for z in range(0, 9, 2)]
    masks, _ = read({"Liver": every_other, "Spleen": [(3.5, INNER)]})
    assert np.flatnonzero(masks["spleen"].any(axis=(0, 1))).tolist() == [3, 4]


def test_a_structure_without_a_closed_contour_is_unknown_not_empty(read):
    masks, notes = read({"Liver": [(3, OUTER)], "Spleen": [], "Stomach": [(3, OUTER[:2])]})
    assert list(masks) == ["liver"]
    assert "spleen is unknown: segment 2 ('Spleen')" in notes[0]
    assert "1 of 1 contours, of fewer than 3 points, was left out" in notes[1]


def test_a_structure_smaller_than_a_voxel_is_unknown(read):
    tiny = [(3.2, 3.2), (3.4, 3.2), (3.4, 3.4)]
    masks, notes = read({"Liver": [(3, OUTER)], "Spleen": [(3, tiny)]})
    assert list(masks) == ["liver"]
    assert "no voxel's centre lies inside" in notes[0]


def test_what_reaches_beyond_the_ct_is_cut_and_told_in_ml(read):
    wide = [(-4.5, 2.5), (3.5, 2.5), (3.5, 4.5), (-4.5, 4.5)]
    masks, notes = read({"Liver": [(z, wide) for z in (7, 8, 9, 10)]})
    assert masks["liver"].sum() == 4 * 2 * 2
    assert notes == [f"liver: {48 * read.grid.voxel_ml:.3g} mL beyond the CT were cut"]


def test_a_file_whose_contours_all_lie_beyond_the_ct_is_refused(read):
    with pytest.raises(GridMismatchError, match="wholly beyond the CT"):
        read({"Liver": [(z, OUTER) for z in range(20, 25)]})
    with pytest.raises(GridMismatchError, match="on which the CT has 16"):
        read({"Liver": [(3, [(0, 0), (4000, 0), (4000, 9)])]})


def test_a_tilted_contour_is_refused_with_the_reason(read):
    grid = read.grid
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    with pytest.raises(GridMismatchError, match="must be parallel to the CT's slices"):
        read({"Liver": [(3, OUTER)]}, on=Geometry(grid.shape, turn @ grid.affine))


def test_contours_find_their_slices_on_a_grid_of_other_axes(read):
    rings = {"Liver": [(z, ring) for z in range(2, 6) for ring in (OUTER, INNER)]}
    masks, _ = read(rings)
    turned = read.grid.reoriented("SAL")
    ((_, mask),) = read(rings, on=turned)[0].items()
    places = turned.to_index(read.grid.to_mm(np.argwhere(masks["liver"])))
    expected = np.zeros(turned.shape, dtype=bool)
    expected[tuple(np.rint(places).astype(int).T)] = True
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: setattr(one, "ContourData", one.ContourData[:-3]), "says 4, and ContourData"),
        (lambda one: setattr(one, "ContourData", one.ContourData[:-1]), "three finite numbers a point"),
        (lambda one: delattr(one, "ContourData"), "has 0 points"),
        (lambda one: setattr(one, "ContourOffsetVector", [0, 0, 3]), "beside its plane"),
    ],
)
def test_a_contour_that_contradicts_itself_makes_its_structure_unknown_and_no_other(read, change, reason):
    rings = {"Liver": [(3, OUTER), (4, OUTER)], "Spleen": [(3, INNER)]}
    masks, notes = read(rings, change=lambda data: change(data.ROIContourSequence[0].ContourSequence[0]))
    assert list(masks) == ["spleen"]
    assert notes[0].startswith("liver is unknown: segment 1 ('Liver')")
    assert reason in notes[0]


def test_numbers_with_a_comma_are_told_with_their_tag(tmp_path, series, write_rtstruct):
    path = write_rtstruct(tmp_path / "rt.dcm", series, {"Liver": [(3, OUTER)]})
    whole = path.read_bytes()
    place = whole.rindex(b"\\", 0, len(whole))
    path.write_bytes(whole[:place] + b"," + whole[place + 1 :])
    with pytest.raises(UnreadableImageError, match=r"\(3006,0050\)"):
        list(dicom_masks(path, read_series(series).geometry))


def test_structures_without_number_or_name_are_told_and_the_others_come_in(read):
    def change(data):
        del data.StructureSetROISequence[0].ROIName
        del data.StructureSetROISequence[1].ROINumber
        del data.ROIContourSequence[2].ReferencedROINumber

    names = ["Liver", "Spleen", "Stomach", "Pancreas"]
    masks, notes = read({name: [(3, OUTER)] for name in names}, change=change)
    assert list(masks) == ["pancreas"]
    told = " ".join(notes)
    assert "segment 1 has no name" in told
    assert "segment 2 ('Spleen') has no whole number in ROINumber" in told
    assert "contours without ReferencedROINumber (3006,0084)" in told
    assert "stomach is unknown" in told


def test_two_structures_of_one_number_are_both_left_out(read):
    def change(data):
        data.StructureSetROISequence[1].ROINumber = 1

    masks, notes = read({name: [(3, OUTER)] for name in ("Liver", "Spleen", "Pancreas")}, change=change)
    assert list(masks) == ["pancreas"]
    assert sum("has the ROINumber 1 of another one" in note for note in notes) == 2


def test_two_drafts_of_one_organ_are_unknown_and_two_pieces_are_joined(read):
    masks, notes = read({"Liver": [(3, OUTER)], "Pancreas": [(3, OUTER)], "Pancreas^manual": [(3, INNER)]})
    assert list(masks) == ["liver"]
    assert "'Pancreas' and 'Pancreas^manual' overlap and differ" in notes[0]
    masks, notes = read({"Pancreas": [(3, OUTER)], "pancreas^tail": [(5, INNER)]})
    assert masks["pancreas"].sum() == 64 + 4
    assert notes == ["pancreas: joined from 'Pancreas', 'pancreas^tail'"]


def test_a_structure_of_another_frame_of_reference_is_unknown(read, series):
    def change(data):
        data.StructureSetROISequence[1].ReferencedFrameOfReferenceUID = "1.2.3"

    rings = {"Liver": [(3, OUTER)], "Spleen": [(3, INNER)]}
    masks, notes = read(rings, slices=read_series(series).files, change=change)
    assert list(masks) == ["liver"]
    assert "its frame of reference 1.2.3 is not the CT's" in notes[0]


@pytest.mark.parametrize(
    ("name", "organ"),
    [
        ("LIVER ", "liver"),
        ("A_Aorta", "aorta"),
        ("V_VenaCava_I", "postcava"),
        ("V_Venacava_I", "postcava"),
        ("Glnd_Adrenal_L", "adrenal_gland_left"),
        ("Femur_Head_R", "femur_right"),
        ("Bowel_Small", "intestine"),
        ("kidney-R", "kidney_right"),
        ("Kidneys", "kidney"),
        ("Pancreas^manual 2", "pancreas"),
        ("Spleen_DL", None),
        ("StomachWall", None),
        ("~Lung_L", None),
        ("Liver_PRV05", None),
        ("Liver+5", None),
        ("Liver2", None),
        ("zLiver", None),
        ("Liver-PTV", None),
    ],
)
def test_structures_are_known_by_the_names_of_tg_263_and_no_part_or_margin_is_an_organ(name, organ):
    roi = pydicom.Dataset()
    roi.ROINumber, roi.ROIName = 1, name
    data = pydicom.Dataset()
    data.StructureSetROISequence = [roi]
    assert structure_names(data).by_number[1].organ == organ


def test_a_contour_of_exclusive_or_is_a_hole_in_a_closed_one(read):
    def change(data):
        data.ROIContourSequence[0].ContourSequence[1].ContourGeometricType = "CLOSEDPLANAR_XOR"

    masks, _ = read({"Liver": [(3, OUTER), (3, INNER)]}, change=change)
    np.testing.assert_array_equal(masks["liver"], block(z=3, hole=True))


@pytest.mark.parametrize("names", [("Liver", "LIVER"), ("LIVER", "Liver")])
def test_a_structure_that_nobody_drew_does_not_hide_a_drawn_one_of_its_organ(read, names):
    rings = {name: [(3, OUTER)] if name == "Liver" else [] for name in names}
    masks, notes = read(rings)
    np.testing.assert_array_equal(masks["liver"], block(z=3))
    number = names.index("LIVER") + 1
    assert notes == [f"liver: segment {number} ('LIVER') has no contour, and was left out"]


def test_a_backslash_after_the_last_number_is_no_value(read):
    def change(data):
        item = data.ROIContourSequence[0].ContourSequence[0]
        text = "\\".join(map(str, item.ContourData)).encode() + b"\\ "
        tag = pydicom.tag.Tag("ContourData")
        item[tag] = pydicom.dataelem.RawDataElement(tag, "DS", len(text), text, 0, False, True)

    masks, _ = read({"Liver": [(3, OUTER)]}, change=change)
    np.testing.assert_array_equal(masks["liver"], block(z=3))


def test_contours_without_a_type_are_left_out_and_told(read):
    def change(data):
        del data.ROIContourSequence[0].ContourSequence[0].ContourGeometricType

    masks, notes = read({"Liver": [(2, INNER), (3, OUTER)]}, change=change)
    np.testing.assert_array_equal(masks["liver"], block(z=3))
    assert notes[0] == "liver: 1 of 2 contours, without ContourGeometricType (3006,0042), was left out"
