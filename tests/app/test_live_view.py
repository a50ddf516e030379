"""How far a command is: lines in a log, bars with what is at work on a terminal."""

import re

import pytest

from omentum.app.live_view import LiveView
from omentum.app.pace import duration
from omentum.app.step_state import StepState
from omentum.runners.in_process import InProcessRunner
from omentum.runners.job_events import JobEnd
from omentum.runners.memory_ledger import MemoryLedger


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(clock):
    return StepState(clock)


def work(state, clock, keys, seconds, outcome="done", n_total=10):
    for key in keys:
        state.begin(key)
        clock.now += seconds
        state.end(JobEnd(step="predict", key=key, outcome=outcome, reason="no CT"))
        state.advance(state.n_ended + 1, n_total)


def test_the_pace_follows_a_change_and_says_how_long_the_rest_takes(state, clock):
    work(state, clock, "ab", 60)
    assert state.pace_in_words() == "60.0/h, 8 min 0 s left"
    work(state, clock, [str(n) for n in range(40)], 30, n_total=142)
    assert state.pace_in_words() == "120/h, 50 min 0 s left"


def test_what_was_done_before_does_not_count_in_the_pace(state, clock):
    for n, key in enumerate("abcde", start=1):
        state.end(JobEnd(step="predict", key=key, outcome="skipped"))
        state.advance(n, 10)
    assert state.pace_in_words() == ""
    work(state, clock, "fg", 60)
    assert state.pace_in_words() == "60.0/h, 3 min 0 s left"


def test_a_step_without_items_has_only_the_time_that_is_left(state, clock):
    for n in range(1, 4):
        state.advance(n, 9)
        clock.now += 2
    assert state.pace_in_words() == "12 s left"


def test_what_is_at_work_is_named_with_its_time_and_what_waits(state, clock):
    state.advance(0, 9)
    for key in "abcdef":
        state.begin(key)
        clock.now += 1
    assert state.at_work_in_words() == "at work: a (6 s), b (5 s), c (4 s), d (3 s), 2 more; 3 wait"


def test_the_last_five_failures_are_named_with_reasons(state, clock):
    work(state, clock, "abcdefg", 1, outcome="failed")
    assert state.failures_in_words()[0] == "7 failed, the last:"
    assert [line.split(":")[0].strip() for line in state.failures_in_words()[1:]] == list("cdefg")


@pytest.mark.parametrize(("seconds", "words"), [(0.4, "0 s"), (59.7, "1 min 0 s"), (7199, "1 h 59 min")])
def test_a_duration_has_two_units_at_most(seconds, words):
    assert duration(seconds) == words


def fail_b(key):
    if key == "b7":
        raise OSError("its disk is gone")


def test_a_log_of_a_long_step_has_a_line_for_each_tenth_with_pace_and_failures(capsys):
    with LiveView(is_terminal=False) as shown:
        keys = [f"b{n}" for n in range(200)]
        InProcessRunner().run(keys, fail_b, key=str, ledger=MemoryLedger(), step="predict", progress=shown)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [f"predict: {n} of 200" for n in range(20, 201, 20)]
    assert all(re.search(r"\d/h", line) and line.endswith("1 failed") for line in lines)


def test_a_log_of_a_short_step_has_a_line_a_minute(capsys, clock):
    with LiveView(is_terminal=False, now=clock) as shown:
        for n in range(1, 7):
            clock.now += 25
            shown("predict", n, 9, f"case {n}")
    said = capsys.readouterr().err.splitlines()
    assert [line.split(", ")[:2] for line in said] == [
        ["predict: 3 of 9", "case 3"],
        ["predict: 6 of 9", "case 6"],
    ]


def test_a_run_has_its_bar_before_the_first_item_is_done(capsys):
    with LiveView(is_terminal=True) as shown:
        shown.run_began("predict", 7)
        shown.job_began("predict", "a")
        assert shown.lines() == ["at work: a (0 s); 6 wait"]
    assert "0/7" in capsys.readouterr().err


def test_names_with_brackets_are_shown_as_they_are(capsys, clock):
    with LiveView(is_terminal=True, now=clock) as shown:
        shown("predict", 0, 3, "")
        shown.job_began("predict", "b [red]")
        assert shown.lines() == ["at work: b [red] (0 s); 2 wait"]
        shown.job_ended(JobEnd(step="predict", key="b [red]", outcome="failed", reason="no CT"))
        shown("predict", 1, 3, "b [red] failed")
        assert shown.lines() == ["1 failed, the last:", "  b [red]: no CT"]
    assert "1/3" in capsys.readouterr().err
