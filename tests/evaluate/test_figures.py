import subprocess
import sys
from itertools import pairwise
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.evaluate.figures import (
    bars_by_round,
    dice_by_organ,
    dice_by_round,
    gain_by_organ,
    spread_apart,
)
from omentum.records.promotions import GateOutcome, OrganGain
from omentum.volumes.labels import ORGANS, organ

GAINS = [
    OrganGain(
        organ="liver", differences=(0.1, -0.02, 0.0), mean=0.027, bound=-0.01, outcome=GateOutcome.KEPT_OUT
    ),
    OrganGain(organ="spleen", differences=(0.3,), mean=0.3, bound=None, outcome=GateOutcome.UNDECIDED),
    OrganGain(organ="aorta", differences=(), mean=None, bound=None, outcome=GateOutcome.UNDECIDED),
]
DICE = {"liver": [0.9, None, 0.95], "pancreas": [0.6, 0.7, 0.75], "spleen": [None, None, None]}


def hex_colour(name):
    return "#{:02x}{:02x}{:02x}".format(*organ(name).colour)


@pytest.mark.parametrize(
    "svg",
    [
        dice_by_round([1, 2, 3], DICE),
        dice_by_round([1, 2], {row.name: [0.5, 0.6] for row in ORGANS}),
        dice_by_organ({"liver": 0.9, "spleen": None}),
        bars_by_round([1, 2, 3], [10.0, None, 3.0], "mL"),
        bars_by_round(list(range(1, 31)), [float(number) for number in range(30)], "minutes"),
        bars_by_round([1, 2], [0.0, 0.0], "minutes"),
        gain_by_organ(GAINS),
    ],
    ids=["lines", "32 lines", "bars an organ", "bars", "30 bars", "bars of nothing", "gain"],
)
def test_drawings_are_svg_that_loads_nothing_from_elsewhere(svg):
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    links = [
        value for element in root.iter() for key, value in element.attrib.items() if key.endswith("href")
    ]
    assert all(link.startswith("#") for link in links)
    assert "<script" not in svg


def test_lines_have_the_colours_of_the_label_table():
    svg = dice_by_round([1, 2, 3], DICE)
    assert hex_colour("liver") in svg
    assert hex_colour("pancreas") in svg
    assert hex_colour("spleen") not in svg


def test_organ_that_was_not_measured_has_no_bar():
    svg = dice_by_organ({"liver": 0.9, "spleen": None})
    assert hex_colour("liver") in svg
    assert hex_colour("spleen") not in svg


def test_same_numbers_give_the_same_drawing():
    assert dice_by_round([1, 2, 3], DICE) == dice_by_round([1, 2, 3], DICE)


def test_drawing_leaves_matplotlibs_settings_alone():
    before = dict(mpl.rcParams)
    bars_by_round([1, 2], [1.0, 2.0], "mL")
    assert dict(mpl.rcParams) == before


def test_drawing_needs_neither_pyplot_nor_torch():
    code = (
        "import sys; from omentum.evaluate.figures import bars_by_round; bars_by_round([1], [1.0], 'mL'); "
        "print(sorted({'matplotlib.pyplot', 'torch'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=14))
def test_spread_labels_keep_their_order_and_distance_and_stay_inside(values):
    gap = 0.07
    places = spread_apart(values, gap, low=0.0, high=1.0)
    by_value = sorted(range(len(values)), key=lambda place: values[place])
    ordered = [places[place] for place in by_value]
    assert all(after - before >= gap - 1e-9 for before, after in pairwise(ordered))
    assert ordered[0] >= -1e-9
    assert ordered[-1] <= 1.0 + 1e-9


def test_labels_that_do_not_touch_stay_where_they_are():
    assert spread_apart([0.9, 0.1, 0.5], gap=0.1, low=0.0, high=1.0) == [0.9, 0.1, 0.5]
