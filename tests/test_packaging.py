"""The built review page is in the package, and a package can be built without Node."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).resolve().parents[1]
PAGE = "omentum/app/page"
BUILT = {
    "index.html": "<html>",
    "assets/index-1.js": "run()",
    "third-party-notices.md": "NiiVue: BSD-2-Clause",
}
FAKE_NPM = f"""#!/bin/sh
echo "$@" >> "$NPM_CALLS"
if [ "$1" = run ]; then mkdir -p ../src/{PAGE}/assets; echo made > ../src/{PAGE}/index.html; fi
exit ${{NPM_STATUS:-0}}
"""


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["hatch_build"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with the project's own settings and hardly any sources."""
    root = tmp_path / "tree"
    (root / "src/omentum/app").mkdir(parents=True)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, root / name)
    (root / "src/omentum/__init__.py").write_text("")
    (root / "web").mkdir()
    (root / "web/package.json").write_text("{}")
    return root


def with_page(root: Path) -> Path:
    for name, text in BUILT.items():
        path = root / "src" / PAGE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def packed(root: Path, target: str, **environment: str) -> tuple[Path, str]:
    """Build an archive, and give it with what was said."""
    out = root.parent / "out"
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "PYTHONPATH") if name in os.environ}
    ran = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out), "-t", target],
        cwd=root,
        env={**kept, "PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return max(out.iterdir(), key=lambda path: path.stat().st_mtime_ns), ran.stdout + ran.stderr


@pytest.fixture
def npm(tmp_path: Path) -> dict[str, str]:
    """Environment in which `npm` writes down how it is called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text(FAKE_NPM)
    (folder / "npm").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "NPM_CALLS": str(tmp_path / "calls.txt")}


def calls(npm: dict[str, str]) -> list[str]:
    path = Path(npm["NPM_CALLS"])
    return path.read_text().splitlines() if path.is_file() else []


def test_a_page_that_is_built_already_is_kept(hook, tree):
    assert hook.plan(with_page(tree), "standard", {}, "npm") == hook.Plan("nothing")


def test_a_page_that_is_not_built_is_built(hook, tree):
    assert hook.plan(tree, "standard", {}, "npm") == hook.Plan("build")


def test_without_npm_a_sentence_says_what_to_install_and_how_to_skip(hook, tree):
    planned = hook.plan(tree, "standard", {}, None)
    assert planned.does == "nothing"
    assert "install Node.js" in planned.warning
    assert "OMENTUM_SKIP_PAGE=1" in planned.warning


def test_the_page_is_left_out_on_demand(hook, tree):
    assert hook.plan(tree, "standard", {"OMENTUM_SKIP_PAGE": "1"}, "npm") == hook.Plan("nothing")


def test_an_editable_installation_runs_no_npm(tree, npm):
    wheel, _ = packed(tree, "wheel:editable", **npm)
    assert wheel.suffix == ".whl"
    assert calls(npm) == []


def test_a_tree_without_the_pages_sources_says_so(hook, tree):
    (tree / "web/package.json").unlink()
    assert "no web/package.json" in hook.plan(tree, "standard", {}, "npm").warning


def test_a_failing_npm_ends_the_build_with_the_cure(hook, tree, npm, monkeypatch):
    for name, value in {**npm, "NPM_STATUS": "7"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=r"`npm ci` ended with 7.*OMENTUM_SKIP_PAGE=1"):
        hook.build_page(tree, str(Path(npm["PATH"].partition(":")[0]) / "npm"))


def test_a_wheel_carries_the_page_and_the_notices_of_others(tree):
    wheel, _ = packed(with_page(tree), "wheel")
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{PAGE}/{name}" for name in BUILT} <= set(archive.namelist())


def test_a_wheel_is_made_with_a_page_that_npm_builds(tree, npm):
    wheel, _ = packed(tree, "wheel", **npm)
    assert calls(npm) == ["ci", "run build"]
    with zipfile.ZipFile(wheel) as archive:
        assert f"{PAGE}/index.html" in archive.namelist()


def test_an_sdist_carries_the_page_so_that_its_wheel_needs_no_npm(tree, npm):
    sdist, _ = packed(with_page(tree), "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tree.parent / "unpacked", filter="data")
    unpacked = next((tree.parent / "unpacked").iterdir())
    assert (unpacked / "web/package.json").is_file()
    wheel, _ = packed(unpacked, "wheel", **npm)
    with zipfile.ZipFile(wheel) as archive:
        assert {f"{PAGE}/{name}" for name in BUILT} <= set(archive.namelist())
    assert calls(npm) == []


def test_a_wheel_without_node_is_built_and_the_sentence_is_shown(tree, tmp_path):
    wheel, said = packed(tree, "wheel", PATH=str(tmp_path))
    assert wheel.suffix == ".whl"
    assert "npm was not found" in said
