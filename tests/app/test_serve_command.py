"""`omentum review serve` serves this machine alone, and shows its link to nobody else."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

_PROGRAM = "import sys; from omentum.app.cli import main; sys.argv = ['omentum', *sys.argv[1:]]; main()"


@pytest.fixture
def project(omentum, tmp_path, tiny_weights, home):
    assert omentum("init", tmp_path / "atlas", "--network", "tiny").code == 0
    return tmp_path / "atlas"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_another_address_is_refused_until_there_are_accounts(omentum, project, host):
    ran = omentum("-C", project, "review", "serve", "--host", host, "--no-browser")
    assert ran.code == 2
    assert "no accounts yet" in ran.err
    assert "ssh -L" in ran.err


def test_a_port_in_use_is_one_sentence(omentum, project):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = omentum("-C", project, "review", "serve", "--port", port, "--no-browser")
    assert ran.code == 2
    assert f"--port is {port}" in ran.err


def test_without_its_packages_it_says_what_to_install(omentum, project, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    ran = omentum("-C", project, "review", "serve", "--no-browser")
    assert ran.code == 2
    assert "pip install 'omentum[review]'" in ran.err


def test_the_link_is_in_no_output_that_may_be_a_log_and_the_server_ends_when_interrupted(project):
    words = ["-C", str(project), "review", "serve", "--port", "0", "--no-browser"]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        path = Path(re.search(r"the link is in (.*); it works once", said)[1])
        assert path.stat().st_mode & 0o077 == 0
        link = path.read_text().strip()
        token = link.partition("token=")[2]
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        answer = _answer(opener, link)
        assert answer.url.endswith("/entered")
        second = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=False
        )
        assert (second.returncode, "another review server" in second.stderr) == (2, True)
        server.send_signal(signal.SIGINT)
        rest = server.stdout.read()
    assert server.returncode == 0
    assert "what was saved is kept" in rest
    assert token not in said + rest


def _answer(opener, link):
    """Wait until the server listens to its socket, which is open from the start."""
    give_up = time.monotonic() + 60
    while True:
        try:
            return opener.open(link, timeout=60)
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)
