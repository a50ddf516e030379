"""Build the review page into the package when a wheel or an sdist is made.

In:  `web/`, and Node.js with npm.
Out: `src/omentum/app/page/`, which git ignores and both archives carry.
A wheel without Node gets no page, and a sentence says what to do; an editable installation never runs npm.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["PageBuildHook", "Plan", "plan"]

PAGE = Path("src/omentum/app/page")
SKIP = "OMENTUM_SKIP_PAGE"
"""Environment variable: 1 builds the package without the page."""
_NO_NPM = (
    "npm was not found, so that the package is built without the review page; to have it, install Node.js "
    f"20.19 or later and build again, or install a wheel that has the page; {SKIP}=1 leaves it out silently"
)
_NO_SOURCES = "there is no web/package.json, so that the package is built without the review page"
_FAILED = (
    "the review page could not be built: `{command}` ended with {status} in {folder}; it needs Node.js 20.19 "
    f"or later and the npm registry; mend that, or set {SKIP}=1 to build the package without the page"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done about the page, and what is said about it."""

    does: Literal["nothing", "build"]
    warning: str = ""


def plan(root: Path, version: str, environment: Mapping[str, str], npm: str | None) -> Plan:
    """Decide whether the page is built.

    Args:
        root: Folder of the source tree.
        version: Hatchling's name of what is built: `standard`, or `editable`.
        environment: Environment variables.
        npm: Path of npm, if there is one.
    """
    if version == "editable" or environment.get(SKIP) == "1":
        return Plan("nothing")
    if (root / PAGE / "index.html").is_file():
        return Plan("nothing")
    if not (root / "web" / "package.json").is_file():
        return Plan("nothing", _NO_SOURCES)
    if npm is None:
        return Plan("nothing", _NO_NPM)
    return Plan("build")


def build_page(root: Path, npm: str) -> None:
    """Install what the page needs and build it.

    Raises:
        SystemExit: npm has failed.
    """
    folder = root / "web"
    for arguments in (["ci"], ["run", "build"]):
        status = subprocess.run([npm, *arguments], cwd=folder, check=False).returncode
        if status:
            command = " ".join(["npm", *arguments])
            raise SystemExit(_FAILED.format(command=command, status=status, folder=folder))


class PageBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's entry: builds the page before files are collected."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 hatchling's signature
        """See `BuildHookInterface.initialize`."""
        root = Path(self.root)
        npm = shutil.which("npm")
        planned = plan(root, version, os.environ, npm)
        if planned.warning:
            self.app.display_warning(planned.warning)
        if planned.does == "build" and npm is not None:
            build_page(root, npm)
