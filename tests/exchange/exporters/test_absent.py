import json
import tarfile
from dataclasses import replace

import pytest

from omentum.exchange.batch import add_found
from omentum.exchange.exporters.export import EXPORTERS, export_release
from omentum.exchange.exporters.exporter import Export
from omentum.exchange.importers.find_sources import find_sources
from omentum.measures.hounsfield import HuProblem
from omentum.runners.in_process import InProcessRunner

PRESENT, ABSENT, UNKNOWN = ("kidney_right", "kidney_left", "liver"), ("spleen",), ("pancreas",)
"""Liver and right kidney overlap."""
ASKED = (*PRESENT, *ABSENT, *UNKNOWN)


@pytest.fixture
def exported(tmp_path, released):
    """Function: a layout to the folder with two cases in it; in the second nothing is present."""

    def call(layout):
        first, second = released(case_id="c1"), released(case_id="c2")
        nothing = [mask for mask in second.masks if mask.organ in ABSENT]
        cases = [first, replace(second, masks=tuple(nothing))]
        asked = Export(version="V1", out=tmp_path / layout, organs=ASKED)
        assert export_release(cases, layout, asked, InProcessRunner()).failed == ()
        return tmp_path / layout

    return call


@pytest.mark.parametrize("layout", ["dicom-seg", "rtstruct", "stl", "masks-only"])
def test_every_layout_lists_what_is_present_absent_and_unknown(exported, layout):
    said = json.loads((exported(layout) / "organs.json").read_text())
    assert set(said["c1"]["present"]) == set(PRESENT)
    assert (said["c1"]["absent"], said["c1"]["unknown"]) == (list(ABSENT), list(UNKNOWN))
    assert (said["c2"]["present"], said["c2"]["absent"]) == ([], list(ABSENT))
    assert set(said["c2"]["unknown"]) == {*PRESENT, *UNKNOWN}


def test_layouts_that_cannot_say_unknown_leave_such_cases_out():
    cannot = {name for name, exporter in EXPORTERS.items() if exporter.needs_all}
    assert cannot == {"nnunet", "monai", "abdomenatlas-1.0", "abdomenatlas-1.1"}


def test_an_archive_of_masks_has_the_list_inside(exported):
    out = exported("masks-only")
    with tarfile.open(out / "masks.tar") as archive:
        inside = archive.extractfile("organs.json").read()
    assert json.loads(inside) == json.loads((out / "organs.json").read_text())


@pytest.mark.parametrize("layout", ["dicom-seg", "rtstruct"])
def test_what_is_absent_and_what_is_unknown_come_back_as_such(exported, atlas, monkeypatch, layout):
    monkeypatch.setattr("omentum.exchange.add.as_hounsfield", _accepted)
    out = exported(layout)
    batch = add_found(atlas.workspace, find_sources([out]))
    assert batch.failed == ()
    back = {case.case_id: set(case.original_organs) for case in atlas.workspace.store.cases.all()}
    labels = {one.case_id: one for one in atlas.workspace.store.labels.current().values()}
    said = json.loads((out / "organs.json").read_text())
    for case_id, known in back.items():
        assert known == {*said[case_id]["present"], *said[case_id]["absent"]}
        assert any(note.startswith("spleen: the file") for note in labels[case_id].notes)
    assert set(back) == set(said)


@pytest.mark.parametrize("layout", ["nnunet", "monai"])
def test_what_is_absent_comes_back_from_label_maps(tmp_path, released, atlas, monkeypatch, layout):
    monkeypatch.setattr("omentum.exchange.add.as_hounsfield", _accepted)
    asked = Export(version="V1", out=tmp_path / layout, organs=(*PRESENT, *ABSENT))
    assert export_release([released()], layout, asked, InProcessRunner()).failed == ()
    add_found(atlas.workspace, find_sources([tmp_path / layout]))
    (case,) = atlas.workspace.store.cases.all()
    assert set(case.original_organs) == {*PRESENT, *ABSENT}


def _accepted(path, ct, **_):
    """Take noise for a CT."""
    no_problem: HuProblem | None = None
    return ct, no_problem
