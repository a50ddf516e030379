"""Every format, read back by a program that is not ours, on the 48 orientations and on oblique grids.

The patients' own places are the measure: what was written on any grid is looked up at the same points in mm.
"""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from omentum.errors import AffineError
from omentum.exchange.exporters.export import EXPORTERS, export_release
from omentum.exchange.exporters.exporter import Export
from omentum.runners.in_process import InProcessRunner
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

from .conftest import GRIDS, SHAPE, SPACING_MM, made_masks, volume_on

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


@pytest.fixture
def exported(released, tmp_path):
    """Exports one case on a grid; gives the folder."""

    def call(layout, grid, **fields):
        out = tmp_path / "out"
        asked = Export(version="V1", out=out, organs=())
        batch = export_release([released(grid, **fields)], layout, asked, InProcessRunner())
        assert batch.failed == ()
        return out

    return call


def points_mm(grid, mask):
    """The middles of a mask's voxels in the patient, sorted, in mm, RAS+."""
    volume = volume_on(grid, mask)
    points = volume.geometry.to_mm(np.argwhere(volume.voxels))
    return points[np.lexsort(np.round(points, 2).T)]


def same_points(found, expected):
    found = found[np.lexsort(np.round(found, 2).T)]
    return found.shape == expected.shape and bool(np.abs(found - expected).max(initial=0.0) < 2e-2)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    ("layout", "path", "value"),
    [
        ("abdomenatlas-1.0", "c1/segmentations/{name}.nii.gz", None),
        ("nnunet", "labelsTr/c1.nii.gz", {"spleen": 1, "kidney_right": 2, "kidney_left": 3}),
    ],
)
def test_nifti_layouts_are_exact_for_two_other_readers(exported, monkeypatch, grid, layout, path, value):
    if layout == "abdomenatlas-1.0":
        monkeypatch.setitem(EXPORTERS, layout, _of_our_organs(EXPORTERS[layout]))
    out = exported(layout, grid)
    for name in ("kidney_right", "kidney_left"):
        file = out / path.format(name=name)
        image = nib.load(file)
        mask = np.asarray(image.dataobj) == (value[name] if value else 1)
        covered = made_masks()["liver"] | made_masks()["aorta"] if value else np.zeros(SHAPE, dtype=bool)
        expected = points_mm(grid, made_masks()[name] & ~covered)
        assert same_points(nib.affines.apply_affine(image.affine, np.argwhere(mask)), expected)
        read = sitk.ReadImage(str(file))
        direction = np.array(read.GetDirection()).reshape(3, 3) @ np.diag(read.GetSpacing())
        voxels = sitk.GetArrayFromImage(read).transpose(2, 1, 0) == (value[name] if value else 1)
        lps = np.argwhere(voxels) @ direction.T + np.array(read.GetOrigin())
        assert same_points(lps @ RAS_TO_LPS, expected)


def _of_our_organs(layout):
    return replace(layout, organs=tuple(made_masks()))


@pytest.mark.parametrize("grid", GRIDS)
def test_dicom_segments_are_exact_and_on_their_side_for_pydicom(exported, grid):
    out = exported("dicom-seg", grid)
    found = {}
    for path in sorted((out / "c1").glob("seg*.dcm")):
        seg = pydicom.dcmread(path)
        labels = {one.SegmentNumber: one.SegmentLabel for one in seg.SegmentSequence}
        shared = seg.SharedFunctionalGroupsSequence[0]
        row, column = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient).reshape(2, 3)
        dy, dx = map(float, shared.PixelMeasuresSequence[0].PixelSpacing)
        for frame, pixels in zip(seg.PerFrameFunctionalGroupsSequence, seg.pixel_array, strict=True):
            identity = frame if "SegmentIdentificationSequence" in frame else shared  # of one segment
            name = labels[identity.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
            corner = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, dtype=float)
            y, x = np.nonzero(pixels)
            lps = corner + np.outer(x * dx, row) + np.outer(y * dy, column)
            found.setdefault(name, []).append(lps @ RAS_TO_LPS)
    assert set(found) == {"kidney_right", "kidney_left", "liver", "aorta"}, "an absent organ has no frame"
    for name, points in found.items():
        assert same_points(np.concatenate(points), points_mm(grid, made_masks()[name])), name


def test_highdicom_reads_the_segments_with_their_anatomy(exported):
    hd = pytest.importorskip("highdicom")
    out = exported("dicom-seg", "RAS")
    seg = hd.seg.segread(out / "c1" / "seg.dcm")
    (number,) = seg.get_segment_numbers(segment_label="kidney_left")
    segment = seg.get_segment_description(number)
    assert segment.segmented_property_type.meaning == "Kidney"
    kind = segment.SegmentedPropertyTypeCodeSequence[0]
    assert kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    volume = seg.get_volume(segment_numbers=[number], combine_segments=True)
    mask = made_masks()["kidney_left"]
    x_mm = (volume.affine @ np.append(np.argwhere(np.asarray(volume.array)).mean(axis=0), 1.0))[:3]
    np.testing.assert_allclose(x_mm @ RAS_TO_LPS, points_mm("RAS", mask).mean(axis=0), atol=1e-2)
    ids = [pydicom.dcmread(path).SOPInstanceUID for path in sorted((out / "c1" / "ct").iterdir())]
    sources = {one[2] for one in seg.get_source_image_uids()}
    assert sources <= set(ids)


def test_the_ct_that_segments_refer_to_is_the_released_one(exported, released):
    out = exported("dicom-seg", "PIR")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(out / "c1" / "ct")))
    image = reader.Execute()
    assert image.GetPixelIDTypeAsString() in ("16-bit signed integer", "32-bit signed integer")
    ours = nib.load(released("PIR").ct_path)
    index = np.array([3, 5, 7])
    there = (ours.affine @ np.append(index, 1.0))[:3] @ RAS_TO_LPS
    found = image.GetPixel(image.TransformPhysicalPointToIndex(there.tolist()))
    assert found == np.asarray(ours.dataobj)[tuple(index)]


def polygons_of(out):
    """What pydicom finds in the structures: by name, slices of polygons in mm, LPS+."""
    made = pydicom.dcmread(out / "c1" / "rtstruct.dcm")
    names = {one.ROINumber: one.ROIName for one in made.StructureSetROISequence}
    return {
        names[one.ReferencedROINumber]: [
            np.array(contour.ContourData, dtype=float).reshape(-1, 3) for contour in one.ContourSequence
        ]
        for one in made.ROIContourSequence
    }


@pytest.mark.parametrize("grid", GRIDS)
def test_structures_keep_place_volume_and_side(exported, grid):
    out = exported("rtstruct", grid)
    thickness = float(pydicom.dcmread(out / "c1" / "ct" / "0001.dcm").SpacingBetweenSlices)
    for name, polygons in polygons_of(out).items():
        mask = made_masks()[name]
        if not mask.any():
            assert polygons == []
            continue
        areas, moments = [], []
        for polygon in polygons:
            after = np.roll(polygon, -1, axis=0)
            cross = np.cross(polygon - polygon[0], after - polygon[0]) / 2.0
            areas.append(cross.sum(axis=0))
            weights = cross @ (areas[-1] / np.linalg.norm(areas[-1]))
            centres = (polygon[0] + polygon + after) / 3.0
            moments.append((weights[:, None] * centres).sum(axis=0))
        reference = areas[int(np.argmax(np.linalg.norm(areas, axis=1)))]
        signs = np.sign(np.array(areas) @ reference)
        area = float((np.linalg.norm(areas, axis=1) * signs).sum())
        volume_ml = area * thickness / 1000
        assert volume_ml == pytest.approx(mask.sum() * np.prod(SPACING_MM) / 1000, rel=0.01)
        centroid = (np.array(moments) * signs[:, None]).sum(axis=0) / area @ RAS_TO_LPS
        off_mm = np.abs(centroid - points_mm(grid, mask).mean(axis=0)).max()
        assert off_mm < min(SPACING_MM) / 2, name


@pytest.mark.parametrize("grid", ["LPS", "RAS", "LPI", "RAI", "oblique-10"])
def test_rt_utils_finds_the_very_voxels(exported, grid):
    """It takes square pixels and square slices alone, so grids that stay axial."""
    rt_utils = pytest.importorskip("rt_utils")
    out = exported("rtstruct", grid)
    structures = rt_utils.RTStructBuilder.create_from(
        dicom_series_path=str(out / "c1" / "ct"), rt_struct_path=str(out / "c1" / "rtstruct.dcm")
    )
    for name in ("kidney_right", "kidney_left", "liver", "aorta"):
        found = structures.get_roi_mask_by_name(name)
        ours = nib.load(out.parent / "releases" / "V1" / "c1" / "segmentations" / f"{name}.nii.gz")
        lps = nib.as_closest_canonical(ours)
        mask = np.asarray(lps.dataobj)[::-1, ::-1] > 0
        np.testing.assert_array_equal(found.transpose(1, 0, 2), mask)


@pytest.mark.parametrize("grid", GRIDS)
def test_surfaces_keep_place_volume_and_side(exported, grid):
    trimesh = pytest.importorskip("trimesh")
    out = exported("stl", grid)
    files = {path.stem: path for path in (out / "c1").iterdir()}
    assert set(files) == {"kidney_right", "kidney_left", "liver", "aorta"}
    for name, path in files.items():
        mesh = trimesh.load(path)
        mask = made_masks()[name]
        assert mesh.is_watertight
        assert mesh.volume / 1000 == pytest.approx(mask.sum() * np.prod(SPACING_MM) / 1000, rel=0.01)
        off_mm = np.abs(mesh.center_mass @ RAS_TO_LPS - points_mm(grid, mask).mean(axis=0)).max()
        assert off_mm < min(SPACING_MM) / 2, name


@pytest.mark.parametrize("layout", ["dicom-seg", "rtstruct"])
def test_a_sheared_grid_is_refused_where_dicom_cannot_say_it(released, tmp_path, layout):
    case = released()
    affine = np.array(nib.load(case.ct_path).affine)
    affine[1, 2] += 0.8
    for path in [case.ct_path, case.labels_path, *(mask.path for mask in case.masks)]:
        voxels = np.asarray(nib.load(path).dataobj)
        write_nifti(path, Volume(voxels, Geometry(voxels.shape, affine)))
    asked = Export(version="V1", out=tmp_path / "out", organs=())
    batch = export_release([case], layout, asked, InProcessRunner())
    (failure,) = batch.failed
    assert "not at right angles" in failure.reason
    with pytest.raises(AffineError):
        EXPORTERS[layout].write_case(case, asked)
