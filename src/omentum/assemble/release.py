"""Build a release, `releases/<version>/`: whole or not at all, read-only, and never changed.

It grows in `releases/.<version>.partial/`, where the same call continues after a kill, and is renamed once it
is whole.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path

from omentum.assemble.assemble_case import assemble_case, is_assembled
from omentum.assemble.card import ReleaseNotes
from omentum.assemble.hard_links import link_equal_files, link_whole_case
from omentum.assemble.inputs import CaseInputs, require_files
from omentum.assemble.manifest import write_manifest
from omentum.errors import ReleaseError
from omentum.names import checked_name
from omentum.records import Batch, Release
from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryLedger
from omentum.volumes.atomic import move_folder
from omentum.volumes.file_hash import file_sha256

__all__ = ["build_release"]

_SHOWN = 5


def build_release(
    version: str,
    releases_dir: Path,
    cases: Sequence[CaseInputs],
    *,
    run: Callable[..., Batch] | None = None,
    earlier: Path | None = None,
    notes: ReleaseNotes | None = None,
) -> Release:
    """Assemble all cases and publish them under a version; one that cannot be assembled is left out.

    Called again after a kill, it redoes only what was not finished or whose inputs have changed.

    Args:
        version: Name of the release and of its folder.
        releases_dir: Where releases are.
        cases: What is known of each case.
        run: The `run` of a runner, with its step and progress; in this process where not given.
        earlier: Folder of a release that this one shares files with where they are equal.
        notes: What the lists are to say beside the cases; those that fail here are added to it.

    Returns:
        The release.

    Raises:
        ConfigError: `version` cannot be a folder's name.
        ReleaseError: There is such a release already; there are no cases, or one twice; or none of them
            can be assembled.
    """
    folder = releases_dir / checked_name("version", version)
    _check(version, folder, cases)
    part = releases_dir / f".{version}.partial"
    _remove_strangers(part, {inputs.case.case_id for inputs in cases})
    work, ledger = partial(_assemble_into, part, earlier), MemoryLedger[None]()
    batch = (run or InProcessRunner().run)(cases, work, key=attrgetter("case.case_id"), ledger=ledger)
    root = f"{releases_dir.parent}/"  # a release does not say where the project was
    failed = {failure.key: failure.reason.replace(root, "") for failure in batch.failed}
    kept = [inputs.case.case_id for inputs in cases if inputs.case.case_id not in failed]
    _remove_strangers(part, set(kept))
    if not kept:
        part.rmdir()
        raise ReleaseError(_none_could_be(version, failed))
    notes = notes or ReleaseNotes()
    manifest = write_manifest(part, version, kept, replace(notes, left_out={**notes.left_out, **failed}))
    manifest_sha256 = file_sha256(manifest)
    for path in part.rglob("*"):
        if path.is_file() and path.stat().st_mode & 0o222:
            path.chmod(path.stat().st_mode & ~0o222)
    move_folder(part, folder)
    return Release(
        version=version,
        folder=folder,
        n_cases=len(kept),
        manifest_sha256=manifest_sha256,
        time=datetime.now(UTC),
    )


def _check(version: str, folder: Path, cases: Sequence[CaseInputs]) -> None:
    if folder.exists():
        raise ReleaseError(
            f"there is a release {version!r} already ({folder}), and releases never change; "
            "name another version"
        )
    case_ids = [inputs.case.case_id for inputs in cases]
    if not case_ids:
        raise ReleaseError(f"release {version!r} would hold no case; add some with `omentum add`")
    if len(set(case_ids)) < len(case_ids):
        twice = next(case_id for case_id in case_ids if case_ids.count(case_id) > 1)
        raise ReleaseError(f"release {version!r} would hold case {twice!r} twice; name each case once")


def _none_could_be(version: str, failed: Mapping[str, str]) -> str:
    reasons = "; ".join(f"{case_id}: {why}" for case_id, why in list(failed.items())[:_SHOWN])
    more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    return (
        f"release {version!r} was not made, for none of {len(failed)} cases could be assembled "
        f"({reasons}{more}); put them right and run the same command"
    )


def _assemble_into(part: Path, earlier: Path | None, inputs: CaseInputs) -> None:
    require_files(inputs)
    folder = part / inputs.case.case_id
    if is_assembled(inputs, folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    before = None if earlier is None else earlier / inputs.case.case_id
    if before is not None and link_whole_case(inputs, before, folder):
        return
    lineage = assemble_case(inputs, folder)
    if before is not None:
        link_equal_files(lineage, before, folder)


def _remove_strangers(part: Path, case_ids: set[str]) -> None:
    """Remove what an earlier try left and this one does not have: other cases, lists, halves of files."""
    part.mkdir(parents=True, exist_ok=True)
    for path in part.iterdir():
        if path.is_dir() and path.name not in case_ids:
            shutil.rmtree(path)
        elif not path.is_dir():
            path.unlink()
