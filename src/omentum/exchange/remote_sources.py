"""Fetch CTs of an object store in portions that fit on this machine's disk.

In:  an address whose entries are cases: files, or folders with all that belongs to a case.
Out: one folder after another with the entries of a portion, as they lie in the store; removed after use.
"""

import hashlib
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from omentum.errors import DownloadError, ImageError
from omentum.exchange.importers.find_sources import find_sources
from omentum.exchange.importers.source import FoundSources, is_label_name, stem_of
from omentum.records import Failure
from omentum.runners.runner import Progress
from omentum.volumes.read import is_volume
from omentum.volumes.remote import RemoteFile, fetch

__all__ = ["PORTION_BYTES", "FetchedPortion", "RemoteEntry", "entries_of", "fetched", "portions"]

PORTION_BYTES = 20_000_000_000
"""Bytes that are fetched before their CTs are added and the files removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEntry:
    """Files that are of no use one without the other: a folder, or a CT with the files named after it.

    Attributes:
        url: Address of the folder, or of the first file.
        files: All of them, by name.
    """

    url: str
    files: tuple[RemoteFile, ...]

    @property
    def n_bytes(self) -> int:
        """Size of all files."""
        return sum(one.n_bytes for one in self.files)

    def is_known(self, sources: Collection[str]) -> bool:
        """Return whether cases came from all of it; labels, and files in a series' folder, come with them."""
        return all(
            not _places(one).isdisjoint(sources) or is_label_name(stem_of(Path(one.below.name)))
            for one in self.files
        )


def _places(file: RemoteFile) -> set[str]:
    """Give the addresses that a file's case may be noted with: the file's, and those of folders above it."""
    return {file.url.rsplit("/", n)[0] for n in range(len(file.below.parts) + 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPortion:
    """Entries of an object store on this machine.

    Attributes:
        url: The address that was listed.
        folder: Has them below it, as they lie below the address.
        n_entries: Number of those that came whole.
        failed: Those that did not, by address, with the reason.
    """

    url: str
    folder: Path
    n_entries: int
    failed: tuple[Failure, ...]

    def sources(self) -> FoundSources:
        """Find the CTs; what did not come is among the unusable."""
        if not self.n_entries:
            return FoundSources(unusable=self.failed)
        try:
            found = find_sources([self.folder])
        except ImageError as error:
            nothing = Failure(key=str(self.folder), reason=str(error))
            return FoundSources(unusable=(*self.failed, nothing))
        return replace(found, unusable=(*self.failed, *found.unusable))

    def as_in_store(self, failures: Iterable[Failure]) -> tuple[Failure, ...]:
        """Let what is told of files name them by their addresses."""
        here = str(self.folder)
        return tuple(
            Failure(key=one.key.replace(here, self.url), reason=one.reason.replace(here, self.url))
            for one in failures
        )


def entries_of(files: Sequence[RemoteFile]) -> list[RemoteEntry]:
    """Join the files below an address to entries.

    Each folder is one, with all below it. Volumes beside them are joined by names that begin alike, as
    `a.nii.gz` and `a_seg.nii.gz`; if other files lie there, as those of a DICOM series, all are one entry.

    Example:
        >>> from pathlib import PurePosixPath
        >>> names = ["p1/1.dcm", "p1/2.dcm", "c.nii", "d.nii", "d_seg.nii"]
        >>> files = [
        ...     RemoteFile(url=f"s3://b/{name}", below=PurePosixPath(name), n_bytes=1) for name in names
        ... ]
        >>> [(one.url, len(one.files)) for one in entries_of(files)]
        [('s3://b/p1', 2), ('s3://b/c.nii', 1), ('s3://b/d.nii', 2)]
    """
    folders: dict[str, list[RemoteFile]] = defaultdict(list)
    for one in files:
        folders[one.below.parts[0] if len(one.below.parts) > 1 else ""].append(one)
    beside = sorted(folders.pop("", ()), key=lambda one: stem_of(Path(one.below.name)))
    found = [
        RemoteEntry(url=inside[0].url.rsplit("/", len(inside[0].below.parts) - 1)[0], files=tuple(inside))
        for inside in folders.values()
    ]
    are_volumes = all(is_volume(Path(one.below.name)) for one in beside)
    joined: list[list[RemoteFile]] = []
    for one in beside:
        if joined and (not are_volumes or _begins_alike(joined[-1][0], one)):
            joined[-1].append(one)
        else:
            joined.append([one])
    return [*found, *(RemoteEntry(url=group[0].url, files=tuple(group)) for group in joined)]


def _begins_alike(first: RemoteFile, other: RemoteFile) -> bool:
    return stem_of(Path(other.below.name)).startswith(stem_of(Path(first.below.name)))


def portions(
    entries: Sequence[RemoteEntry], most_bytes: int = PORTION_BYTES
) -> Iterator[tuple[RemoteEntry, ...]]:
    """Part entries into portions of no more bytes than said; a larger entry is one of its own.

    Args:
        entries: In their order.
        most_bytes: Of a portion.
    """
    portion: list[RemoteEntry] = []
    for one in entries:
        if portion and sum(each.n_bytes for each in portion) + one.n_bytes > most_bytes:
            yield tuple(portion)
            portion = []
        portion.append(one)
    if portion:
        yield tuple(portion)


@contextmanager
def fetched(
    url: str, portion: Sequence[RemoteEntry], cache_dir: Path, progress: Progress | None = None
) -> Iterator[FetchedPortion]:
    """Fetch a portion, and remove it after use; an entry of which a file does not come is left out whole.

    A run that is killed leaves its files, and the next one does not fetch them again.

    Args:
        url: The address that was listed.
        portion: Some of its entries.
        cache_dir: Of the project.
        progress: Told of each entry.
    """
    digest = hashlib.sha256(url.encode()).hexdigest()[:12]
    folder = cache_dir / "remote" / digest / url.rstrip("/").rpartition("/")[2]
    failed: list[Failure] = []
    for n_done, entry in enumerate(portion, start=1):
        try:
            for one in entry.files:
                fetch(one, folder / one.below)
        except DownloadError as error:
            failed.append(Failure(key=entry.url, reason=str(error).removeprefix(f"{entry.url} ")))
            for one in entry.files:
                (folder / one.below).unlink(missing_ok=True)
        if progress is not None:
            progress("fetch", n_done, len(portion), entry.url.rpartition("/")[2])
    yield FetchedPortion(
        url=url.rstrip("/"), folder=folder, n_entries=len(portion) - len(failed), failed=tuple(failed)
    )
    shutil.rmtree(folder.parent, ignore_errors=True)
