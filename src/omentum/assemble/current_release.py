"""Find and set the current release: the newest, or the one that was rolled back to."""

from omentum.assemble.manifest import verify_release
from omentum.errors import ReleaseError
from omentum.project.project import Project
from omentum.records import Release

__all__ = ["CURRENT", "current_release", "make_current", "release_named", "roll_back"]

CURRENT = "current"
"""Names the current release, so no release is called that."""
_CURRENT = "current_release"


def make_current(project: Project, version: str) -> None:
    """Make a release the current one."""
    project.store.facts.set(_CURRENT, version)


def current_release(project: Project) -> Release | None:
    """Give the current release; `None` where there is none yet."""
    releases = {one.version: one for one in project.store.releases.all()}
    version = project.store.facts.get(_CURRENT)
    return releases.get(version or "", next(reversed(releases.values()), None))


def release_named(project: Project, version: str) -> Release:
    """Find a release by its version, or the current one by `current`.

    Raises:
        ReleaseError: There is none.
    """
    if version != CURRENT:
        return project.store.releases.get(version)
    release = current_release(project)
    if release is None:
        raise ReleaseError("there is no release yet; make one with `omentum assemble --version V1`")
    return release


def roll_back(project: Project, version: str) -> Release:
    """Let an earlier release be the current one again; none is removed, and no revision is.

    Raises:
        ReleaseError: There is no such release, or it is not what it was.
    """
    release = project.store.releases.get(version)
    problems = verify_release(release.folder)
    if problems:
        raise ReleaseError(
            f"release {version!r} is not what it was ({problems[0]}, {len(problems)} problems in all); "
            "bring its files back from a backup, or name another version"
        )
    make_current(project, version)
    return release
