"""Real masks and AbdomenAtlas trees come in as they lie."""

import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from omentum.exchange.batch import add_found
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.dicom import read_series
from omentum.volumes.nifti import read_nifti


def test_the_slices_of_a_real_mask_lie_as_the_radiologist_drew_them(shared, atlas, tmp_path):
    case = tmp_path / "CHAOS" / "3"
    shutil.copytree(shared / "data/chaos_03/dicom", case / "DICOM_anon")
    truth = read_nifti(shared / "data/chaos_03/liver.nii.gz").voxels
    by_name = {path: number for number, path in enumerate(read_series(case / "DICOM_anon").files)}
    (case / "Ground").mkdir()
    for number, path in enumerate(sorted(by_name)):
        picture = np.ascontiguousarray(truth[:, :, by_name[path]].T) * np.uint8(255)
        sitk.WriteImage(sitk.GetImageFromArray(picture), case / "Ground" / f"liver_GT_{number:03d}.png")
    assert add_found(atlas.workspace, find_sources([tmp_path / "CHAOS"])).failed == ()
    (stored,) = atlas.workspace.store.cases.all()
    np.testing.assert_array_equal(read_nifti(stored.original_label_path).voxels == 6, truth > 0)


@pytest.mark.parametrize("folder", ["tree", "AbdomenAtlas1.0"])
def test_what_an_abdomenatlas_tree_holds_besides_comes_in_and_commands_may_still_take_it(
    home, omentum, tmp_path, write_volume, folder
):
    case = tmp_path / folder / "04_LiTS_liver_7"
    write_volume(case / "ct.nii.gz")
    for name in ("liver", "spleen"):
        write_volume(case / f"backbones/unet/segmentations/{name}.nii.gz", values=[1])
        write_volume(case / f"backbones/unet/soft_pred/{name}.nii.gz", values=[200])
    write_volume(case / "average/segmentations/liver_revised.nii.gz", values=[1])
    omentum("init", tmp_path / "p", "--network", "starter", "--organs", "liver,spleen")
    ran = omentum("-C", tmp_path / "p", "add", case.parent)
    assert ran.code == 0, ran.err
    (case_dir,) = (tmp_path / "p/cases").iterdir()
    (revision,) = (case_dir / "revisions/liver").iterdir()
    assert (case_dir / "networks/unet/masks.nii.gz").exists()
    if folder == "tree":
        for words in (
            ("models", "add", case.parent, "--as", "unet"),
            ("-C", tmp_path / "p", "predict", "--network", "unet"),
        ):
            ran = omentum(*words)
            assert ran.code == 0, ran.err
        ran = omentum("-C", tmp_path / "p", "review", "import", case.parent, "--json")
        told = json.loads(ran.out)
        assert {one["file"].split("/")[1] for one in told["set_aside"]} == {"backbones"}, "no reader's masks"
    assert list((case_dir / "revisions/liver").iterdir()) == [revision]
