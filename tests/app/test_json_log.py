"""`--log-json`: what a command does, as lines of JSON."""

import json
import logging
from datetime import datetime, timedelta

import pytest

from omentum.app.json_log import JobLog, begin_log, end_log, is_logging
from omentum.runners.job_events import JobEnd


@pytest.fixture
def log(tmp_path):
    return tmp_path / "logs" / "run.jsonl"


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_command_takes_it_and_says_when_it_began_and_ended(omentum, log):
    assert omentum("models", "list", "--log-json", log).code == 0
    began, ended = lines(log)
    assert began["message"] == "command began"
    assert began["command"] == ["omentum", "models", "list", "--log-json", str(log)]
    assert (ended["message"], ended["exit_code"]) == ("command ended", 0)
    assert datetime.fromisoformat(ended["time"]).utcoffset() == timedelta(0)
    assert not is_logging()


def test_the_environment_can_name_the_file_and_lines_are_added(omentum, log, tmp_path, monkeypatch):
    monkeypatch.setenv("OMENTUM_LOG_JSON", str(log))
    omentum("models", "list")
    ran = omentum("-C", tmp_path, "status")
    refused = lines(log)[-1]
    assert ran.code == refused["exit_code"] == 2
    assert ran.err == f"omentum: {refused['message']}\n"
    assert refused["level"] == "ERROR"
    assert len(lines(log)) == 4


def test_a_file_that_cannot_be_written_is_refused_in_a_line(omentum, tmp_path):
    ran = omentum("models", "list", "--log-json", tmp_path)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert str(tmp_path) in ran.err


def test_a_job_is_logged_with_its_stage_case_and_seconds_and_a_warning_is_still_printed(log, capsys):
    begin_log(log)
    JobLog().run_began("predict", 2)
    JobLog().job_began("predict", "a")
    JobLog().job_ended(JobEnd(step="predict", key="a", outcome="done", seconds=2.5, peak_bytes=10))
    JobLog().job_ended(JobEnd(step="predict", key="b", outcome="failed", reason="no CT"))
    logging.getLogger("library").warning("old header")
    end_log(0)
    _, run, began, done, failed, warned, _ = lines(log)
    assert (run["message"], run["stage"], run["case"]) == ("2 items", "predict", None)
    assert (began["message"], began["stage"], began["case"]) == ("began", "predict", "a")
    assert (done["message"], done["seconds"], done["peak_bytes"]) == ("done", 2.5, 10)
    assert (failed["level"], failed["message"], failed["case"]) == ("WARNING", "no CT", "b")
    assert (warned["logger"], warned["stage"], warned["case"], warned["seconds"]) == ("library",) + (
        None,
    ) * 3
    assert len({one["worker"] for one in (began, done, failed, warned)}) == 1


def test_passwords_of_databases_are_not_logged(omentum, log):
    omentum("-C", "postgresql://ann:secret@db/atlas", "status", "--log-json", log)
    assert "postgresql://ann:***@db/atlas" in lines(log)[0]["command"]
