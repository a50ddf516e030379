"""The demonstration runs, tells the truth in its table, and leaves other people's files alone."""

import re
from functools import partial
from pathlib import Path

import pytest

from omentum.app import demo
from omentum.phantoms.cohort import write_cohort


@pytest.mark.slow
def test_the_demonstration_ends_with_a_report(omentum, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "write_cohort", partial(write_cohort, shape=(44, 36, 28)))
    monkeypatch.setattr(demo, "N_HELD_OUT", 2)
    ran = omentum("demo", "--out", tmp_path / "demo", "--cases", 6)
    assert ran.code == 0
    place = re.search(r"the report is (\S+)", ran.out.replace("\n", " "))
    assert place
    report = Path(place.group(1)).read_text(encoding="utf-8")
    assert report.index("Round by round") < report.index("Agreement with original")
    assert "starter-r1" in ran.out
    assert len(list((tmp_path / "demo/project/releases").glob("V*"))) >= 2


def test_a_folder_that_holds_something_else_is_left_alone(omentum, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert omentum("demo", "--out", tmp_path).code == 2
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
