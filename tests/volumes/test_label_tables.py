import pytest

from omentum.review.colour_tables import itk_snap_labels, slicer_colours
from omentum.volumes.label_tables import bids_rows, colour_rows, json_rows, snap_rows, xml_rows
from omentum.volumes.labels import ORGANS


def test_tables_that_we_write_are_read():
    assert snap_rows(itk_snap_labels()) == [
        (0, "Clear Label"),
        *((row.index, row.display_name) for row in ORGANS),
    ]
    assert colour_rows(slicer_colours()) == [(0, "Background"), *((row.index, row.name) for row in ORGANS)]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (colour_rows, '# FreeSurfer\r\n6  "my liver"  1 2 3 0\r\n\r\n'),
        (bids_rows, "name\tindex\tcolor\nmy liver\t6\t#fff\n"),
        (json_rows, '{"labels": {"my liver": 6}}'),
        (json_rows, '{"labels": {"my liver": [6]}}'),
        (json_rows, '{"6": {"name": "my liver", "color": [1, 2, 3]}}'),
        (json_rows, '{"labels": [{"label": "my liver", "value": 6}]}'),
        (json_rows, '{"segments": [{"labelID": 6, "SegmentLabel": "my liver"}]}'),
        (
            xml_rows,
            '<?xml version="1.0" encoding="UTF-8"?><CaretExtension><VolumeInformation Index="0"><LabelTable>'
            '<Label Key="6" Red="1" Green="0" Blue="0" Alpha="1"><![CDATA[my liver]]></Label>'
            "</LabelTable></VolumeInformation></CaretExtension>\0\0",
        ),
    ],
)
def test_tables_of_other_programs_are_read(read, text):
    assert read(text) == [(6, "my liver")]


@pytest.mark.parametrize("read", [snap_rows, colour_rows, bids_rows, json_rows, xml_rows])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b c",
        "index\tname\nsix\tliver\n",
        '{"Modality": "CT", "Rows": 512}',
        '{"liver": true}',
        "[1]",
        "6 liver 1 2 3 255\nand more",
        "<Label Key='six'>liver</Label>",
        "<a><Label Key='6'>",
        '{"sets": [[1]]}',
    ],
)
def test_what_is_no_table_says_nothing(read, text):
    assert read(text) is None
