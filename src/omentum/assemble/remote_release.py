"""Publish a release to an object store, and verify one that is there.

In:  a release's folder, and an address.
Out: the same files below the address, `manifest.json` and `SHA256SUMS` last: without these it is no release.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from omentum.assemble.manifest import MANIFEST_NAME, SUMS_NAME, listed_files, read_sums
from omentum.errors import ReleaseError
from omentum.runners.progress import Progress
from omentum.volumes.remote_folder import FileDigest, RemoteFolder, digest_of, each_at_once

__all__ = ["PushedRelease", "push_release", "verify_address"]

_LISTS = (MANIFEST_NAME, SUMS_NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRelease:
    """What was done to publish a release.

    Attributes:
        address: Where it is.
        n_files: How many it has.
        uploaded: Files that were uploaded, in their order.
        replaced: Those of them in whose place was other content.
        n_bytes: Size of what was uploaded.
    """

    address: str
    n_files: int
    uploaded: tuple[str, ...]
    replaced: tuple[str, ...]
    n_bytes: int


def push_release(
    folder: Path, address: str, *, replace: bool = False, progress: Progress | None = None
) -> PushedRelease:
    """Upload what is missing of a release, each file whole and compared; the two lists go last.

    Every file is first hashed against the manifest. The same call goes on after a kill.

    Args:
        folder: Of the release.
        address: Of the folder of the store that becomes the release.
        replace: Whether files with other content are replaced; else nothing is uploaded if there are any.
        progress: Told of each file.

    Raises:
        DownloadError: The store cannot be read, or has no such bucket.
        ReleaseError: A file is not as it was released; or other content, or another file, is there.
        UploadError: A file cannot be uploaded; those before it are there.
    """
    listed = listed_files(folder)
    place = RemoteFolder(address)
    names = [*listed, *_LISTS]
    if foreign := sorted(place.sizes.keys() - set(names)):
        raise ReleaseError(
            f"{place.url} holds {_some(foreign)}, which do not belong to the release {folder.name}; "
            "give another address"
        )
    push = _Push(folder=folder, listed=listed, place=place, progress=progress)
    there = [name for name in names if name in place.sizes]
    other = push.others(there)
    if other and not replace:
        raise ReleaseError(
            f"{place.url} holds other content than the release {folder.name} in {_some(other)}; "
            "give another address, or replace it with --replace"
        )
    due = [name for name in names if name not in there or name in other]
    if other:  # it is no release until every file is
        for name in reversed(_LISTS):
            if name in place.sizes:
                place.remove(name)
        due += [name for name in _LISTS if name not in due]
    n_bytes = push.upload(due)
    return PushedRelease(
        address=place.url, n_files=len(names), uploaded=tuple(due), replaced=tuple(other), n_bytes=n_bytes
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Push:
    """A release on its way to a store."""

    folder: Path
    listed: dict[str, str]
    place: RemoteFolder
    progress: Progress | None

    def others(self, there: list[str]) -> list[str]:
        """Give the files in whose place is other content."""
        found: list[str] = []
        compared: list[str] = []

        def note(name: str, is_same: bool) -> None:
            if not is_same:
                found.append(name)
            compared.append(name)
            self._tell("compare", name, len(compared), len(there))

        each_at_once(there, lambda name: self.place.holds(name, self._digest(name)), note)
        return found

    def upload(self, due: list[str]) -> int:
        """Upload files, the lists last and one after the other; give the size of all in bytes."""
        sizes: list[int] = []

        def put(name: str) -> int:
            digest = self._digest(name)
            self.place.put(self.folder / name, name, digest)
            return digest.n_bytes

        def note(name: str, n_bytes: int) -> None:
            sizes.append(n_bytes)
            self._tell("upload", name, len(sizes), len(due))

        each_at_once([name for name in due if name not in _LISTS], put, note)
        for name in _LISTS:
            each_at_once([one for one in due if one == name], put, note)
        return sum(sizes)

    def _tell(self, step: str, name: str, n_done: int, n_total: int) -> None:
        if self.progress is not None:
            self.progress(step, n_done, n_total, name)

    def _digest(self, name: str) -> FileDigest:
        path = self.folder / name
        cure = "`omentum release verify` lists all such files, and a backup may have them"
        try:
            digest = digest_of(path)
        except FileNotFoundError:
            raise ReleaseError(f"{path} is missing; {cure}") from None
        if digest.sha256 != self.listed.get(name, digest.sha256):
            raise ReleaseError(f"{path} was changed since it was released; {cure}")
        return digest


def verify_address(address: str, *, progress: Progress | None = None) -> list[str]:
    """Read every file below an address, and compare it with the `SHA256SUMS` that are there.

    Args:
        address: Of a release, or of an export.
        progress: Told of each file.

    Returns:
        One sentence for each problem; empty where all is as it was uploaded.

    Raises:
        DownloadError: The store cannot be read, or has no such bucket.
    """
    place = RemoteFolder(address)
    if SUMS_NAME not in place.sizes:
        return [f"{place.url} has no {SUMS_NAME}; nothing whole is there, or its upload has not ended"]
    try:
        sums = read_sums(place.read_text(SUMS_NAME))
    except ValueError as error:
        return [f"{place.address(SUMS_NAME)} is damaged ({error})"]
    there = sorted(sums.keys() & place.sizes.keys())
    problems = [f"{name} is missing" for name in sorted(sums.keys() - place.sizes.keys())]
    extra = sorted(place.sizes.keys() - sums.keys() - {SUMS_NAME})
    problems += [f"{name} does not belong to it" for name in extra]
    hashed: dict[str, str] = {}

    def note(name: str, sha256: str) -> None:
        hashed[name] = sha256
        if progress is not None:
            progress("verify", len(hashed), len(there), name)

    each_at_once(there, place.sha256, note)
    return problems + [f"{name} was changed" for name in there if hashed[name] != sums[name]]


def _some(names: Collection[str]) -> str:
    first = next(iter(names))
    return first if len(names) == 1 else f"{first} and {len(names) - 1} more files"
