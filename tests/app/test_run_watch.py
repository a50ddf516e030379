"""What watches a command besides its view: the report of a run, and metrics for Prometheus."""

import json
import re
import urllib.request
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from pydantic import TypeAdapter

from omentum.app.console import bars
from omentum.app.metrics import JobMetrics
from omentum.app.run_record import RunReport
from omentum.app.run_watch import watching_run
from omentum.app.termination import HungUp, Terminated
from omentum.errors import ConfigError
from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryLedger

DOCS = Path(__file__).resolve().parents[2] / "docs"


def work(key):
    if key.startswith("bad"):
        raise OSError(f"{key} cannot be read")
    return len(key)


def run(keys, step="predict"):
    with bars() as progress:
        return InProcessRunner().run(keys, work, key=str, ledger=MemoryLedger(), step=step, progress=progress)


@pytest.fixture
def report(tmp_path):
    return tmp_path / "run.json"


def read(path):
    """Read a report; it must have every key of the schema, no other, and values of its types."""
    adapter = TypeAdapter(RunReport)
    found = adapter.validate_json(path.read_text())
    assert json.loads(path.read_text()) == json.loads(adapter.dump_json(found))
    return found


def test_a_report_has_each_case_with_time_memory_and_outcome(report):
    with watching_run(report=report):
        run(["a", "bb", "bad"])
    found = read(report)
    assert [(one.step, one.case, one.outcome) for one in found.cases] == [
        ("predict", "a", "done"),
        ("predict", "bb", "done"),
        ("predict", "bad", "failed"),
    ]
    assert found.cases[2].reason == "OSError: bad cannot be read"
    assert all(one.seconds is not None and one.peak_bytes for one in found.cases[:2])
    assert (found.totals.done, found.totals.skipped, found.totals.failed) == (2, 0, 1)
    assert found.totals.peak_bytes == max(one.peak_bytes for one in found.cases[:2])
    assert found.exit_code == 0
    assert found.machine.n_processors >= 1
    assert set(found.software) >= {"omentum", "torch", "python"}


def run_and_raise(report, error):
    with watching_run(report=report):
        run(["a"])
        raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x", 1, "no"), 2),
        (KeyboardInterrupt(), 130),
        (Terminated(), 143),
        (HungUp(), 129),
        (ValueError("a mistake"), 1),
    ],
)
def test_a_report_is_written_however_the_command_ends(report, error, code):
    with pytest.raises(type(error)):
        run_and_raise(report, error)
    found = read(report)
    assert (found.exit_code, len(found.cases)) == (code, 1)
    assert found.error


def test_nothing_watches_the_next_command(report):
    with watching_run(report=report):
        run(["a"])
    before = report.read_text()
    run(["b"])
    assert report.read_text() == before


def keys_of(record, prefix=""):
    for one in fields(record):
        yield prefix + one.name
        hint = get_type_hints(record)[one.name]
        for inner in (hint, *get_args(hint)):
            if is_dataclass(inner):
                yield from keys_of(inner, f"{one.name}.")


def test_the_document_explains_every_key_of_the_report_and_no_other():
    text = (DOCS / "run-report.md").read_text()
    explained = re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)
    assert explained == list(keys_of(RunReport))


def scraped(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def value(text, name):
    return float(re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)[1])


def test_metrics_count_jobs_by_stage_and_state_and_name_no_case():
    metrics = JobMetrics(port=0)
    try:
        jobs = ["patient_miller", "bad_miller", "patient_smith"]
        InProcessRunner().run(
            jobs, work, key=str, ledger=MemoryLedger(), step="predict starter", progress=metrics
        )
        metrics.run_began("predict starter", 9)
        metrics.job_began("predict starter", "patient_jones")
        metrics("predict starter", 3, 9)
        text = scraped(metrics.port)
    finally:
        metrics.close()
    assert value(text, 'omentum_jobs_total{stage="predict",state="done"}') == 2
    assert value(text, 'omentum_jobs_total{stage="predict",state="failed"}') == 1
    assert value(text, 'omentum_job_seconds_count{stage="predict"}') == 2
    assert value(text, 'omentum_jobs_in_work{stage="predict"}') == 1
    assert value(text, 'omentum_jobs_waiting{stage="predict"}') == 5
    assert value(text, 'omentum_job_peak_bytes{stage="predict"}') > 0
    assert "process_resident_memory_bytes" in text
    assert not re.search("miller|smith|jones|starter", text)


def test_metrics_are_served_to_this_machine_alone():
    metrics = JobMetrics(port=0)
    try:
        assert metrics.address == "127.0.0.1"
    finally:
        metrics.close()


def test_a_port_that_is_taken_is_refused_in_a_sentence():
    metrics = JobMetrics(port=0)
    try:
        with pytest.raises(ConfigError, match=f"--metrics.*{metrics.port}.*name a free port"):
            JobMetrics(port=metrics.port)
    finally:
        metrics.close()


def test_a_file_has_the_last_figures_when_the_command_has_ended(tmp_path):
    file = tmp_path / "collector" / "omentum.prom"
    with watching_run(metrics_file=file):
        run(["a", "b"], step="score")
    assert value(file.read_text(), 'omentum_jobs_total{stage="score",state="done"}') == 2
    assert [path.name for path in file.parent.iterdir()] == ["omentum.prom"]


@pytest.fixture
def project(omentum, home_of_two, cohort, tmp_path):
    """A project of a case that nothing has predicted."""
    folder = tmp_path / "atlas"
    omentum("init", folder, "--network", "tiny", "--organs", "liver,spleen")
    omentum("-C", folder, "add", cohort / "phantom_0000")
    return folder


def test_the_reports_of_a_round_name_cases_settings_networks_and_what_was_made(omentum, project, tmp_path):
    def reported(*command):
        path = tmp_path / f"{command[0]}.json"
        assert omentum("-C", project, *command, "--report", path).code == 0
        return read(path)

    predicted, scored = reported("predict"), reported("score")
    assembled = reported("assemble", "--version", "V1")
    exported = reported("export", "V1", "--layout", "masks-only", "-o", tmp_path / "out")
    for one in (predicted, scored, assembled, exported):
        assert [case.case for case in one.cases] == ["phantom_0000"]
        assert (one.totals.done, one.exit_code, one.error) == (1, 0, None)
        assert one.settings["organs"] == ["spleen", "liver"]
        ((name, sha256),) = [(used.name, used.weights_sha256) for used in one.networks]
        assert (name, len(sha256)) == ("tiny", 64)
    assert predicted.command[1:4] == ("-C", str(project), "predict")
    assert [case.step.split()[0] for case in (predicted.cases[0], scored.cases[0])] == ["predict", "score"]
    assert assembled.results["release"] == "V1"


def test_a_report_without_a_project_names_what_could_not_be_read(
    omentum, home_of_two, cohort, report, tmp_path
):
    (tmp_path / "bad.nii.gz").write_bytes(b"no CT")
    cts = [cohort / "phantom_0000" / "ct.nii.gz", tmp_path / "bad.nii.gz"]
    ran = omentum(
        "predict", *cts, "-o", tmp_path / "out", "--network", "tiny", "--organs", "liver", "--json",
        "--report", report, "--log-json", tmp_path / "log.jsonl",
    )  # fmt: skip
    assert ran.code == 1
    found, told = read(report), json.loads(ran.out)
    assert found.exit_code == 1
    assert {one.case: one.outcome for one in found.cases} == {"phantom_0000": "done", "bad": "failed"}
    assert [one.name for one in found.networks] == ["tiny"]
    assert found.settings["organs"] == ["liver"]
    assert told["failed_by_reason"][0]["cases"] == ["bad"]
    assert told["again"].startswith("omentum predict")
    logged = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert {one["case"] for one in logged if one["message"] == "done"} == {"phantom_0000"}
    assert [one["case"] for one in logged if one["level"] == "WARNING"] == ["bad"]
