import json
import shutil

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import ConfigError, UnreadableImageError
from omentum.exchange.batch import add_found
from omentum.exchange.importers.dataset_descriptions import known_data_sets, read_data_set
from omentum.exchange.importers.find_sources import find_sources
from omentum.volumes.labels import PAIRS, organ
from omentum.volumes.nifti import read_nifti

LAYOUTS = [(one, layout) for one in known_data_sets() for layout in one.layouts if layout.label]
ENDED_BY_FOLDERS = ("segmentations", "Ground")


def all_files(folder):
    return {str(path) for path in folder.rglob("*") if path.is_file()}


def accounted(found):
    used = {str(one.path) for one in found.sources} | {
        str(file) for one in found.sources for file in one.files
    }
    return (
        used
        | {str(one.label.path) for one in found.sources if one.label}
        | {str(one.path) for source in found.sources for one in source.revisions}
        | {
            path
            for source in found.sources
            for folder in source.network_folders
            for path in all_files(folder)
        }
        | {one.key for one in found.left_out}
    )


@pytest.mark.parametrize(
    ("data_set", "layout"), LAYOUTS, ids=lambda one: getattr(one, "name", None) or one.ct
)
def test_each_layout_of_each_data_set_comes_in_with_its_own_ids(
    atlas, tmp_path, write_volume, write_series, data_set, layout
):
    root = tmp_path / sorted(data_set.folder_names)[0]
    values = sorted(data_set.scheme.known_values - {0})[:8]
    ct, label = (root / text.replace("{case}", "x_0003") for text in (layout.ct, layout.label))
    if layout.label.endswith("Ground"):
        write_series(ct)
        label.mkdir(parents=True)
        for k in range(9):
            sitk.WriteImage(
                sitk.GetImageFromArray(np.full((16, 16), 255 * (k == 2), np.uint8)), label / f"g_{k}.png"
            )
    else:
        write_volume(ct.with_name(f"{ct.name}.nii.gz"))
        if layout.label.endswith("segmentations"):
            for stems in data_set.scheme.files.values():
                for stem in stems:
                    write_volume(label / f"{stem}.nii.gz", values=[1])
        else:
            write_volume(label.with_name(f"{label.name}.nii.gz"), values=values)
    write_volume(root / "elsewhere" / "odd" / "z" / "notes.nii.gz")
    found = find_sources([root])
    (source,) = [one for one in found.sources if one.label is not None]
    assert source.data_set == data_set.name
    assert source.case_id.startswith(f"{data_set.name}_")
    batch = add_found(atlas.workspace, find_sources([root]))
    assert source.case_id in batch.done, batch.failed
    case = atlas.workspace.store.cases.get(source.case_id)
    assert set(case.original_organs) <= set(data_set.scheme.organs)
    there = set(np.unique(read_nifti(case.original_label_path).voxels).tolist()) - {0}
    assert there <= {organ(name).index for name in case.original_organs}
    if not data_set.only_present:
        assert set(case.original_organs) == set(data_set.scheme.organs)
    for value in values if not layout.label.endswith(ENDED_BY_FOLDERS) else ():
        named = [name for name, own in data_set.scheme.values.items() if value in own]
        named += [one for pair, own in data_set.scheme.joined.items() if value in own for one in PAIRS[pair]]
        assert not named or there & {organ(name).index for name in named}


def test_mr_scans_are_left_out_by_their_number(tmp_path, write_volume):
    for number in ("0001", "0507"):
        write_volume(tmp_path / "AMOS22" / "imagesTr" / f"amos_{number}.nii.gz")
    found = find_sources([tmp_path])
    assert [one.case_id for one in found.sources] == ["09_AMOS_amos_0001"]
    assert "MR scan" in found.left_out[0].reason


def test_a_new_data_set_needs_no_code(tmp_path, write_volume):
    (tmp_path / "ours.yaml").write_text(
        "name: ours\nlayouts: [{ct: 'scans/{case}/a', label: 'truth/{case}'}]\nvalues: {liver: 7}\n"
    )
    write_volume(tmp_path / "copy/scans/3/a.nii.gz")
    write_volume(tmp_path / "copy/truth/3.nii.gz", values=[7])
    found = find_sources([tmp_path / "copy"], read_data_set(tmp_path / "ours.yaml"))
    assert found.sources[0].label.scheme.organs == ("liver",)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="fits its layouts"):
        find_sources([tmp_path / "empty"], read_data_set(tmp_path / "ours.yaml"))


def nnunet(folder, write_volume, **more):
    write_volume(folder / "imagesTr/la_001_0000.nii.gz")
    write_volume(folder / "labelsTr/la_001.nii.gz", values=[1, 2])
    write_volume(folder / "imagesTs/la_002_0000.nii.gz")
    told = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, "liver": 1, "kidneys": 2},
        "file_ending": ".nii.gz",
        **more,
    }
    (folder / "dataset.json").write_text(json.dumps(told))


def test_nnunets_raw_folder_comes_in_by_the_names_in_its_table(atlas, tmp_path, write_volume):
    nnunet(tmp_path / "Dataset001_x", write_volume)
    batch = add_found(atlas.workspace, find_sources([tmp_path / "Dataset001_x"]))
    assert (batch.done, batch.failed) == (("la_001", "la_002"), ())
    one, two = atlas.workspace.store.cases.all()
    assert one.original_organs == ("kidney_right", "kidney_left", "liver")
    assert two.original_organs == ()


def test_a_folder_of_several_channels_is_no_ct(tmp_path, write_volume):
    nnunet(tmp_path / "d", write_volume, channel_names={"0": "T1", "1": "T2"})
    write_volume(tmp_path / "a.nii.gz")
    found = find_sources([tmp_path])
    assert [one.case_id for one in found.sources] == ["a"]
    assert all("one channel" in one.reason for one in found.left_out)


def test_a_list_of_monai_or_the_decathlon_comes_in(tmp_path, write_volume):
    write_volume(tmp_path / "imagesTr/c_1.nii.gz")
    write_volume(tmp_path / "labelsTr/c_1.nii.gz", values=[1])
    write_volume(tmp_path / "imagesTs/c_2.nii.gz")
    write_volume(tmp_path / "imagesTs/c_3.nii.gz")
    told = {
        "labels": {"0": "background", "1": "spleen"},
        "training": [{"image": "./imagesTr/c_1.nii.gz", "label": "./labelsTr/c_1.nii.gz"}],
        "test": ["./imagesTs/c_2.nii.gz", "./imagesTs/gone.nii.gz"],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(told))
    for path in (tmp_path, tmp_path / "dataset.json"):
        found = find_sources([path])
        assert [one.case_id for one in found.sources] == ["c_1", "c_2"]
        assert found.sources[0].label.scheme.organs == ("spleen",)
        assert any("not there" in one.reason for one in found.left_out)
    assert accounted(find_sources([tmp_path])) >= all_files(tmp_path)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UnreadableImageError, match="lists no CTs"):
        find_sources([tmp_path / "other.json"])


def test_an_abdomenatlas_tree_comes_in_with_the_data_sets_own_label(atlas, tmp_path, write_volume):
    case = tmp_path / "tree" / "04_LiTS_liver_7"
    write_volume(case / "ct.nii.gz")
    write_volume(case / "original_label.nii.gz", values=[1, 2])
    write_volume(case / "backbones/unet/segmentations/liver.nii.gz", values=[1])
    write_volume(case / "backbones/unet/soft_pred/liver.nii.gz", values=[200])
    write_volume(case / "average/segmentations/liver_revised.nii.gz", values=[1])
    write_volume(case / "pseudo_label.nii.gz", values=[6])
    found = find_sources([tmp_path / "tree"])
    told = {one.key.removeprefix(f"{case}/"): one.reason for one in found.left_out}
    assert list(told) == ["pseudo_label.nii.gz"]
    assert "the one CT" in told["pseudo_label.nii.gz"]
    assert accounted(found) == all_files(tmp_path / "tree")
    (source,) = found.sources
    assert [one.name for one in source.network_folders] == ["unet"]
    assert [(one.organ, one.shown) for one in source.revisions] == [("liver", None)]
    assert add_found(atlas.workspace, find_sources([tmp_path / "tree"])).failed == ()
    (stored,) = atlas.workspace.store.cases.all()
    assert (stored.case_id, stored.original_organs) == ("04_LiTS_liver_7", ("liver", "liver_tumor"))


def test_plain_folders_of_other_formats_come_in(tmp_path, write_volume):
    image = sitk.ReadImage(str(write_volume(tmp_path / "a.nii.gz")))
    for ending in (".nrrd", ".mha"):
        sitk.WriteImage(image, str(tmp_path / f"scan{ending[1:]}{ending}"))
    assert [one.case_id for one in find_sources([tmp_path]).sources] == ["a", "scanmha", "scannrrd"]


def test_the_same_voxels_under_two_names_are_one_patient(atlas, tmp_path, write_volume):
    first = write_volume(tmp_path / "data/a.nii.gz")
    image = nib.load(first)
    nib.save(nib.as_closest_canonical(image), tmp_path / "data/b.nii.gz")
    write_volume(tmp_path / "data/c.nii.gz", seed=5)
    add_found(atlas.workspace, find_sources([tmp_path / "data"]))
    a, b, c = atlas.workspace.store.cases.all()
    assert a.patient_id == b.patient_id != c.patient_id
    arrivals = atlas.workspace.store.arrivals.all()
    assert arrivals["b"].same_voxels_as == "a"
    assert arrivals["c"].same_voxels_as is None


def test_patients_that_two_data_sets_share_are_on_one_side(atlas, tmp_path, write_volume):
    write_volume(tmp_path / "04_LiTS/img/liver_7.nii.gz", seed=1)
    write_volume(tmp_path / "Task03_Liver/imagesTr/liver_7.nii.gz", seed=2)
    add_found(atlas.workspace, find_sources([tmp_path / "04_LiTS", tmp_path / "Task03_Liver"]))
    one, two = atlas.workspace.store.cases.all()
    assert one.case_id != two.case_id
    assert one.patient_id == two.patient_id


def test_errors_of_original_labels_are_told_and_nothing_is_changed(omentum, tmp_path, write_volume):
    write_volume(tmp_path / "04_LiTS/img/liver_7.nii.gz")
    write_volume(tmp_path / "04_LiTS/label/liver_7.nii.gz", values=[1])
    omentum("init", tmp_path / "p", "--network", "starter")
    ran = omentum("-C", tmp_path / "p", "add", tmp_path / "04_LiTS")
    assert "04_LiTS_liver_7: original label: liver: too small" in ran.out
    status = json.loads(omentum("-C", tmp_path / "p", "status", "--json").out)
    assert any("too small" in text for text in status["label_findings"]["04_LiTS_liver_7"])
    label = tmp_path / "p/cases/04_LiTS_liver_7/original_label.nii.gz"
    assert np.count_nonzero(nib.load(label).dataobj) == 18 * 5


def test_a_folder_of_everything_and_rubbish_is_accounted_for_to_the_last_file(
    shared, omentum, tmp_path, write_volume
):
    mixed = tmp_path / "mixed"
    for name in ("chaos_03", "totalsegmentator_example", "crlm_1004", "label_maps"):
        shutil.copytree(shared / "data" / name, mixed / name)
    nnunet(mixed / "Dataset001_x", write_volume)
    write_volume(mixed / "04_LiTS/img/liver_7.nii.gz", seed=3)
    write_volume(mixed / "04_LiTS/label/liver_7.nii.gz", values=[1, 2])
    for name, content in {
        "a.docx": b"x",
        ".DS_Store": b"y",
        "z.dcm": b"no dicom",
        "broken.nii.gz": b"\x1f\x8bno",
    }.items():
        (mixed / "rubbish" / name).parent.mkdir(exist_ok=True)
        (mixed / "rubbish" / name).write_bytes(content)
    omentum("init", tmp_path / "p", "--network", "starter")
    ran = omentum("-C", tmp_path / "p", "add", mixed, "--json", "--no-check-labels")
    told = json.loads(ran.out)
    assert ran.code == 1
    assert {one["case"] for one in told["added"]} == {
        *(
            "chaos_03",
            "crlm_1004",
            "totalsegmentator_example",
            "totalsegmentator_example_dicom",
            "la_001",
            "la_002",
            "04_LiTS_liver_7",
        ),
    }
    failed = {one["case"] for one in told["failed"]}
    named = {one["path"] for one in told["left_out"]}
    sources = find_sources([mixed]).sources
    inside = {str(path) for one in sources if one.path.is_dir() for path in one.files or one.path.iterdir()}
    used = inside | {str(one.path) for one in sources} | {str(one.label.path) for one in sources if one.label}
    assert all_files(mixed) <= named | used
    assert failed == {one.case_id for one in sources} - {one["case"] for one in told["added"]}
    assert all(one["reason"] for one in (*told["failed"], *told["left_out"]))
