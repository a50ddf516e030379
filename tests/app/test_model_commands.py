"""`omentum models`: from a server on this machine to a network that predicts, and what is said on the way."""

import hashlib
import json
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from omentum.networks import catalogue, pull
from omentum.networks.catalogue import Published
from omentum.networks.weights import load_network, tensors_sha256


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path, monkeypatch, tiny_weights):
    """A server that has `small.pth`; `starter` is published there, as if it were not shipped."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    site = tmp_path / "site"
    site.mkdir()
    (site / "small.pth").write_bytes(tiny_weights.read_bytes())
    (site / "page.pth").write_text("<html>agree to our terms</html>")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    published = Published(name="starter", file="small.pth", parameters="3.7M", urls=(f"{url}/small.pth",))
    for module in (catalogue, pull):
        monkeypatch.setattr(module, "PUBLISHED", {"starter": published})
    monkeypatch.setattr(catalogue.resources, "files", lambda _: tmp_path / "package")
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "user"))
    yield url
    server.shutdown()
    server.server_close()


def listed(omentum, *where):
    return {row["name"]: row for row in json.loads(omentum(*where, "models", "list", "--json").out)}


def test_pulling_explains_itself_with_an_example(omentum):
    assert "Example: omentum models pull" in " ".join(omentum("models", "pull", "--help").out.split())


def test_a_published_network_is_listed_shown_pulled_and_removed(omentum, address, tiny_weights):
    assert listed(omentum) == {"starter": {"name": "starter", "state": "to pull", "weights": None}}
    shown = omentum("models", "show", "starter").out
    for part in (f"{address}/small.pth", "3.7M", "omentum models pull starter"):
        assert part in shown

    ran = omentum("models", "pull", "starter")
    assert ran.code == 0
    assert ran.out.startswith("starter is kept in ")
    assert ran.out.endswith(": starter, 9 organs\n")
    assert ran.err == f"starter from {address}/small.pth\n"

    assert listed(omentum)["starter"]["state"] == "here"
    shown = json.loads(omentum("models", "show", "starter", "--json").out)
    network = load_network(tiny_weights)
    assert (shown["architecture"], shown["voxel_mm"]) == ("starter", 8.0)
    assert shown["organs"] == list(network.spec.organs)
    assert shown["parameters"] == sum(value.numel() for value in network.parameters())
    assert shown["weights_sha256"] == tensors_sha256(network.state_dict())
    assert shown["weights"] == listed(omentum)["starter"]["weights"]
    assert shown["origin"]["url"] == f"{address}/small.pth"
    assert shown["origin"]["sha256"] == hashlib.sha256(tiny_weights.read_bytes()).hexdigest()
    assert shown["model_card"] is None
    in_words = omentum("models", "show", "starter").out
    assert "8 mm" in in_words
    assert f"url: {address}/small.pth" in in_words

    assert "is here already" in omentum("models", "pull", "starter").out
    assert "has not changed" in omentum("models", "pull", "starter", "--again").out
    assert omentum("models", "remove", "starter").code == 0
    assert listed(omentum)["starter"]["state"] == "to pull"


def test_other_addresses_and_another_name_can_be_given(omentum, address):
    ran = omentum(
        "models", "pull", "starter", "--as", "mine",
        "--url", f"{address}/page.pth", "--url", f"{address}/small.pth",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert set(listed(omentum)) == {"mine", "starter"}


@pytest.mark.parametrize(
    ("path", "said"),
    [("page.pth", "a web page"), ("none.pth", "404"), ("", "a web page")],
    ids=["page", "none", "index"],
)
def test_a_pull_that_fails_is_one_sentence_with_the_way_around_it(omentum, address, path, said):
    ran = omentum("models", "pull", "starter", "--url", f"{address}/{path}")
    assert ran.code == 2
    last = ran.err.splitlines()[-1]
    assert last.startswith(f"omentum: starter was not pulled: {address}/{path} ")
    assert said in last
    assert "omentum models add FILE --as starter" in last
    assert listed(omentum)["starter"]["state"] == "to pull"


def test_a_network_that_is_not_here_yet_names_the_command_that_gets_it(omentum, home, cohort, tmp_path):
    ct = cohort / "phantom_0000" / "ct.nii.gz"
    ran = omentum("predict", ct, "-o", tmp_path / "out", "--network", "universal-unet")
    assert ran.code == 2
    assert "`omentum models pull universal-unet`" in ran.err
    assert omentum("models", "pull", "nobodys").code == 2
    assert not (tmp_path / "out").exists()


def test_adding_says_what_was_recognised(omentum, home, tiny_weights):
    ran = omentum("models", "add", tiny_weights, "--as", "mine")
    assert ran.out.endswith(": starter, 9 organs\n")
    assert str(tiny_weights) in omentum("models", "show", "mine").out
    ran = omentum("models", "add", tiny_weights, "--as", "other", "--organs", "liver,spleen")
    assert ran.code == 2
    assert "organs already" in ran.err


def test_a_shipped_network_names_its_model_card(omentum, home):
    card = json.loads(omentum("models", "show", "starter", "--json").out)["model_card"]
    assert card.endswith("shipped/starter/model-card.md")


def test_a_projects_own_networks_are_listed_and_shown_inside_it(omentum, home, tiny_weights, tmp_path):
    project = tmp_path / "atlas"
    assert omentum("init", project, "--network", "tiny").code == 0
    tuned = project / "networks" / "tiny-r1" / "weights.safetensors"
    tuned.parent.mkdir(parents=True)
    tuned.write_bytes(tiny_weights.read_bytes())
    assert listed(omentum, "-C", project)["tiny-r1"]["weights"] == str(tuned)
    assert omentum("-C", project, "models", "show", "tiny-r1").code == 0
    assert "tiny-r1" not in listed(omentum)
    assert "tiny-r1" not in listed(omentum, "-C", tuned.parent)
