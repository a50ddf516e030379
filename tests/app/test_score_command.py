import json

import pytest

from omentum.app.options import minutes_named
from omentum.app.say_queue import say_queue
from omentum.errors import ConfigError
from omentum.records import Task

MADE = {"strategy": "expected-error", "budget_minutes": 60.0, "totals": {}}


@pytest.fixture
def tasks():
    task = Task(
        round_number=2,
        case_id="case_0007",
        organ="kidney_left",
        rank=1,
        attention_ml=9.0,
        minutes=4.6,
        error_ml=12.0,
        n_spots=2,
        reason="kidney_left: on the right side",
    )
    blind = Task(round_number=2, case_id="case_0008", organ="liver", rank=2, attention_ml=1.0)
    return [task, blind]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("20h", 1200), ("90min", 90), ("45m", 45), ("1.5h", 90), ("60", 60), (" 2 H ", 120), (".5h", 30)],
)
def test_a_budget_is_hours_or_minutes(text, minutes):
    assert minutes_named("--budget", text) == minutes


@pytest.mark.parametrize("text", ["", "0", "-3h", "2 days", "h", "nan", "1e3", "1h30", "9" * 400])
def test_a_budget_that_is_no_time_is_refused_in_a_sentence(text):
    with pytest.raises(ConfigError, match=r"^--budget is .*, but it must be a time above 0"):
        minutes_named("--budget", text)


def test_the_queue_says_what_it_takes_and_why(tasks, capsys):
    say_queue(2, MADE, tasks, top=20)
    out = capsys.readouterr().out
    assert "round 2, expected-error: 2 of 2 tasks" in out
    row = next(line for line in out.splitlines() if "case_0007" in line)
    assert [word in row for word in ("12.000", "4.600", "kidney_left: on the right side")] == [True] * 3
    assert "2 tasks in 2 cases: about 5 of 60 minutes, 12.0 mL of error expected to go" in out


def test_what_the_budget_does_not_pay_for_is_told_to_people_and_programs(tasks, capsys):
    made = {**MADE, "left_out": {"tasks": 12, "minutes": 340.2}}
    say_queue(2, made, tasks, top=20)
    told = "12 tasks of about 340 min do not fit the budget of 60 min; give more with"
    assert told in capsys.readouterr().out
    say_queue(2, made, tasks, top=None)
    assert json.loads(capsys.readouterr().out)["left_out"] == {"tasks": 12, "minutes": 340.2}


def test_json_has_the_same_with_the_sums(tasks, capsys):
    say_queue(2, MADE, tasks, top=None)
    said = json.loads(capsys.readouterr().out)
    assert said["totals"] == {"tasks": 2, "cases": 2, "minutes": 4.6, "error_ml": 12.0}
    assert said["tasks"][0] == {
        "rank": 1,
        "case": "case_0007",
        "organ": "kidney_left",
        "attention (mL)": 9.0,
        "error (mL)": 12.0,
        "spots": 2,
        "minutes": 4.6,
        "state": "queued",
        "why": "kidney_left: on the right side",
    }
    assert said["tasks"][1]["minutes"] is None


def test_a_queue_of_unknown_length_says_so(tasks, capsys):
    say_queue(2, {**MADE, "strategy": "published", "budget_minutes": None}, tasks[1:], top=20)
    assert "1 tasks in 1 cases; how long they take is not known" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "why"), [(("--budget", "soon"), "--budget is 'soon'"), (("--strategy", "best"), "'best'")]
)
def test_what_no_queue_can_be_made_by_is_refused(omentum, home, tmp_path, option, why):
    assert omentum("init", tmp_path / "atlas", "--network", "tiny").code == 0
    ran = omentum("-C", tmp_path / "atlas", "score", *option)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert why in ran.err
