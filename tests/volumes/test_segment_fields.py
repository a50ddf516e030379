from pathlib import Path

import pytest

from omentum.errors import LabelValueError
from omentum.volumes.segment_fields import Segment, has_segments, segments_in

FILE = Path("revision.seg.nrrd")


def test_a_header_names_segments_only_by_their_own_fields():
    assert has_segments({"Segment0_Name": "liver"})
    assert not has_segments(
        {"NRRD_space": "left-posterior-superior", "Segmentation_MasterRepresentation": "x"}
    )


def test_segments_come_by_their_numbers_and_a_blank_name_gives_way_to_the_id():
    fields = {"Segment10_Name": "spleen", "Segment10_Layer": "1", "Segment10_LabelValue": " 3 "}
    fields |= {
        "Segment2_Name": " ",
        "Segment2_ID": "Segment_3",
        "Segment2_Layer": "0",
        "Segment2_LabelValue": "1",
    }
    assert segments_in(FILE, fields, n_layers=2) == [
        Segment(name="Segment_3", layer=0, value=1),
        Segment(name="spleen", layer=1, value=3),
    ]


def test_a_segment_without_a_layer_is_a_layer_of_its_own_if_there_are_several():
    fields = {"Segment0_Name": "liver", "Segment1_Name": "spleen"}
    assert [one.layer for one in segments_in(FILE, fields, n_layers=2)] == [0, 1]
    with pytest.raises(
        LabelValueError, match="'liver' has no value of its own in layer 0, which others share"
    ):
        segments_in(FILE, fields, n_layers=1)


@pytest.mark.parametrize(
    ("field", "text"),
    [("Layer", "2"), ("Layer", "-1"), ("LabelValue", "0"), ("LabelValue", "256"), ("LabelValue", "one")],
)
def test_a_layer_or_value_out_of_range_is_refused_with_what_the_header_says(field, text):
    with pytest.raises(
        LabelValueError, match=rf"^revision.seg.nrrd: its Segment0_{field} is '{text}'.*; save"
    ):
        segments_in(FILE, {"Segment0_Name": "liver", f"Segment0_{field}": text}, n_layers=2)


def test_two_segments_of_one_value_in_one_layer_are_refused():
    fields = {
        f"Segment{number}_{key}": value
        for number in (0, 1)
        for key, value in (("Layer", "0"), ("LabelValue", "1"))
    }
    with pytest.raises(LabelValueError, match="has the value 1 in layer 0, which others share"):
        segments_in(FILE, fields, n_layers=1)


@pytest.mark.parametrize(("name", "kind", "side", "read"), [
    ("Segment_1", "SCT^10200004^Liver", "^^", "Liver"),
    ("Segment_1", "SCT^64033007^Kidney", "SCT^7771000^Left", "Left Kidney"),
    ("Segment_1", "SCT^85756007^Tissue", "^^", "Segment_1"),
    ("spleen", "SCT^85756007^Tissue", "^^", "spleen"),
])  # fmt: skip
def test_the_term_of_slicer_names_a_segment_that_a_program_named(name, kind, side, read):
    entry = f"Segmentation category and type~SCT^123037004^Anatomical Structure~{kind}~{side}~codes~^^~^^"
    fields = {"Segment0_Name": name, "Segment0_LabelValue": "1", "Segment0_Layer": "0"}
    fields["Segment0_Tags"] = f"Segmentation.Status:completed|TerminologyEntry:{entry}|"
    expected = Segment(name=read, layer=0, value=1, is_completed=True)
    assert segments_in(FILE, fields, n_layers=1) == [expected]
