"""What is a convention is a test too, or it rots."""

import ast
import re
import shlex
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_what_a_module_offers_is_listed_in_order_and_is_there():
    wrong = []
    for path in SOURCES:
        tree = _tree(path)
        lists = [
            node.value for node in tree.body if isinstance(node, ast.Assign) and _assigns(node, "__all__")
        ]
        for offered in map(ast.literal_eval, lists):
            in_order = sorted(offered, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
            if offered != in_order or not set(offered) <= _defined(tree):
                wrong.append(_name(path))
    assert not wrong


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def test_no_file_outgrows_300_lines():
    assert not [_name(path) for path in SOURCES if len(path.read_text().splitlines()) > 300]


def test_a_module_says_what_it_is_for():
    assert not [_name(path) for path in SOURCES if not ast.get_docstring(_tree(path))]


@pytest.fixture(scope="module")
def helps_seen() -> dict[tuple[str, ...], Any]:
    return {}


@pytest.fixture
def help_on(omentum, helps_seen):
    """Function: the words of a command to how `--help` on it ended; each is asked once."""

    def ask(*words):
        if words not in helps_seen:
            helps_seen[words] = omentum(*words, "--help")
        return helps_seen[words]

    return ask


def _documented_commands() -> list[tuple[str, str]]:
    return [
        (_name(path), line.lstrip("$ ").partition(" #")[0])
        for path in TEXTS
        for block in re.findall(r"```(?:bash|console|sh)\n(.*?)```", path.read_text(), re.DOTALL)
        for line in block.splitlines()
        if line.lstrip("$ ").startswith("omentum ")
    ]


@pytest.mark.parametrize(("path", "line"), _documented_commands(), ids=lambda value: value[:60])
def test_a_documented_command_has_the_options_that_are_shown(help_on, path, line):
    words = shlex.split(line)[1:]
    if words[:1] == ["-C"]:
        words = words[2:]
    names = [word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]
    command = next(names[:n] for n in (2, 1, 0) if n == 0 or help_on(*names[:n]).code == 0)
    text = help_on(*command).out
    for option in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert option in text, f"{path}: `{line}` uses {option}, which `{' '.join(command)}` does not have"


def _layers() -> list[list[str]]:
    """Give the modules of each layer of the contract, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    return [[one.strip().removeprefix("omentum.") for one in layer.split("|")] for layer in layers]


def _modules(name: str) -> list[Path]:
    path = ROOT / "src/omentum" / name
    return sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]


def _where_things_are() -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text.partition("\n## Where things are\n")[2].partition("\n## ")[0]


def test_every_layer_of_the_contract_exists_and_every_room_has_a_layer():
    in_package = {
        path.stem
        for path in (ROOT / "src/omentum").iterdir()
        if (path / "__init__.py").is_file() or path.suffix == ".py"
    }
    assert {one for layer in _layers() for one in layer} == in_package - {"__init__", "__main__"}


def test_contributing_shows_the_layers_of_the_contract():
    shown = re.findall(r"```\n(.*?)```", _where_things_are(), re.DOTALL)[0].split("→")
    assert [re.findall(r"\w+", layer) for layer in shown] == _layers()


@pytest.mark.parametrize(("upper", "lower"), list(pairwise(_layers())), ids="-".join)
def test_an_arrow_of_the_design_is_an_import(upper, lower):
    names = "|".join(lower)
    imports = re.compile(rf"from omentum(\.({names})\b| import .*\b({names})\b)")
    assert any(imports.search(path.read_text()) for name in upper for path in _modules(name))


def test_every_room_has_a_line_that_says_what_it_has():
    lines = re.findall(r"^\| (`.*?) \| \S", _where_things_are(), re.MULTILINE)
    named = {name for line in lines for name in re.findall(r"`(\w+)(?:/|\.py)`", line)}
    assert named == {one for layer in _layers() for one in layer}


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_files_that_a_text_names_exist(path):
    text = path.read_text()
    places = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", text)
    missing = [one for one in places if not (path.parent / one).exists()]
    text = text.partition("\n## Recipes\n")[0]  # recipes make files
    named = re.findall(r"(?<![\w/])((?:src|web|docs|tests|benchmarks|training|changes)/[\w./-]*\w)", text)
    missing += [one for one in named if not (ROOT / one).exists()]
    rooms = "|".join(one for layer in _layers() for one in layer)
    modules = re.findall(rf"`((?:{rooms})/[\w./-]*\.(?:py|json|yaml))(?:::?\w+)?`", text)
    missing += [one for one in modules if not (ROOT / "src/omentum" / one).exists()]
    assert not missing


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_options_and_commands_that_a_sentence_names_exist(help_on, path):
    prose = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for line in re.findall(r"`omentum ([a-z][^`]*)`", prose):
        words = line.split()
        names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
        found = [names[:n] for n in (2, 1) if names[:n] and help_on(*names[:n]).code == 0]
        assert found, f"`omentum {line}`"
        text = help_on(*found[0]).out
        unknown = [one for one in words if one.startswith("--") and one.partition("=")[0] not in text]
        assert not unknown, f"`omentum {line}`"


def test_changes_are_named_as_towncrier_reads_them():
    kinds = {"added", "changed", "fixed", "removed"}
    for path in (ROOT / "changes").glob("*.md"):
        assert path.name.split(".")[-2] in kinds, path.name
