"""Write length and hash of the audit log into releases and reports, and find them there again.

Who has a copy of a release, or of a report, can so tell whether the log of that time was changed since.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from omentum.errors import ReleaseError
from omentum.project.project import Project
from omentum.records.audit_log import LogAnchor
from omentum.records.released_cases import MANIFEST_NAME
from omentum.store.check_log import LogCheck

__all__ = ["ANCHOR_KEY", "anchor_json", "check_project_log", "keep_release_anchor"]

ANCHOR_KEY = "audit_log"
"""Key of the anchor in `manifest.json`."""
_IN_REPORT = re.compile(r'<meta name="omentum-audit-log" content="(\d+) ([0-9a-f]{64})">')


def anchor_json(anchor: LogAnchor) -> dict[str, Any]:
    """Give what `manifest.json` says of the log.

    Example:
        >>> anchor_json(LogAnchor(n_entries=7, sha256="ab", place="release V1", time=datetime.now(UTC)))
        {'entries': 7, 'sha256': 'ab'}
    """
    return {"entries": anchor.n_entries, "sha256": anchor.sha256}


def keep_release_anchor(project: Project, folder: Path, version: str) -> None:
    """Note the anchor that a release holds; one of an older version holds none."""
    for anchor in _of_release(folder, f"release {version}"):
        project.store.log.keep_anchor(anchor)


def check_project_log(project: Project, named: Sequence[Path] = ()) -> LogCheck:
    """Check the audit log, also against the releases and reports in the project's folder, and others.

    Args:
        project: The project; it may be open for reading only.
        named: Folders of releases elsewhere, such as published copies.

    Raises:
        ReleaseError: A named folder is no release that says anything of a log.
    """
    anchors = list(_of_project(project))
    for folder in named:
        found = list(_of_release(folder, f"the release in {folder}"))
        if not found:
            raise ReleaseError(
                f"{folder} holds no {MANIFEST_NAME} that says anything of an audit log; "
                "name the folder of a release that was made since the log began"
            )
        anchors += found
    return project.store.log.check(anchors)


def _of_project(project: Project) -> Iterator[LogAnchor]:
    folders = {one.folder.resolve() for one in project.store.releases.all()}
    folders |= {path.parent.resolve() for path in project.folder.releases_dir.glob(f"*/{MANIFEST_NAME}")}
    for folder in sorted(folders):
        yield from _of_release(folder, f"release {folder.name}")
    yield from _of_reports(sorted((project.folder.root / "rounds").glob("*/report.html")))


def _of_release(folder: Path, place: str) -> Iterator[LogAnchor]:
    path = folder / MANIFEST_NAME
    try:
        said = json.loads(path.read_text(encoding="utf-8")).get(ANCHOR_KEY)
        if said is not None:
            yield _anchor(path, int(said["entries"]), str(said["sha256"]), place)
    except FileNotFoundError:
        return
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ReleaseError(f"{path} cannot be read as the list of a release ({error!r})") from None


def _of_reports(paths: Iterable[Path]) -> Iterator[LogAnchor]:
    for path in paths:
        found = _IN_REPORT.search(path.read_text(encoding="utf-8"))
        if found:
            yield _anchor(path, int(found[1]), found[2], f"the report of round {path.parent.name}")


def _anchor(path: Path, n_entries: int, sha256: str, place: str) -> LogAnchor:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return LogAnchor(n_entries=n_entries, sha256=sha256, place=place, time=written)
