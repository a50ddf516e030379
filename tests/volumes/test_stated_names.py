import json

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import LabelValueError
from omentum.volumes.mask_files import write_label_table
from omentum.volumes.stated_names import header_names, sidecars, stated_names

XML = (
    '<CaretExtension><LabelTable><Label Key="1">{}</Label><Label Key="2">{}</Label></LabelTable>'
    "</CaretExtension>"
)


@pytest.fixture
def label_map(tmp_path):
    path = tmp_path / "labels" / "seg.nii.gz"
    path.parent.mkdir()
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4), dtype=np.uint8), np.eye(4)), path)
    return path


def extend(path, text, code=0):
    image = nib.load(path)
    image.header.extensions.append(nib.nifti1.Nifti1Extension(code, text.encode()))
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), path)


def test_a_label_map_without_names_says_nothing(label_map):
    (label_map.parent / "seg.json").write_text('{"SeriesNumber": 3}')
    (label_map.parent / "seg.txt").write_text("1 P1 10 20 30")
    (label_map.parent / "labels.json").write_text('{"1": "Label 1"}')
    extend(label_map, "a comment", 6)
    assert stated_names(label_map) is None


def test_a_header_of_totalsegmentator_names_values(label_map):
    extend(label_map, XML.format("kidney_left", "vertebrae_L1"))
    stated = header_names(label_map)
    assert stated.scheme.values == {"kidney_left": (1,)}
    assert stated.scheme.unknown == {2: "vertebrae_L1"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seg.label", '1 1 1 1 1 1 1 "Right kidney"'),
        ("seg.label.txt", '1 1 1 1 1 1 1 "Right kidney"'),
        ("seg.txt", "1 right_kidney 1 1 1 255"),
        ("seg.ctbl", "1 right_kidney 1 1 1 255"),
        ("labels.ctbl", "1 right_kidney 1 1 1 255"),
        ("seg.tsv", "index\tname\n1\tRight kidney"),
        ("../dseg.tsv", "index\tname\n1\tRight kidney"),
        ("labels.json", '{"Right kidney": 1}'),
        ("seg.json", '{"labels": {"1": "Right kidney"}}'),
        ("../dataset.json", '{"labels": {"1": "Right kidney"}}'),
        ("dataset.json", '{"labels": {"Right kidney": 1}}'),
    ],
)
def test_a_table_beside_a_label_map_names_its_values(label_map, name, text):
    (label_map.parent / name).write_text(text)
    assert stated_names(label_map).scheme.values == {"kidney_right": (1,)}
    assert [path.name for path in sidecars(label_map)] == [name.removeprefix("../")]


def test_our_own_table_is_read_to_the_letter_so_that_femurs_are_heads(label_map):
    write_label_table(label_map.parent / "labels.json")
    assert stated_names(label_map).scheme.values["femur_left"] == (23,)


def test_a_table_of_a_folder_does_not_speak_of_the_mask_of_one_organ(label_map):
    (label_map.parent / "labels.json").write_text('{"spleen": 1}')
    assert stated_names(label_map, is_mask=True) is None
    assert sidecars(label_map, is_mask=True) == []


def test_places_and_rows_that_contradict_each_other_are_refused_with_both_readings(label_map):
    extend(label_map, XML.format("liver", "spleen"))
    (label_map.parent / "labels.json").write_text(json.dumps({"1": "aorta"}))
    with pytest.raises(LabelValueError, match="value 1 is liver by its header, and aorta by labels"):
        stated_names(label_map)
    (label_map.parent / "labels.json").unlink()
    (label_map.parent / "seg.ctbl").write_text("1 liver 0 0 0 255\n1 spleen 0 0 0 255")
    with pytest.raises(LabelValueError, match="its value 1 is liver and spleen"):
        stated_names(label_map)


def test_letters_of_another_encoding_leave_the_other_names_as_they_are(label_map):
    rows = '1 1 1 1 1 1 1 "Liver"\r\n2 1 1 1 1 1 1 "Müll"\r\n'
    (label_map.parent / "seg.label").write_bytes(rows.encode("latin-1"))
    assert stated_names(label_map).scheme.values == {"liver": (1,)}


def test_tables_as_windows_saves_them_are_read(label_map):
    (label_map.parent / "labels.txt").write_bytes("1 Liver 1 1 1 255\r\n".encode("utf-16"))
    assert stated_names(label_map).scheme.values == {"liver": (1,)}
    (label_map.parent / "labels.txt").unlink()
    (label_map.parent / "dataset.json").write_bytes(b'\xef\xbb\xbf{"labels": {"background": 0, "liver": 1}}')
    assert stated_names(label_map).scheme.values == {"liver": (1,)}
