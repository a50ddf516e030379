"""Back up, bring back or move the database of a project; the files of cases stay where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from omentum.errors import ProjectError
from omentum.project.log_anchors import check_project_log
from omentum.project.programs import other_programs
from omentum.project.project import Project
from omentum.project.settings import change_settings
from omentum.store.backup import Backup, read_backup
from omentum.store.holders import Holder
from omentum.store.log_chain import LogProblem
from omentum.store.move import MovedCopy

__all__ = ["Restored", "move_database", "restore_database"]

_SHORT = {"postgresql://": "postgresql+psycopg://", "postgres://": "postgresql+psycopg://"}
"""Beginnings of URLs that other programs take, and what the settings take."""
_SHOWN = 3
_REFUSED = "after which nothing that they write is taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What took the place of the database."""

    backup: Backup
    before: Backup | None
    """A backup of what was there; `None` where there was nothing but a new project."""
    problems: tuple[LogProblem, ...]
    """Where the audit log differs from what was written, or from releases and reports that are newer."""


def restore_database(project: Project, path: Path, *, force: bool = False, anyway: bool = False) -> Restored:
    """Replace all that the database holds by a backup.

    Args:
        project: The project.
        path: The backup.
        force: Whether to replace a database that is in use, of which a backup is made first, and to take a
            backup whose audit log is not as it was written.
        anyway: Whether to do so while others work.

    Raises:
        BackupError: The backup is damaged or changed, or its audit log is not as it was written.
        ProjectError: The database holds something, or others work.
    """
    if not anyway:
        _refuse_while_others_work(project, "which may lose what they do meanwhile")
    if not (force or project.store.is_just_made()):
        raise ProjectError(
            f"the database of {project.folder.root} is in use, and a backup takes the place of all in it; "
            "give --force, which first keeps a backup of that"
        )
    backup = read_backup(path)
    before = None if project.store.is_just_made() else _kept(project)
    project.store.restore(backup, accept_log=force)
    return Restored(backup=backup, before=before, problems=check_project_log(project).problems)


def move_database(project: Project, url: str, *, anyway: bool = False) -> MovedCopy:
    """Copy the database into another one, and let the project use that from now on.

    The old one stays as it was, and refuses every write from then on, also of programs that have it open. A
    kill leaves a project that works with one of both, or one that can be read and whose writes are refused
    with the command that ends the move, which is the same command.

    Args:
        project: The project; it is to be opened anew afterwards.
        url: Of the other database, which is empty: sqlite:///FILE or postgresql://USER@HOST/NAME.
        anyway: Whether to do so while others work.

    Raises:
        ConfigError: The URL is none that the settings take.
        ProjectError: Others work, or the other database cannot take the place of this one.
    """
    for short, long in _SHORT.items():
        url = long + url.removeprefix(short) if url.startswith(short) else url
    project.settings.changed(database=url)
    if not anyway:
        _refuse_while_others_work(project, _REFUSED)
    with project.store.copied_to(url) as copied:
        if not anyway:  # somebody may have begun while it was copied
            _refuse_while_others_work(project, _REFUSED)
    # Only now, as no one can write to the old one any more.
    change_settings(project.folder.settings_path, {"database": url})
    return copied


def _kept(project: Project) -> Backup:
    """Keep a backup of what the database holds."""
    made = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    return project.store.back_up(project.folder.backups_dir / f"before-restore-{made}.db")


def _refuse_while_others_work(project: Project, price: str) -> None:
    """Refuse to go on while somebody has something in work, or a program has the project open to write to it.

    Args:
        project: The project.
        price: What comes of going on anyway.
    """
    readers, workers = project.store.holders.of_tasks(), project.store.holders.of_jobs()
    programs = other_programs(project.folder)
    if readers or workers or programs:
        named = (
            [", ".join(programs[:_SHOWN]) + (", ..." if len(programs) > _SHOWN else "")] if programs else []
        )
        said = " and ".join([*_named(readers, "task"), *_named(workers, "job"), *named])
        raise ProjectError(
            f"others work in this project: {said}; wait until they are done and end the review server, "
            f"or give --anyway, {price}"
        )


def _named(holders: Sequence[Holder], noun: str) -> list[str]:
    if not holders:
        return []
    n = sum(one.n for one in holders)
    names = ", ".join(one.name for one in holders[:_SHOWN]) + (", ..." if len(holders) > _SHOWN else "")
    return [f"{n} {noun if n == 1 else noun + 's'} with {names}"]
