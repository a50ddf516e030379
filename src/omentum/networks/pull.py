"""Download a published network, check it, and keep it in the user's data folder."""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from omentum.errors import CheckpointError, DownloadError, UnknownNetworkError
from omentum.names import checked_name
from omentum.networks.catalogue import (
    PUBLISHED,
    Origin,
    Published,
    file_origin,
    keep_network,
    known_models,
    name_taken,
    origin_of,
)
from omentum.networks.download import checked_url, download, exclusive, remove_download
from omentum.networks.network import Network
from omentum.networks.user_folder import home
from omentum.networks.weights import load_network

__all__ = ["pull_model"]


def pull_model(
    name: str,
    *,
    urls: Sequence[str] = (),
    kept_as: str | None = None,
    again: bool = False,
    on_progress: Callable[[str, int, int | None], None] = lambda _url, _done, _total: None,
) -> bool:
    """Download a published network, check it, and keep it in the user's data folder.

    An interrupted download continues where it stopped. Nothing is ever replaced.

    Args:
        name: One of `PUBLISHED`.
        urls: Addresses to try in this order instead of the published ones.
        kept_as: Name that `--network` will take; else its own.
        again: Download it even if it is here, and compare it with the recorded hash.
        on_progress: Gets the address, the bytes so far, and the total if it is known.

    Returns:
        Whether it is new here.

    Raises:
        UnknownNetworkError: Nothing of that name is published.
        ConfigError: An address or a name that cannot be one.
        DownloadError: No address gave the file, or the file was refused.
        CheckpointError: The name is taken, or the file differs from the recorded one.
    """
    if name not in PUBLISHED:
        raise UnknownNetworkError(name, sorted(known_models()), published=PUBLISHED)
    kept_as = checked_name("--as", kept_as or name)
    published = PUBLISHED[name]
    files = {_download_file(published, checked_url(url)): url for url in urls or published.urls}
    with exclusive(home() / "downloads" / f"{name}.lock"):
        kept = known_models().get(kept_as)
        before = origin_of(kept) if kept else None
        if kept and not before:
            raise name_taken(kept, kept_as)
        origin = before
        if again or not before:
            file, network = _first_that_fits(published, files, kept_as, on_progress)
            origin = file_origin(file, url=files[file], called=published.file)
            if not before:
                keep_network(network, kept_as, origin)
        for part in files:
            remove_download(part)
    if before and origin and origin.sha256 != before.sha256:
        raise _changed(kept_as, before, origin)
    return before is None


def _changed(name: str, before: Origin, now: Origin) -> CheckpointError:
    return CheckpointError(
        now.url or now.file,
        f"the file has SHA-256 {now.sha256}, but that of {name!r}, from {before.url or before.file} on "
        f"{before.time}, has {before.sha256}; that one stays: `omentum models remove {name}` and pull to "
        "take the new one, or pull it `--as` another name",
    )


def _download_file(published: Published, url: str) -> Path:
    """Name the download of one address; files of two servers may differ."""
    of_url = hashlib.sha256(url.encode()).hexdigest()[:8]
    return home() / "downloads" / f"{published.name}-{of_url}-{published.file}"


def _first_that_fits(
    published: Published,
    files: dict[Path, str],
    kept_as: str,
    on_progress: Callable[[str, int, int | None], None],
) -> tuple[Path, Network]:
    """Download from one address after the other until a file is the network; remove other files."""
    failures = []
    for file, url in files.items():
        try:
            download(url, file, partial(on_progress, url))
            return file, _checked(file, published.name)
        except DownloadError as error:
            failures.append(str(error))
        except CheckpointError as error:
            remove_download(file)
            failures.append(f"{url} gave a file that is refused: {str(error).removeprefix(f'{file}: ')}")
    cure = "connect, or download it elsewhere from one of these addresses and run"
    reason = f"was not pulled: {'; '.join(failures)}; {cure} `omentum models add FILE --as {kept_as}`"
    raise DownloadError(published.name, reason)


def _checked(file: Path, architecture: str) -> Network:
    network = load_network(file)
    if network.spec.architecture != architecture:
        raise CheckpointError(file, f"it is a network of architecture {network.spec.architecture}")
    return network
