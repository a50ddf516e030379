"""What is a convention is a test too, or it rots."""

import ast
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TEXTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_what_a_module_offers_is_listed_in_order_and_is_there(path):
    tree = ast.parse(path.read_text())
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and _assigns(node, "__all__")]
    for offered in map(ast.literal_eval, lists):
        assert offered == sorted(offered, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
        assert set(offered) <= _defined(tree)


def _assigns(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {target.id for target in targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_no_file_outgrows_300_lines(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_a_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text()))


def _documented_commands() -> list[tuple[str, str]]:
    return [
        (_name(path), line.lstrip("$ ").partition(" #")[0])
        for path in TEXTS
        for block in re.findall(r"```(?:bash|console|sh)\n(.*?)```", path.read_text(), re.DOTALL)
        for line in block.splitlines()
        if line.lstrip("$ ").startswith("omentum ")
    ]


@pytest.mark.parametrize(("path", "line"), _documented_commands(), ids=lambda value: value[:60])
def test_a_documented_command_has_the_options_that_are_shown(omentum, path, line):
    words = shlex.split(line)[1:]
    if words[:1] == ["-C"]:
        words = words[2:]
    names = [word for word in words if re.fullmatch(r"[a-z]+", word)]
    command = next(names[:n] for n in (2, 1, 0) if n == 0 or omentum(*names[:n], "--help").code == 0)
    text = omentum(*command, "--help").out
    for option in (word.partition("=")[0] for word in words if word.startswith("-")):
        assert option in text, f"{path}: `{line}` uses {option}, which `{' '.join(command)}` does not have"


def test_changes_are_named_as_towncrier_reads_them():
    kinds = {"added", "changed", "fixed", "removed"}
    for path in (ROOT / "changes").glob("*.md"):
        assert path.name.split(".")[-2] in kinds, path.name
