"""The demonstration runs, tells the truth in its table, and leaves other people's files alone."""

import json
import re
from functools import partial
from pathlib import Path

import pytest

from omentum import loop
from omentum.app import demo
from omentum.networks.catalogue import default_networks
from omentum.phantoms.cohort import write_cohort
from omentum.tune.config import ContinualConfig


@pytest.mark.slow
def test_the_demonstration_ends_with_a_report(omentum, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "write_cohort", partial(write_cohort, shape=(44, 36, 28)))
    monkeypatch.setattr(loop, "ContinualConfig", partial(ContinualConfig, steps=20))
    ran = omentum("demo", "--out", tmp_path / "demo", "--cases", 4)
    assert ran.code == 0
    place = re.search(r"the report is (\S+)", ran.out.replace("\n", " "))
    assert place
    assert Path(place.group(1)).stat().st_size > 10_000
    assert [name for name in ("starter", "starter-r1", "starter-r2") if name in ran.out] == [
        "starter", "starter-r1", "starter-r2",
    ]  # fmt: skip
    assert len(list((tmp_path / "demo/project/releases").glob("V*"))) == 2
    _, *second_opinion = default_networks()
    for spots in (tmp_path / "demo/project/cases").glob("*/attention/hot_spots.json"):
        assert list(json.loads(spots.read_text())["networks"]) == ["starter-r2", *second_opinion]


def test_a_folder_that_holds_something_else_is_left_alone(omentum, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert omentum("demo", "--out", tmp_path).code == 2
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
