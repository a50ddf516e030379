import base64
import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread, imsave

from omentum.evaluate.report import MOST_COLUMNS, embedded_png, rendered, write_report
from omentum.evaluate.report_data import PreviewPicture, Tuning
from omentum.records import WHOLE_CT, ReaderAnswer, Revision, Task, TaskState

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """A page's sections, cells and pictures; fails where tags do not close."""

    def __init__(self, html):
        super().__init__()
        self.open, self.cells, self.pictures, self.sections = [], [], [], []
        self.best, self.words = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "img":
            self.pictures.append(given["src"])
        if tag == "section":
            self.sections.append(given["id"])
        if tag == "td":
            self.cells.append("")
            self.best.append("best" in given.get("class", ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)
        if "td" in self.open:
            self.cells[-1] += data.strip()

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def full(figures, report, tmp_path):
    """A report with something in every part of it."""
    imsave(tmp_path / "preview.png", np.zeros((20, 30, 3)))
    revision = Revision(
        case_id="case-9",
        organ="pancreas",
        path=Path("x"),
        sha256="0",
        round_number=2,
        reader="reader-1",
        says=ReaderAnswer.REVISED,
        minutes=None,
        added_ml=3.25,
        removed_ml=1.5,
        dice_to_base=None,
        network="network-2",
        time=datetime(2026, 11, 23, tzinfo=UTC),
    )
    task = Task(
        round_number=2, case_id="case-7", organ="spleen", rank=1, attention_ml=12.34, state=TaskState.QUEUED
    )
    return report(
        figures(1, {"liver": 0.9, "spleen": 0.82}, minutes=30.0, attention_ml=900.0),
        figures(
            2,
            {"liver": 0.94, "spleen": 0.79},
            minutes=12.0,
            attention_ml=400.0,
            n_tasks=20,
            n_revised=8,
            added_ml=3.25,
            removed_ml=1.5,
        ),
        queue=(task,),
        previews=(
            PreviewPicture(case_id="case-3", caption="pancreas, Dice 0.41", path=tmp_path / "preview.png"),
            PreviewPicture(case_id="case-4", caption="gone", path=tmp_path / "absent.png"),
        ),
        revisions=(revision,),
        tuning=Tuning(
            network="starter-r2",
            parent="starter",
            organs=("pancreas", "gall_bladder"),
            facts=(("Steps", "400"),),
            reason="pancreas better, none worse",
        ),
    )


def test_full_report_has_every_section_and_closes_every_tag(full):
    page = Page(rendered(full))
    assert page.sections == [
        "story",
        "agreement",
        "dice",
        "minutes",
        "attention",
        "queue",
        "pictures",
        "changes",
        "tuning",
    ]


def test_page_loads_nothing_from_elsewhere(full):
    html = rendered(full)
    assert "<script" not in html
    assert "<link" not in html
    assert not re.search(r"(src|url\()=?[\"']?https?:", html)
    assert all(src.startswith("data:image/png;base64,") for src in Page(html).pictures)


def test_table_shows_each_rounds_values_and_marks_the_best(full):
    page = Page(rendered(full))
    cells = dict(zip(page.cells, page.best, strict=True))
    assert cells["0.940"] is True
    assert cells["0.900"] is False
    assert cells["0.820"] is True
    assert cells["0.790"] is False


def test_cards_tell_the_change_since_the_value_was_last_known(full):
    text = Page(rendered(full)).text
    assert "+0.005 since round 1" in text
    assert "-500 mL since round 1" in text
    assert "-18 min since round 1" in text
    assert "of 20 in the queue" in text


def test_change_skips_rounds_that_were_not_evaluated(figures, report):
    page = Page(rendered(report(figures(1, {"liver": 0.5}), figures(2), figures(3, {"liver": 0.75}))))
    assert "+0.250 since round 1" in page.text


def test_a_task_about_a_whole_ct_is_in_the_queue_under_that_name(full):
    (task,) = full.queue
    assert "Whole CT" in rendered(replace(full, queue=(replace(task, organ=WHOLE_CT),)))


def test_queue_shows_the_case_and_its_volume(full):
    page = Page(rendered(full))
    assert page.cells.count("case-7") == 1
    assert page.cells.count("12.3 mL") == 1


def test_missing_pictures_are_left_out(full):
    page = Page(rendered(full))
    assert len(page.pictures) == 1
    assert "gone" not in page.text


def test_revisions_show_what_was_added_and_removed_and_a_dash_for_what_nobody_said(full):
    page = Page(rendered(full))
    start = page.cells.index("case-9")
    assert page.cells[start + 1 : start + 7] == ["Pancreas", "reader-1", "–", "3.25 mL", "1.50 mL", "–"]  # noqa: RUF001
    assert "1 mask came back in this round: 3.2 mL added, 1.5 mL removed." in page.text


def test_tuning_is_told(full):
    text = Page(rendered(full)).text
    assert "starter became starter-r2" in text
    assert "promoted pancreas better, none worse" in text
    assert "Pancreas , Gallbladder" in text or "Pancreas, Gallbladder" in text
    assert "Steps 400" in text


def test_report_of_a_first_round_with_nothing_known_says_so(figures, report):
    page = Page(rendered(report(figures(1), n_cases=1)))
    assert page.sections == ["agreement", "changes", "tuning"]
    assert "1 case, predicted by network-1" in page.text
    assert "Nothing could be compared yet" in page.text
    assert "No mask has come back" in page.text
    assert "No network was tuned" in page.text
    assert "None" not in page.text
    assert "nan" not in page.text.lower().split()


def test_single_round_shows_organs_as_bars_and_marks_none_as_best(figures, report):
    page = Page(rendered(report(figures(1, {"liver": 0.9, "gall_bladder": None}, minutes=3.0))))
    assert "Dice by organ" in page.text
    assert not any(page.best)
    assert "minutes" not in page.sections


def test_table_keeps_to_the_last_rounds_where_there_are_many(figures, report):
    page = Page(rendered(report(*(figures(number, {"liver": 0.5}) for number in range(1, 13)))))
    assert page.cells.count("0.500") == 2 * MOST_COLUMNS
    assert f"The last {MOST_COLUMNS} of 12 rounds" in page.text


def test_names_from_outside_are_escaped(figures, report):
    html = rendered(report(figures(1), project="<script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_report_is_written_as_one_file(full, tmp_path):
    path = tmp_path / "rounds" / "2" / "report.html"
    write_report(path, full)
    assert path.read_text("utf-8") == rendered(full)
    assert [entry.name for entry in path.parent.iterdir()] == ["report.html"]


def test_what_the_audit_says_stands_on_the_page_and_nothing_where_nothing_was_drawn(figures, report):
    told = Page(
        rendered(report(figures(1), audit="with 95 % confidence at most 4.9 % of the organs <still> need it"))
    )
    assert "audit" in told.sections
    assert "With 95 % confidence at most 4.9 % of the organs <still> need it." in told.words
    assert "audit" not in Page(rendered(report(figures(1)))).sections


def pixels_of(address):
    header, _, encoded = address.partition(",")
    assert header == "data:image/png;base64"
    return imread(io.BytesIO(base64.b64decode(encoded)), format="png")


@pytest.fixture
def wide(tmp_path):
    """A 90 x 200 picture in colour, its left half red."""
    pixels = np.zeros((90, 200, 3))
    pixels[:, :100, 0] = 1.0
    imsave(tmp_path / "wide.png", pixels)
    return tmp_path / "wide.png"


def test_wide_picture_is_reduced_by_a_whole_factor(wide):
    pixels = pixels_of(embedded_png(wide, most_pixels_wide=80))
    assert pixels.shape[:2] == (30, 67)
    assert (pixels[:, :33, 0] == 1.0).all()
    assert (pixels[:, 34:, 0] == 0.0).all()


def test_small_picture_is_kept_as_it_is(wide):
    assert (pixels_of(embedded_png(wide))[..., :3] == imread(wide)[..., :3]).all()


def test_grey_picture_stays_grey(tmp_path):
    imsave(tmp_path / "grey.png", np.tile(np.linspace(0, 1, 40), (20, 1)), cmap="gray")
    pixels = pixels_of(embedded_png(tmp_path / "grey.png"))
    assert np.ptp(pixels[..., :3], axis=-1).max() == 0.0
    assert pixels[..., 0].max() == 1.0


def test_missing_or_damaged_picture_is_left_out(tmp_path):
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n then nothing")
    (tmp_path / "text.png").write_text("no picture")
    assert embedded_png(tmp_path / "absent.png") is None
    assert embedded_png(tmp_path / "damaged.png") is None
    assert embedded_png(tmp_path / "text.png") is None
