import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omentum.errors import UnreadableImageError
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.source import GENERIC_NAMES, case_id_of
from omentum.names import checked_new_case_id


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(*paths: Path) -> dict[str, str]:
    return {source.case_id: source.path.name for source in find_sources(paths).sources}


def test_every_ct_of_the_shared_data_is_found_and_no_label(shared):
    sources = find_sources([shared / "data"]).sources
    of_series = {path.parent.name: path for path in (shared / "data").glob("*/dicom")}
    of_series["totalsegmentator_example_dicom"] = of_series["totalsegmentator_example"]  # another scan
    of_series["totalsegmentator_example"] = shared / "data/totalsegmentator_example/ct.nii.gz"
    assert {"chaos_03", "crlm_1004"} <= of_series.keys()
    assert {source.case_id: source.path for source in sources} == of_series


@pytest.mark.parametrize("name", sorted(GENERIC_NAMES))
def test_a_generic_name_gives_way_to_the_folder_above(name):
    assert case_id_of(Path(f"/atlas/BTCV_07/{name}.nii.gz")) == "BTCV_07"
    assert case_id_of(Path(f"/atlas/BTCV_07/{name.upper()}/{name}.nii")) == "BTCV_07"


def test_a_telling_name_stays():
    assert case_id_of(Path("/lits/volume-12.nii")) == "volume-12"
    assert case_id_of(Path("/lits/liver_001_0000.NII.GZ")) == "liver_001_0000"


def test_letters_that_not_every_system_can_have_are_replaced():
    assert case_id_of(Path("/a/Müller, José (2).nii.gz")) == "Müller_José_2_"
    assert case_id_of(Path("/a/..x..y.nii.gz")) == "x.y"


@given(st.text(min_size=1, max_size=150).filter(lambda name: not re.search(r"[/\0]", name)))
def test_any_name_becomes_one_that_a_folder_of_the_project_can_have(name):
    case_id = case_id_of(Path("/atlas") / f"{name}.nii.gz")
    assert checked_new_case_id("case_id", case_id) == case_id


def test_a_name_is_never_empty():
    assert case_id_of(Path("/ .nii.gz")) == "_"
    assert case_id_of(Path("/....nii.gz")) == "case"


def test_a_folder_of_files_is_one_case_each(tmp_path):
    touch(tmp_path, "b.nii", "a.nii.gz", "notes.txt", ".hidden.nii.gz")
    assert found(tmp_path) == {"a": "a.nii.gz", "b": "b.nii"}


def test_a_folder_of_case_folders_is_one_case_each(tmp_path):
    touch(tmp_path, "one/ct.nii.gz", "one/liver.nii.gz", "two/dicom/1.dcm", "two/dicom/2.dcm", "three/x.nii")
    assert found(tmp_path) == {"one": "ct.nii.gz", "two": "dicom", "x": "x.nii"}


def test_what_lies_beside_a_generic_ct_is_no_ct(tmp_path):
    touch(tmp_path, "one/ct.nii.gz", "one/anything.nii.gz", "one/dicom/1.dcm", "one/more/y.nii.gz")
    assert found(tmp_path) == {"one": "ct.nii.gz"}


@pytest.mark.parametrize(
    "name",
    [
        "labels.nii.gz",
        "a_seg.nii.gz",
        "segmentation-3.nii",
        "liver_revised.nii.gz",
        "A-Mask.nii.gz",
        "pancreas.nii.gz",
        "celiac_truck.nii.gz",
        "labelsTr/a_2.nii.gz",
        "segmentations/x.nii.gz",
        "label_maps/s0327.nii.gz",
        "pseudo_label_V1.nii.gz",
        "original_label.nii.gz",
    ],
)
def test_labels_are_not_taken_for_cts(tmp_path, name):
    touch(tmp_path, "a.nii.gz", name)
    assert found(tmp_path) == {"a": "a.nii.gz"}


def test_names_that_only_sound_like_labels_are_cts(tmp_path):
    touch(tmp_path, "spleen_12.nii.gz", "unlabelled_2.nii.gz", "segment7.nii.gz")
    assert set(found(tmp_path)) == {"spleen_12", "unlabelled_2", "segment7"}


def test_a_file_that_is_named_itself_is_taken(tmp_path):
    touch(tmp_path, "a_seg.nii.gz")
    assert found(tmp_path / "a_seg.nii.gz") == {"a_seg": "a_seg.nii.gz"}


def test_dicom_files_without_an_ending_are_known_by_their_mark(tmp_path):
    touch(tmp_path, "p1/DICOMDIR", "p1/S1/liver.nii.gz")
    (tmp_path / "p1" / "S1" / "IM0001").write_bytes(bytes(128) + b"DICM" + bytes(8))
    assert found(tmp_path) == {"S1": "S1"}


def test_two_cts_of_one_name_are_refused_with_both_paths(tmp_path):
    touch(tmp_path, "x/a.nii.gz", "y/a.nii.gz")
    (clash,) = find_sources([tmp_path]).unusable
    assert re.search(r"y.a\.nii\.gz.*'a'.*x.a\.nii\.gz.*--id", clash.reason)


def test_names_that_differ_in_case_alone_are_refused(tmp_path):
    touch(tmp_path, "x/a.nii.gz", "y/A.nii.gz")
    assert len(find_sources([tmp_path / "x", tmp_path / "y"]).unusable) == 1


def test_a_ct_that_is_met_twice_is_given_once(tmp_path):
    touch(tmp_path, "a.nii.gz", "b.nii.gz")
    assert list(found(tmp_path / "b.nii.gz", tmp_path)) == ["b", "a"]


def test_a_source_is_found_again_from_another_folder(tmp_path, monkeypatch):
    touch(tmp_path, "one/ct.nii.gz")
    monkeypatch.chdir(tmp_path / "one")
    (source,) = find_sources([Path("ct.nii.gz")]).sources
    assert (source.case_id, source.path) == ("one", tmp_path / "one" / "ct.nii.gz")


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "real/a.nii.gz")
    (tmp_path / "atlas").mkdir()
    (tmp_path / "atlas" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "back").symlink_to(tmp_path / "atlas")
    assert found(tmp_path / "atlas") == {"a": "a.nii.gz"}


def test_nothing_to_add_is_said(tmp_path):
    touch(tmp_path, "empty/labels.nii.gz", "note.txt")
    with pytest.raises(UnreadableImageError, match="no CT is in it"):
        find_sources([tmp_path / "empty"])
    with pytest.raises(UnreadableImageError, match="no such file"):
        find_sources([tmp_path / "missing.nii.gz"])
    with pytest.raises(UnreadableImageError, match=r"note\.txt: expected a NIfTI, .*; convert it with"):
        find_sources([tmp_path / "note.txt"])


def test_labels_are_found_beside_a_ct(tmp_path):
    touch(tmp_path, "imagesTr/a.nii.gz", "labelsTr/a.nii.gz", "c/dicom/1.dcm", "c/liver.nii.gz")
    a, c = find_sources([tmp_path]).sources[::-1]
    assert a.beside("../labelsTr/{name}.nii.gz") == tmp_path / "imagesTr" / "../labelsTr/a.nii.gz"
    assert c.beside("liver.nii.gz") == tmp_path / "c" / "liver.nii.gz"
    assert c.beside("labels.nii.gz") is None


def test_names_that_become_equal_get_a_hash_where_characters_were_replaced(tmp_path):
    touch(tmp_path, "P 1.nii", "P_1.nii", "P (1).nii", "p_2.nii")
    assert set(found(tmp_path)) >= {"P_1", "p_2"}
    assert len(found(tmp_path)) == 4
    assert found(tmp_path) == found(tmp_path / "p_2.nii", tmp_path)


def test_names_that_differ_in_how_accents_are_written_are_refused_like_equal_ones(tmp_path):
    touch(tmp_path, "x/M\u00fc.nii", "y/Mu\u0308.nii")
    looked = find_sources([tmp_path])
    assert [source.case_id for source in looked.sources] == ["M\u00fc"]
    assert len(looked.unusable) == 1


def test_what_a_project_made_is_no_source_and_cts_beside_it_are(tmp_path):
    touch(tmp_path / "atlas", "omentum.toml", "scans/a.nii.gz", "cases/a/ct.nii.gz")
    assert found(tmp_path / "atlas") == {"a": "a.nii.gz"}
    (left,) = [one for one in find_sources([tmp_path]).left_out if one.key.endswith("cases")]
    assert "give one of its releases by itself" in left.reason


def test_a_text_beside_labels_is_not_taken_for_a_label(tmp_path):
    touch(tmp_path, "a.nii.gz", "labels/a.nii.gz", "labels/LICENSE.txt", "labels.json")
    left = {Path(one.key).name: one.reason for one in find_sources([tmp_path]).left_out}
    assert {name for name, why in left.items() if "--label" in why} == {"a.nii.gz"}
    assert set(left) == {"a.nii.gz", "LICENSE.txt", "labels.json"}
