import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from omentum.errors import CheckpointError, ConfigError, DownloadError, UnknownNetworkError
from omentum.networks import catalogue, pull
from omentum.networks.catalogue import Published, add_model, find_weights, known_models, remove_model
from omentum.networks.pull import pull_model
from omentum.networks.weights import load_network, tensors_sha256


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder, and its address on a server of this machine."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    folder = tmp_path / "site"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def user(tmp_path, monkeypatch, site, tiny_weights):
    """An empty data folder of a user; only the network `starter` is published, and none is shipped."""
    folder, address = site
    (folder / "small.pth").write_bytes(tiny_weights.read_bytes())
    urls = (f"{address}/gone.pth", f"{address}/small.pth")
    published = Published(name="starter", file="small.pth", parameters="3.7M", urls=urls)
    monkeypatch.setattr(catalogue.resources, "files", lambda _: tmp_path / "package")
    monkeypatch.setattr(pull, "PUBLISHED", {"starter": published})
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def left_over(user):
    return sorted(path.name for path in (user / "downloads").iterdir())


def test_a_published_network_comes_from_the_first_address_that_has_it(user, site, tiny_weights):
    told = []
    assert pull_model("starter", on_progress=lambda *parts: told.append(parts))
    kept = find_weights("starter")
    assert kept == user / "models" / "starter" / "weights.safetensors"
    ours, given = load_network(kept), load_network(tiny_weights)
    assert tensors_sha256(ours.state_dict()) == tensors_sha256(given.state_dict())
    origin = json.loads((kept.parent / "origin.json").read_text())
    assert abs(datetime.now(UTC) - datetime.fromisoformat(origin.pop("time"))).total_seconds() < 60
    url, n_bytes = f"{site[1]}/small.pth", tiny_weights.stat().st_size
    assert origin == {"url": url, "file": "small.pth", "sha256": sha256(tiny_weights), "size_bytes": n_bytes}
    assert told[-1] == (url, n_bytes, n_bytes)
    assert left_over(user) == []
    remove_model("starter")
    assert list((user / "models").iterdir()) == []


def test_what_is_here_is_not_downloaded_again(user, site):
    assert pull_model("starter")
    (site[0] / "small.pth").unlink()
    assert not pull_model("starter")
    with pytest.raises(DownloadError, match="404"):
        pull_model("starter", again=True)
    assert "starter" in known_models()


def test_a_wrong_file_is_dropped_and_the_next_address_tried(user, site, tiny_weights):
    folder, address = site
    (folder / "wrong.pth").write_bytes(b"no weights")
    assert pull_model("starter", urls=[f"{address}/wrong.pth", f"{address}/small.pth"], kept_as="mine")
    assert find_weights("mine").parent.name == "mine"
    assert left_over(user) == []
    with pytest.raises(DownloadError, match=r"wrong\.pth gave a file that is refused: it is damaged") as told:
        pull_model("starter", urls=[f"{address}/wrong.pth"], kept_as="other")
    assert str(user) not in str(told.value)
    assert left_over(user) == []
    (folder / "wrong.pth").write_bytes(tiny_weights.read_bytes())
    assert pull_model("starter", urls=[f"{address}/wrong.pth"], kept_as="other")


def test_a_network_of_another_kind_is_a_wrong_file(user, site, monkeypatch):
    published = Published(
        name="universal-unet", file="unet.pth", parameters="", urls=(f"{site[1]}/small.pth",)
    )
    monkeypatch.setattr(pull, "PUBLISHED", {"universal-unet": published})
    with pytest.raises(DownloadError, match="refused: it is a network of architecture starter"):
        pull_model("universal-unet")
    assert known_models() == {}


def test_a_file_that_changed_is_told_and_does_not_replace_the_old(
    user, site, tiny_weights, tiny_second_weights
):
    assert pull_model("starter")
    kept = find_weights("starter")
    before = {path.name: path.read_bytes() for path in kept.parent.iterdir()}
    assert not pull_model("starter", again=True)
    (site[0] / "small.pth").write_bytes(tiny_second_weights.read_bytes())
    with pytest.raises(CheckpointError) as told:
        pull_model("starter", again=True)
    for part in (
        sha256(tiny_weights),
        sha256(tiny_second_weights),
        "that one stays",
        "omentum models remove",
    ):
        assert part in str(told.value)
    assert {path.name: path.read_bytes() for path in kept.parent.iterdir()} == before
    assert left_over(user) == []
    assert pull_model("starter", kept_as="newer")
    assert sha256(find_weights("newer")) != sha256(kept)


def test_a_file_that_was_added_by_hand_is_compared_too(user, tiny_weights):
    add_model(tiny_weights, "starter")
    assert not pull_model("starter")
    assert not pull_model("starter", again=True)


def test_offline_it_says_how_to_do_without(user):
    with pytest.raises(DownloadError) as told:
        pull_model("starter", urls=["http://127.0.0.1:1/unet.pth"], kept_as="mine")
    assert str(told.value) == (
        "starter was not pulled: http://127.0.0.1:1/unet.pth could not be reached (Connection refused); "
        "connect, or download it elsewhere from one of these addresses and run "
        "`omentum models add FILE --as mine`"
    )


def test_a_name_that_is_taken_is_refused_before_anything_is_downloaded(user, tmp_path, tiny_weights):
    shipped = tmp_path / "package" / "shipped" / "starter" / "weights.safetensors"
    shipped.parent.mkdir(parents=True)
    shipped.write_bytes(tiny_weights.read_bytes())
    with pytest.raises(CheckpointError, match="'starter' already"):
        pull_model("starter")
    assert left_over(user) == []


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name": "nobodys"}, UnknownNetworkError),
        ({"name": "starter", "kept_as": "../evil"}, ConfigError),
        ({"name": "starter", "urls": ["file:///etc/passwd"]}, ConfigError),
    ],
    ids=["unknown", "name", "address"],
)
def test_nonsense_is_refused_before_anything_is_written(user, arguments, error):
    with pytest.raises(error):
        pull_model(**arguments)
    assert not user.exists()
