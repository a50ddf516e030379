"""Commands start at once: each loads what it needs and no more."""

import json
import subprocess
import sys

import pytest

from omentum.app.cli import COMMANDS

_LIGHT = {
    "omentum", "omentum.app", "omentum.app.cli", "omentum.app.common_options", "omentum.app.console",
    "omentum.app.lazy", "omentum.app.termination", "omentum.errors", "omentum.errors.base",
    "omentum.errors.images", "omentum.errors.projects", "omentum.errors.reviews", "omentum.errors.runs",
}  # fmt: skip
_LIGHT_PACKAGES = {
    "annotated_doc", "annotated_types", "markdown_it", "mdurl", "omentum", "pydantic", "pydantic_core",
    "pygments", "rich", "shellingham", "typer", "typing_extensions", "typing_inspection",
}  # fmt: skip
"""Typer and what it loads itself."""
_DATABASE_PACKAGES = {
    "alembic", "cython_runtime", "edt", "greenlet", "mako", "markupsafe", "numpy", "platformdirs",
    "sqlalchemy", "tomlkit",
}  # fmt: skip
_PROGRAM = """
import json, sys
before = set(sys.modules)
from omentum.app.cli import main
try:
    main()
except SystemExit:
    pass
print(json.dumps(sorted(set(sys.modules) - before)), file=sys.stderr)
"""


def loaded_by(*arguments):
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    assert ran.stdout
    return set(json.loads(ran.stderr.splitlines()[-1]))


def ours(modules):
    return {name for name in modules if name.partition(".")[0] == "omentum"}


def packages(modules):
    """Name the packages of others that were loaded; Python's own are left out."""
    found = {name.partition(".")[0] for name in modules}
    return {name for name in found if not name.startswith("_") and name not in sys.stdlib_module_names}


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_the_version_and_the_list_of_commands_load_no_command(option):
    modules = loaded_by(option)
    assert ours(modules) == _LIGHT
    assert packages(modules) <= _LIGHT_PACKAGES


@pytest.mark.parametrize("command", [["predict"], ["tune"], ["review", "list"]], ids=" ".join)
def test_help_on_a_command_loads_its_module_alone(command):
    modules = loaded_by(*command, "--help")
    assert all(name.startswith(("omentum.app", "omentum.choices")) for name in ours(modules) - _LIGHT)
    assert packages(modules) <= _LIGHT_PACKAGES


def test_a_new_project_and_its_status_load_a_database_and_no_volume_reader_and_no_network(
    tmp_path, tiny_weights, home
):
    folder = tmp_path / "atlas"
    allowed = _DATABASE_PACKAGES | _LIGHT_PACKAGES
    for words in (["init", folder, "--network", "tiny"], ["-C", folder, "status"]):
        modules = loaded_by(*words)
        assert packages(modules) <= allowed
        rooms = {name.split(".")[1] for name in ours(modules) if "." in name}
        assert not rooms & {"predict", "tune", "phantoms", "exchange", "abdomenatlas", "assemble"}


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_the_line_in_the_list_of_commands_is_the_first_sentence_of_the_command(entry):
    own = " ".join((entry.load().help or "").split())
    assert own.startswith(entry.summary)
