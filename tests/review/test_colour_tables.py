import re

from omentum.review.colour_tables import itk_snap_labels, slicer_colours
from omentum.volumes.labels import ORGANS

# The columns that ITK-SNAP reads: IDX -R- -G- -B- -A-- VIS MSH LABEL
SNAP_ROW = re.compile(r'\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+([01](?:\.\d+)?)\s+([01])\s+([01])\s+"([^"]*)"')


def test_itk_snap_reads_every_label_with_its_colour_and_name():
    rows = [line for line in itk_snap_labels().splitlines() if not line.startswith("#")]
    read = [SNAP_ROW.fullmatch(row).groups() for row in rows]
    assert read[0] == ("0", "0", "0", "0", "0", "0", "0", "Clear Label")
    assert [(int(row[0]), tuple(map(int, row[1:4])), row[7]) for row in read[1:]] == [
        (organ.index, organ.colour, organ.display_name) for organ in ORGANS
    ]
    assert {row[4:7] for row in read[1:]} == {("1", "1", "1")}


def test_the_itk_snap_header_is_the_one_that_programs_look_for():
    assert "# ITK-SnAP Label Description File" in itk_snap_labels().splitlines()
    assert "# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL" in itk_snap_labels().splitlines()


def test_slicer_reads_every_label_with_its_colour_and_name():
    first, second, background, *rows = slicer_colours().splitlines()
    assert first.startswith("# Color table file")
    assert second == f"# {len(rows) + 1} values"
    assert background == "0 Background 0 0 0 0"
    read = [row.split(" ") for row in rows]
    assert [(int(row[0]), row[1], tuple(map(int, row[2:5])), row[5]) for row in read] == [
        (organ.index, organ.name, organ.colour, "255") for organ in ORGANS
    ]
