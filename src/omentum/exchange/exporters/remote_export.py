"""Export a release to an object store, a portion of the cases after another, as one disk may not hold all.

In:  released cases, the name of a layout, an address, and a folder of this machine for what is under way.
Out: the same files below the address, and `SHA256SUMS` as the last: without it the export has not ended.
"""

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from omentum.errors import ReleaseError, UploadError
from omentum.exchange.exporters.export import (
    NOTE_NAME,
    ChosenCases,
    choose,
    occupied,
    write_case,
    write_lists,
)
from omentum.exchange.exporters.exporter import Export
from omentum.records import Batch, Failure
from omentum.records.released_cases import SUMS_NAME, ReleasedCase
from omentum.runners.job_events import tell_failures
from omentum.runners.memory_ledger import MemoryLedger
from omentum.runners.runner import Progress, Runner
from omentum.volumes.atomic import write_json, write_text
from omentum.volumes.remote_folder import RemoteFolder, digest_of, each_at_once

__all__ = ["PORTION_CASES", "export_to_address"]

PORTION_CASES = 50
"""Cases that are written on this machine before they are uploaded and removed."""

Files = dict[str, tuple[str, int]]
"""SHA-256 and size in bytes of files, by their paths below the address."""


def export_to_address(
    cases: Sequence[ReleasedCase],
    layout_name: str,
    asked: Export,
    address: str,
    runner: Runner,
    *,
    progress: Progress | None = None,
) -> Batch:
    """Write a release in a layout below an address; the same call again goes on after a kill.

    Args:
        cases: Of one release.
        layout_name: One of `EXPORTERS`.
        asked: What to export; `out` is a folder for what is under way, which keeps a note of each case.
        address: Of a folder that is free, or in which this very export began.
        runner: Where the files are written.
        progress: Told of each case and each file.

    Returns:
        The cases written; those that were uploaded before are skipped, and those that the layout cannot show
        are among the failed.

    Raises:
        ConfigError: There is no such exporter.
        DownloadError: The store cannot be read, or has no such bucket.
        ReleaseError: Something else is below the address, or no organ is left to export.
        UploadError: A file cannot be uploaded, or other content is in its place.
    """
    chosen = choose(cases, layout_name, asked)
    place = RemoteFolder(address)
    _take(place, chosen)
    named = json.dumps([place.url, chosen.note]).encode()
    folder = asked.out / hashlib.sha256(named).hexdigest()[:12]
    work = _RemoteExport(chosen=chosen, place=place, folder=folder, progress=progress)
    work.begin()
    tell_failures(progress, "export", chosen.unfit)
    before = [case.case_id for case in chosen.fit if work.is_uploaded(case.case_id)]
    due = [case for case in chosen.fit if case.case_id not in set(before)]
    done: list[str] = []
    failed: list[Failure] = []
    for first in range(0, len(due), PORTION_CASES):
        batch = runner.run(
            due[first : first + PORTION_CASES],
            partial(_write_case, layout_name, replace(chosen.export, out=folder)),
            key=lambda case: case.case_id,
            ledger=MemoryLedger[None](),
            step="export",
            progress=None if progress is None else _of_all(progress, first, len(due)),
        )
        for case_id in batch.done:
            work.upload_case(case_id)
        done += batch.done
        failed += batch.failed
    work.finish([*before, *done])
    return Batch(done=tuple(done), skipped=tuple(before), failed=(*chosen.unfit, *failed))


def _of_all(progress: Progress, n_before: int, n_total: int) -> Progress:
    """Let the bar of a portion be one of all cases."""

    def tell(step: str, n_done: int, n_of: int | None, note: str = "") -> None:
        progress(step, n_before + n_done if n_of else n_done, n_total if n_of else n_of, note)

    return tell


def _case_dir(folder: Path, case_id: str) -> Path:
    return folder / "cases" / case_id


def _write_case(layout_name: str, export: Export, case: ReleasedCase) -> None:
    folder = _case_dir(export.out, case.case_id)
    shutil.rmtree(folder, ignore_errors=True)
    write_case(layout_name, replace(export, out=folder), case)


def _take(place: RemoteFolder, chosen: ChosenCases) -> None:
    """Take an address where nothing is, or where this very export began."""
    is_own = NOTE_NAME in place.sizes and place.read_json(NOTE_NAME) == chosen.note
    if place.sizes and not is_own:
        raise ReleaseError(occupied(place.url))


@dataclass(frozen=True, slots=True, kw_only=True)
class _RemoteExport:
    """An export on its way to a store."""

    chosen: ChosenCases
    place: RemoteFolder
    folder: Path
    """For what is under way."""
    progress: Progress | None

    def begin(self) -> None:
        """Note below the address which export it is."""
        write_json(self.folder / NOTE_NAME, self.chosen.note)
        for name, path in self._note().items():
            self.upload(path, name)

    def is_uploaded(self, case_id: str) -> bool:
        """Tell whether a case was uploaded by this machine, and its files are still there."""
        path = self._note_path(case_id)
        return path.is_file() and all(
            self.place.sizes.get(name) == n_bytes for name, (_, n_bytes) in self._files_of(case_id).items()
        )

    def upload_case(self, case_id: str) -> None:
        """Upload what was written of a case, note it, and remove it here."""
        folder = _case_dir(self.folder, case_id)
        write_json(self._note_path(case_id), self._upload_all(folder))
        shutil.rmtree(folder, ignore_errors=True)

    def finish(self, case_ids: Sequence[str]) -> None:
        """Upload what belongs to all cases, and the checksums of all files, which are the last."""
        lists, sums_path = self.folder / "lists", self.folder / SUMS_NAME
        shutil.rmtree(lists, ignore_errors=True)
        write_lists(self.chosen, case_ids, lists)
        written = {path.relative_to(lists).as_posix(): path for path in _files_below(lists)}
        sums = {name: sha256 for one in case_ids for name, (sha256, _) in self._files_of(one).items()}
        sums |= {name: digest_of(path).sha256 for name, path in (written | self._note()).items()}
        write_text(sums_path, "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items())))
        if SUMS_NAME in self.place.sizes and not self.place.holds(SUMS_NAME, digest_of(sums_path)):
            self.place.remove(
                SUMS_NAME
            )  # cases were added since: it has not ended until the new one is there
        for name, path in written.items():
            self.upload(path, name, replace_other=True)
        self.upload(sums_path, SUMS_NAME)
        shutil.rmtree(lists)

    def upload(self, path: Path, name: str, *, replace_other: bool = False) -> tuple[str, int]:
        """Upload a file that is not there yet; give its SHA-256 and its size in bytes."""
        digest = digest_of(path)
        if not self.place.holds(name, digest):
            if name in self.place.sizes and not replace_other:
                cure = "remove it there and run the same command again, or give another address"
                raise UploadError(self.place.address(name), f"has other content than this export; {cure}")
            self.place.put(path, name, digest)
        return digest.sha256, digest.n_bytes

    def _upload_all(self, folder: Path) -> Files:
        uploaded: Files = {}
        paths = _files_below(folder)

        def put(path: Path) -> tuple[str, int]:
            return self.upload(path, path.relative_to(folder).as_posix())

        def note(path: Path, done: tuple[str, int]) -> None:
            name = path.relative_to(folder).as_posix()
            uploaded[name] = done
            if self.progress is not None:
                self.progress("upload", len(uploaded), len(paths), name)

        each_at_once(paths, put, note)
        return uploaded

    def _note(self) -> dict[str, Path]:
        return {NOTE_NAME: self.folder / NOTE_NAME}

    def _note_path(self, case_id: str) -> Path:
        return self.folder / "uploaded" / f"{case_id}.json"

    def _files_of(self, case_id: str) -> Files:
        noted = json.loads(self._note_path(case_id).read_text(encoding="utf-8"))
        return {name: (sha256, n_bytes) for name, (sha256, n_bytes) in noted.items()}


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
