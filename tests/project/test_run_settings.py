"""Where the work of a project runs: `[run]` of `omentum.toml`, and the options of commands."""

import tomllib

import pytest

from omentum.errors import ConfigError
from omentum.project.project import begin_project, opened
from omentum.project.run_settings import RunSettings
from omentum.project.settings import Settings, read_settings, write_settings
from omentum.runners.in_process import InProcessRunner
from omentum.runners.processes import ProcessRunner


def test_the_run_table_is_written_with_its_explanations_and_read_again(tmp_path):
    path = tmp_path / "omentum.toml"
    settings = Settings(run=RunSettings(runner="processes", workers=3, job_minutes=10.0))
    write_settings(path, settings)
    assert read_settings(path) == settings
    text = path.read_text()
    assert tomllib.loads(text)["run"] == {
        "runner": "processes", "workers": 3, "address": "", "job_minutes": 10.0,
    }  # fmt: skip
    for field in RunSettings.model_fields.values():
        assert field.description.split()[0] in text.partition("[run]")[2]


def test_a_file_without_a_run_table_works_in_this_process(tmp_path):
    root = tmp_path / "atlas"
    begin_project(root, Settings())
    path = root / "omentum.toml"
    path.write_text(path.read_text().partition("# Where the work runs.")[0])
    with opened(root) as project:
        assert isinstance(project.runner, InProcessRunner)


def test_a_project_opens_with_the_runner_of_its_settings(tmp_path):
    root = tmp_path / "atlas"
    begin_project(root, Settings(run=RunSettings(runner="processes", workers=2)))
    with opened(root) as project:
        assert isinstance(project.runner, ProcessRunner)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"runner": "cloud"}, "one of in-process, processes, ray"),
        ({"workers": 0, "runner": "processes"}, "greater than or equal to 1"),
        ({"workers": 4}, "name the runner processes or ray"),
        ({"job_minutes": 5.0}, "in-process cannot end a case"),
        ({"job_gb": -1.0, "runner": "processes"}, "greater than 0"),
        ({"nodes": 3}, "the keys are runner, workers, address, job_minutes, job_gb"),
    ],
)
def test_what_no_run_can_use_is_refused_with_the_rule(values, said):
    with pytest.raises(ConfigError, match=said):
        RunSettings(**values)
    with pytest.raises(ConfigError, match=said):
        Settings(run=values)


def test_options_of_a_command_go_before_the_file():
    kept = RunSettings(runner="processes", workers=3, job_gb=8.0)
    assert kept.with_options(runner=None, workers=None) == kept
    assert kept.with_options(runner=None, workers=5).workers == 5
    assert kept.with_options(runner="in-process", workers=None) == RunSettings()
    assert RunSettings().with_options(runner=None, workers=4).runner == "processes"
    assert RunSettings().with_options(runner=None, workers=1).runner == "in-process"
    with pytest.raises(ConfigError, match="name the runner processes or ray"):
        RunSettings().with_options(runner="in-process", workers=4)
