"""A real patient's liver, drawn by a person on DICOM slices, through a release into every format and back."""

import nibabel as nib
import numpy as np
import pydicom
import pytest

from omentum.assemble.inputs import inputs_of
from omentum.assemble.release import build_release
from omentum.assemble.released import read_release
from omentum.exchange.add import import_case
from omentum.exchange.exporters.export import export_release
from omentum.exchange.exporters.exporter import Export
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.labels import OriginalLabel
from omentum.project.standing import CaseFacts
from omentum.runners.in_process import InProcessRunner

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def released(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    (source,) = find_sources([shared / "data" / "chaos_03" / "dicom"]).sources
    label = OriginalLabel(path=shared / "data" / "chaos_03" / "liver.nii.gz", ids="liver", organs=("liver",))
    case = import_case(source, folder / "cases" / "chaos_03", secret=b"s" * 32, label=label).case
    made = build_release("V1", folder / "releases", [inputs_of(CaseFacts(case=case))])
    return read_release(made.folder)


@pytest.fixture(scope="module")
def drawn(shared):
    """The middles of the voxels that the person drew, in mm, RAS+, and the volume in mL."""
    image = nib.load(shared / "data" / "chaos_03" / "liver.nii.gz")
    points = nib.affines.apply_affine(image.affine, np.argwhere(np.asarray(image.dataobj) > 0))
    return points, len(points) * abs(np.linalg.det(image.affine[:3, :3])) / 1000, image.header.get_zooms()


def export(released, layout, tmp_path):
    asked = Export(version="V1", out=tmp_path, organs=("liver",))
    assert export_release(released, layout, asked, InProcessRunner()).failed == ()
    return tmp_path


@pytest.mark.parametrize(
    ("layout", "path"),
    [
        ("nnunet", "labelsTr/chaos_03.nii.gz"),
        ("monai", "labelsTr/chaos_03.nii.gz"),
        ("abdomenatlas-8k", "unnamed_chaos_03/segmentations/liver.nii.gz"),
    ],
)
def test_nifti_has_the_very_voxels(released, drawn, tmp_path, layout, path):
    image = nib.load(export(released, layout, tmp_path) / path)
    points = nib.affines.apply_affine(image.affine, np.argwhere(np.asarray(image.dataobj) > 0))
    assert len(points) == len(drawn[0])
    np.testing.assert_allclose(points.mean(axis=0), drawn[0].mean(axis=0), atol=1e-3)


def test_a_segmentation_has_as_many_pixels(released, drawn, tmp_path):
    seg = pydicom.dcmread(export(released, "dicom-seg", tmp_path) / "chaos_03" / "seg.dcm")
    assert int(seg.pixel_array.sum()) == len(drawn[0])


def test_structures_are_the_very_voxels_for_rt_utils(released, drawn, tmp_path):
    rt_utils = pytest.importorskip("rt_utils")
    folder = export(released, "rtstruct", tmp_path) / "chaos_03"
    structures = rt_utils.RTStructBuilder.create_from(
        dicom_series_path=str(folder / "ct"), rt_struct_path=str(folder / "rtstruct.dcm")
    )
    assert int(structures.get_roi_mask_by_name("liver").sum()) == len(drawn[0])


def test_a_surface_keeps_volume_and_place(released, drawn, tmp_path):
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.load(export(released, "stl", tmp_path) / "chaos_03" / "liver.stl")
    points, volume_ml, spacing_mm = drawn
    assert mesh.volume / 1000 == pytest.approx(volume_ml, rel=0.01)
    off_mm = np.abs(mesh.center_mass * (-1, -1, 1) - points.mean(axis=0)).max()
    assert off_mm < min(spacing_mm) / 2
