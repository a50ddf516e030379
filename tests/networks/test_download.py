"""Downloads from a real server on this machine that behaves as badly as servers do."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from omentum.errors import ConfigError, DownloadError
from omentum.networks import download as module
from omentum.networks.download import checked_url, download, exclusive, remove_download

CONTENT = np.random.default_rng(0).bytes(1_000_000)
OTHER = np.random.default_rng(1).bytes(900_000)


@dataclass(frozen=True)
class Served:
    """What one request is answered with."""

    content: bytes = CONTENT
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    has_ranges: bool = True
    obeys_if_range: bool = True
    says_length: bool = True
    drop_after: int | None = None
    """Bytes of the answer after which the connection ends."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        served = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        self.server.asked.append(int(asked[1]) if asked else 0)
        start, status, headers = 0, served.status, dict(served.headers)
        known = {served.headers.get("ETag"), served.headers.get("Last-Modified")}
        if asked and served.has_ranges and (not served.obeys_if_range or self.headers["If-Range"] in known):
            start, status = int(asked[1]), 206
            n_all = len(served.content)
            headers["Content-Range"] = f"bytes {start}-{n_all - 1}/{n_all}"
            if start >= n_all:
                status, headers["Content-Range"] = 416, f"bytes */{n_all}"
        body = served.content[start:] if status != 416 else b""
        self.send_response(status)
        if served.says_length:
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if served.drop_after is None else body[: served.drop_after])

    def log_message(self, *_):
        pass


@pytest.fixture
def serve(monkeypatch):
    """Function: answers, the last one for ever, to an address and the list of offsets that were asked for."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(module, "_WAITS_S", (0.0,) * 4)
    servers = []

    def start(*script):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.script, server.asked = list(script), []
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/unet.pth", server.asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetched(url, path):
    """Download, and give what progress was told."""
    told = []
    download(url, path, lambda done, total: told.append((done, total)))
    return told


def test_a_file_comes_whole_and_progress_is_told(serve, tmp_path):
    url, asked = serve(Served())
    told = fetched(url, tmp_path / "new" / "unet.pth")
    assert (tmp_path / "new" / "unet.pth").read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert asked == [0]
    remove_download(tmp_path / "new" / "unet.pth")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize(
    "headers",
    [{"ETag": '"one"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"},
     {"ETag": 'W/"weak"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}],
    ids=["ETag", "date", "weak ETag and date"],
)  # fmt: skip
def test_a_connection_that_drops_is_taken_up_where_it_ended(serve, tmp_path, headers):
    url, asked = serve(Served(headers=headers, drop_after=300_000), Served(headers=headers))
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 300_000]


def test_one_that_always_drops_is_given_up_and_goes_on_another_time(serve, tmp_path):
    url, asked = serve(*[Served(drop_after=100_000)] * 4, Served())
    with pytest.raises(DownloadError, match=r"4 times.*400000 of 1000000.*same command goes on"):
        fetched(url, tmp_path / "f")
    assert fetched(url, tmp_path / "f")[0] == (400_000, 1_000_000)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 100_000, 200_000, 300_000, 400_000]


def test_a_server_without_ranges_begins_anew(serve, tmp_path):
    url, asked = serve(Served(drop_after=300_000), Served(has_ranges=False))
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 300_000]


@pytest.mark.parametrize("obeys", [True, False], ids=["If-Range obeyed", "If-Range ignored"])
def test_a_file_that_changed_in_between_is_begun_anew(serve, tmp_path, obeys):
    changed = Served(OTHER, headers={"ETag": '"two"'}, obeys_if_range=obeys)
    url, _ = serve(Served(drop_after=300_000), changed)
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == OTHER


def test_without_a_version_nothing_is_joined(serve, tmp_path):
    url, asked = serve(Served(headers={}, drop_after=300_000), Served(headers={}))
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 0]


def test_a_file_that_is_whole_already_is_not_downloaded_again(serve, tmp_path):
    url, asked = serve(Served())
    fetched(url, tmp_path / "f")
    assert fetched(url, tmp_path / "f") == []
    assert asked == [0, 1_000_000]
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_begun_anew(serve, tmp_path):
    url, _ = serve(Served(drop_after=950_000), Served(OTHER))
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == OTHER


def test_a_file_of_unknown_length_ends_with_the_connection(serve, tmp_path):
    url, _ = serve(Served(says_length=False))
    assert fetched(url, tmp_path / "f")[-1] == (len(CONTENT), None)
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_page_for_people_is_told_as_such(serve, tmp_path, kind):
    page = b"\n<!DOCTYPE html><html>please sign in</html>"
    url, _ = serve(Served(page, headers={"Content-Type": kind, "ETag": '"p"'}))
    with pytest.raises(DownloadError, match="a web page, not the file; it may ask to sign in"):
        fetched(url, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_no_such_file_is_told_at_once(serve, tmp_path):
    url, asked = serve(Served(b"", status=404))
    with pytest.raises(DownloadError, match=f"{re.escape(url)} answered 404"):
        fetched(url, tmp_path / "f")
    assert asked == [0]


def test_a_busy_server_is_asked_again(serve, tmp_path):
    url, asked = serve(Served(b"", status=503), Served())
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 0]


def test_where_nobody_listens_nothing_is_reached(serve, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    del serve
    with pytest.raises(DownloadError, match=r"could not be reached \(Connection refused\)"):
        fetched(f"http://127.0.0.1:{port}/unet.pth", tmp_path / "f")


def test_a_server_cannot_lead_to_a_file_of_this_machine(serve, tmp_path):
    (tmp_path / "private").write_text("private")
    url, _ = serve(Served(b"", status=302, headers={"Location": (tmp_path / "private").as_uri()}))
    with pytest.raises(DownloadError, match="answered 302"):
        fetched(url, tmp_path / "f")
    assert not (tmp_path / "f").exists()


def test_a_server_may_lead_to_another_and_both_are_asked_for_the_rest(serve, tmp_path):
    there, asked = serve(Served(drop_after=300_000), Served())
    url, _ = serve(replace(Served(b"", has_ranges=False), status=302, headers={"Location": there}))
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked == [0, 300_000]


KILLED = """
import os, signal, sys
from pathlib import Path
from omentum.networks.download import download
def tell(done, total):
    if done > 500_000:
        os.kill(os.getpid(), signal.SIGKILL)
download(sys.argv[1], Path(sys.argv[2]), tell)
"""


def test_a_download_that_was_killed_goes_on(serve, tmp_path):
    url, asked = serve(Served())
    ran = subprocess.run([sys.executable, "-c", KILLED, url, tmp_path / "f"], check=False)
    assert ran.returncode == -signal.SIGKILL
    fetched(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert asked[1] >= 500_000


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://example.org/f", "example.org/f", "http://", "http://a b/f", "https://x:y/f",
     "https://me:secret@example.org/f", "http://[::1/f", "http://example.org/ü", ""],
)  # fmt: skip
def test_only_addresses_of_the_web_are_taken(url):
    with pytest.raises(ConfigError, match="address of a file"):
        checked_url(url)


def test_two_do_not_write_the_same_part(tmp_path):
    lock = tmp_path / "downloads" / "unet.lock"
    with (
        exclusive(lock),
        pytest.raises(DownloadError, match="unet is being pulled by another process"),
        exclusive(lock),
    ):
        pass
    with exclusive(lock):
        pass
    assert not lock.exists()
