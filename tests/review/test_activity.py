"""Minutes at work are measured by when a page's signs arrive, and kept with what is handed in."""

from datetime import UTC, datetime, timedelta

import pytest

from omentum.errors import ReviewError
from omentum.review.activity import measured_minutes, note_activity
from omentum.review.claims import claim
from omentum.review.folder_import import import_round
from omentum.review.hand_in import HandIn, accept, hand_in
from omentum.store.database import Database


@pytest.fixture
def project(queued):
    return queued.workspace


@pytest.fixture
def task(project):
    (claimed,) = claim(project, "anna", 1)
    return claimed


@pytest.fixture
def works(project, monkeypatch):
    """Function: let a reader work on a task for so many seconds, ending now, with a sign every 10 s."""

    def work(task, seconds, reader="anna"):
        end = datetime.now(UTC)
        for before in range(seconds, -1, -10):
            moment = end - timedelta(seconds=before)
            monkeypatch.setattr(Database, "now", lambda *_, moment=moment: moment)
            note_activity(project, task.number, reader, {"brush": 1})
        monkeypatch.undo()

    return work


def handed_in(project, task, mask, **fields):
    one = HandIn(
        case_id=task.case_id,
        organ=task.organ,
        mask=mask,
        task_number=task.number,
        **{"reader": "anna", **fields},
    )
    return hand_in(project, [one])[0].revision


def test_what_is_handed_in_has_the_minutes_that_were_measured(project, task, works, drawn):
    works(task, 90)
    works(task, 600, reader="ben")
    assert handed_in(project, task, drawn).minutes == pytest.approx(1.5)


def test_accepting_has_them_too(project, task, works):
    works(task, 30)
    assert accept(project, task.number, "anna").revision.minutes == pytest.approx(0.5)


def test_a_second_hand_in_has_only_the_time_since_the_first(project, task, works, drawn, liver):
    works(task, 120)
    first = handed_in(project, task, drawn)
    assert measured_minutes(project, task.number, "anna", until=datetime.now(UTC)) is None
    second = handed_in(project, task, liver)
    assert (first.minutes, second.minutes) == (pytest.approx(2.0), None)


def test_a_reader_s_own_statement_stays(project, task, works, drawn):
    works(task, 120)
    assert handed_in(project, task, drawn, minutes=7.0).minutes == 7.0


def test_an_imported_folder_keeps_the_minutes_that_it_states(queued, exported, works, drawn):
    project = queued.workspace
    (task, *_) = project.store.tasks.of_round(1)
    works(task, 120)
    queued.revise(exported, "a", "liver", drawn)
    import_round(project, exported, reader="anna", minutes=25.0)
    assert [one.minutes for one in project.store.revisions.of_task(task.number)] == [25.0]


def test_without_a_sign_of_work_the_minutes_are_unknown(project, task, drawn):
    assert handed_in(project, task, drawn).minutes is None


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ({"Brush": 1}, "the tool 'Brush' were sent; a tool's name has small letters"),
        ({"": 1}, "the tool '' were sent"),
        ({"brush": -1}, "-1 actions of the tool 'brush' were sent; send the number since the last sign"),
        ({"brush": 10_001}, "from 0 to 10000"),
        ({f"tool-{number}": 1 for number in range(51)}, "of 51 tools were sent; send at most 50"),
    ],
)
def test_actions_that_no_page_counts_are_refused(project, task, actions, said):
    with pytest.raises(ReviewError, match=said):
        note_activity(project, task.number, "anna", actions)


def test_activity_on_a_task_that_is_not_there_is_refused(project):
    with pytest.raises(ReviewError, match="there is no task 99"):
        note_activity(project, 99, "anna")
