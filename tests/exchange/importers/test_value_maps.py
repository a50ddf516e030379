"""Label maps and segments by the names of their values, through `read_original`."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from omentum.errors import LabelValueError
from omentum.exchange.importers.labels import OriginalLabel, read_original
from omentum.exchange.label_files import label_sha256, label_stamp
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import LabelScheme
from omentum.volumes.labels import organ
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

GRID = Geometry((20, 12, 10), np.diag([2.0, 2.0, 2.0, 1.0]))


@pytest.fixture
def seg(tmp_path):
    """Function: values, each a slab of its own, to a label map; beside it a table of their names."""

    def write(values, names=None):
        voxels = np.zeros(GRID.shape, dtype=np.uint8)
        for place, value in enumerate(values):
            voxels[2 * place + 1, 2:8, 2:8] = value
        write_nifti(tmp_path / "seg.nii.gz", Volume(voxels, GRID))
        (tmp_path / "seg.json").unlink(missing_ok=True)
        if names is not None:
            (tmp_path / "seg.json").write_text(json.dumps({"labels": names}))
        return tmp_path / "seg.nii.gz"

    return write


def read(path, **label):
    return read_original(OriginalLabel(path=path, **label), GRID)


def places(result):
    """Which organ lies in the slab of each place."""
    return [int(result.labels[2 * place + 1, 4, 4]) for place in range(3)]


LIVER, SPLEEN, AORTA = (organ(name).index for name in ("liver", "spleen", "aorta"))


def test_names_say_what_values_are_whatever_their_number(seg):
    result = read(seg([1, 2], {"Liver": 1, "SPLEEN": 2}))
    assert result.organs == ("spleen", "liver")
    assert places(result) == [LIVER, SPLEEN, 0]
    assert result.notes == ()


def test_without_names_and_numbering_a_map_is_refused_with_the_choices(seg):
    with pytest.raises(
        LabelValueError, match=r"nothing in it or beside it.*--label-ids \(omentum, abdomenatlas"
    ):
        read(seg([1]))


def test_a_name_of_no_organ_is_unknown_and_told_and_so_is_a_value_without_a_name(seg):
    result = read(seg([1, 2, 7], {"liver": 1, "bone": 2}))
    assert (result.organs, places(result)) == (("liver",), [LIVER, 0, 0])
    assert "'bone' (seg.json)" in result.notes[0]
    assert result.notes[1].startswith("the value 7 (36 voxels) have no name")


def test_an_organ_that_a_table_names_and_the_map_lacks_is_unknown_unless_it_was_looked_for(seg):
    path = seg([1], {"liver": 1, "spleen": 2, "aorta": 3})
    result = read(path)
    assert result.organs == ("liver",)
    assert "2 organs have a name and no voxel" in result.notes[0]
    assert read(path, organs=("liver", "spleen")).organs == ("spleen", "liver")


def test_names_and_numbering_that_agree_are_taken_together(seg):
    result = read(seg([1, 5], {"liver": 5}), ids="abdomenatlas-1.0")
    assert places(result) == [AORTA, LIVER, 0]
    assert len(result.organs) == 9


def test_names_that_contradict_a_numbering_set_the_file_aside_with_both_readings(seg):
    for names in ({"liver": 1}, {"kidneys": 1}):
        with pytest.raises(
            LabelValueError, match=r"value 1 is (liver|kidney) by seg.json, and aorta by 'abdomen"
        ):
            read(seg([1], names), ids="abdomenatlas-1.0")
    with pytest.raises(LabelValueError, match=r"value 3 is liver by seg.json, and none of our organs by 'x'"):
        read(
            seg([3], {"liver": 3}), ids=LabelScheme(name="x", values={"spleen": (1,)}, others=frozenset({3}))
        )


def test_a_foreign_name_beats_a_numbering_but_not_the_description_of_a_data_set(seg):
    path = seg([1, 5], {"cancer": 5, "aorta": 1})
    result = read(path, ids="abdomenatlas-1.0")
    assert places(result) == [AORTA, 0, 0]
    assert "'cancer'" in result.notes[0]
    described = LabelScheme(name="ours", values={"aorta": (1,), "liver_tumor": (5,)})
    assert places(read(path, ids=described)) == [AORTA, organ("liver_tumor").index, 0]


def test_a_name_that_programs_give_leaves_the_numbering_as_it_is(seg):
    assert places(read(seg([1, 5], {"aorta": 1, "Label 5": 5}), ids="abdomenatlas-1.0")) == [AORTA, LIVER, 0]


def test_both_kidneys_are_split_and_not_taken_for_one(seg):
    result = read(seg([4], {"Kidneys": 4}))
    assert set(result.organs) <= {"kidney_right", "kidney_left"}
    assert OriginalLabel(path=seg([4], {"Kidneys": 4})).may_have_pairs


def test_organs_that_touch_a_region_to_be_ignored_or_may_lie_in_it_are_unknown(tmp_path):
    voxels = np.zeros(GRID.shape, dtype=np.uint8)
    voxels[1:3, 2:8, 2:8], voxels[6:8, 2:8, 2:8], voxels[8:12, 2:8, 2:8], voxels[15, 2, 2] = 1, 2, 9, 3
    write_nifti(tmp_path / "seg.nii.gz", Volume(voxels, GRID))
    table = {"background": 0, "liver": 1, "spleen": 2, "liver_tumor": 3, "aorta": 4, "ignore": 9}
    (tmp_path / "dataset.json").write_text(json.dumps({"labels": table}))
    result = read(tmp_path / "seg.nii.gz")
    assert result.organs == ("liver",)
    assert set(np.unique(result.labels)) <= {0, LIVER, SPLEEN, organ("liver_tumor").index}
    assert result.notes[-1].endswith("unknown: spleen, aorta, liver_tumor")


def test_a_changed_table_is_a_changed_label(seg):
    label = OriginalLabel(path=seg([1], {"liver": 1}))
    before = label_stamp(label), label_sha256(label)
    seg([1], {"spleen": 1})
    assert before[0] != label_stamp(label)
    assert before[1] != label_sha256(label)


def segments(path, layers, fields):
    image = sitk.GetImageFromArray(
        np.stack([layer.transpose(2, 1, 0) for layer in layers], axis=-1), isVector=True
    )
    image.SetSpacing([2.0, 2.0, 2.0])
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    for key, value in fields.items():
        image[key] = value
    sitk.WriteImage(image, str(path))
    return path


def slabs(*values):
    layer = np.zeros(GRID.shape, dtype=np.uint8)
    for place, value in enumerate(values):
        layer[2 * place + 1, 2:8, 2:8] = value
    return layer


def named(*rows):
    fields = {}
    for number, (name, value, layer) in enumerate(rows):
        fields |= {f"Segment{number}_Name": name, f"Segment{number}_LabelValue": str(value)}
        fields |= {f"Segment{number}_Layer": str(layer)}
    return fields


def test_segments_in_layers_are_read_by_their_names(tmp_path):
    rows = named(("Liver", 1, 0), ("liver tumour", 1, 1), ("Segment_7", 2, 0), ("Aorta", 3, 0))
    path = segments(tmp_path / "a.seg.nrrd", [slabs(1, 2, 0), slabs(1, 0, 0)], rows)
    result = read(path)
    assert result.organs == ("liver", "aorta", "liver_tumor"), "the header says that the aorta is absent"
    assert places(result) == [organ("liver_tumor").index, 0, 0]
    told = " ".join(result.notes)
    assert "'Segment_7'" in told
    assert "aorta: its segment 'Aorta' has no voxel" in told


def test_segments_that_contradict_a_numbering_are_refused_and_generic_ones_follow_it(tmp_path):
    path = segments(tmp_path / "a.seg.nrrd", [slabs(1, 5)], named(("liver", 1, 0), ("spleen", 5, 0)))
    with pytest.raises(LabelValueError, match=r"'liver' \(value 1\) is liver by its header, and aorta by"):
        read(path, ids="abdomenatlas-1.0")
    path = segments(tmp_path / "b.seg.nrrd", [slabs(1, 5)], named(("Segment_1", 1, 0), ("Segment_2", 5, 0)))
    assert places(read(path, ids="abdomenatlas-1.0")) == [AORTA, LIVER, 0]
    with pytest.raises(LabelValueError, match="nothing in it or beside it"):
        read(path)


def test_groups_of_mitk_are_layers_with_names(tmp_path):
    groups = [{"labels": [{"name": "Liver", "value": 3}]}, {"labels": [{"name": "Spleen", "value": 3}]}]
    fields = {"org.mitk.multilabel.segmentation.labelgroups": json.dumps(groups)}
    path = segments(tmp_path / "a.nrrd", [slabs(3, 0), slabs(0, 3)], fields)
    assert places(read(path)) == [LIVER, SPLEEN, 0]
    fields = {"org.mitk.multilabel.segmentation.labelgroups": "no list"}
    path = segments(tmp_path / "b.nrrd", [slabs(3)], fields)
    with pytest.raises(LabelValueError, match="no list of groups"):
        read(path)
