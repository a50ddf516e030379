"""`omentum review serve` serves this machine alone by a link or, with people, all who log in."""

import json
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from omentum.project.accounts import add_person
from omentum.project.project import opened
from omentum.records.people import Role

_PROGRAM = "import sys; from omentum.app.cli import main; sys.argv = ['omentum', *sys.argv[1:]]; main()"


@pytest.fixture
def project(omentum, tmp_path, tiny_weights, home):
    assert omentum("init", tmp_path / "atlas", "--network", "tiny").code == 0
    return tmp_path / "atlas"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_another_address_is_refused_where_nobody_logs_in(omentum, project, host):
    ran = omentum("-C", project, "review", "serve", "--host", host, "--no-browser")
    assert ran.code == 2
    assert "there are no people" in ran.err
    assert "omentum people add" in ran.err
    assert "ssh -L" in ran.err


@pytest.fixture
def people(project):
    with opened(project) as found:
        add_person(found.store, "chief", [Role.ADMIN], password="four words of chief")


def test_another_address_is_refused_where_passwords_would_go_in_the_clear(omentum, project, people):
    ran = omentum(
        "-C", project, "review", "serve", "--host", "0.0.0.0", "--host-name", "localhost", "--no-browser"
    )
    assert ran.code == 2
    assert "--tls-cert" in ran.err
    assert "--proxy" in ran.err


def test_what_is_no_certificate_is_refused_in_one_sentence(omentum, project, people, tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    words = ["--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "cert.pem"]
    ran = omentum("-C", project, "review", "serve", "--port", "0", "--no-browser", *words)
    assert ran.code == 2
    assert "PEM form" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.fixture
def certificate(tmp_path):
    """Options with a certificate that was just made."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which makes the certificate, is not installed")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([openssl, *words, *names], check=True, capture_output=True)
    return ["--tls-cert", str(cert), "--tls-key", str(key)]


def test_with_people_and_a_certificate_all_may_log_in_and_no_link_is_made(project, people, certificate):
    words = ["-C", str(project), "review", "serve", "--port", "0", "--no-browser", "--host", "0.0.0.0"]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words, "--host-name", "localhost", *certificate],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        said = server.stdout.readline()
        port = re.search(r"open https://\S+:(\d+)/ and log in", said)[1]
        address = f"https://localhost:{port}"
        trusted = ssl.create_default_context(cafile=certificate[1])
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted))
        told = json.dumps({"name": "chief", "password": "four words of chief"}).encode()
        headers = {"content-type": "application/json", "origin": address}
        answer = _answer(opener, urllib.request.Request(f"{address}/api/login", told, headers))
        assert answer.status == 204
        assert "Secure" in answer.headers["set-cookie"]
        server.send_signal(signal.SIGINT)
        server.stdout.read()
    assert server.returncode == 0
    assert not (project / "cache" / "review" / "link.txt").exists()


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
