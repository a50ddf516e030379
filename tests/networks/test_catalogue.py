import hashlib
import json
import os

import pytest

from omentum.errors import CheckpointError, ConfigError, UnknownNetworkError
from omentum.networks import catalogue
from omentum.networks.catalogue import (
    AVERAGE,
    PUBLISHED,
    WEIGHTS_FILE,
    add_model,
    check_free,
    default_networks,
    find_weights,
    home,
    known_models,
    origin_of,
    remove_model,
)
from omentum.networks.mask_folders import keep_mask_folder, known_mask_folders
from omentum.networks.network import ARCHITECTURES, NetworkSpec, build
from omentum.networks.weights import load_network, save_network, tensors_sha256


@pytest.fixture
def user(tmp_path, monkeypatch):
    """An empty data folder of a user."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "user"))
    return tmp_path / "user"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """What the package ships, in another place."""
    monkeypatch.setattr(catalogue.resources, "files", lambda _: tmp_path / "package")
    return tmp_path / "package" / "shipped"


def put(folder, name):
    """Put something in the place of weights."""
    path = folder / name / WEIGHTS_FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def test_the_users_folder_is_where_the_environment_says(user):
    assert home() == user


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_word_it_is_where_the_system_keeps_data(monkeypatch, tmp_path, value):
    monkeypatch.delenv("OMENTUM_HOME", raising=False)
    if value is not None:
        monkeypatch.setenv("OMENTUM_HOME", value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert "omentum" in home().name
    assert home().is_absolute()


def test_a_projects_network_hides_the_users_and_the_users_the_shipped_one(user, shipped, tmp_path):
    in_project = tmp_path / "project" / "networks"
    in_shipped = put(shipped, "one")
    assert find_weights("one", in_project) == in_shipped
    in_user = put(user / "models", "one")
    assert find_weights("one", in_project) == in_user
    in_own = put(in_project, "one")
    assert find_weights("one", in_project) == in_own
    assert find_weights("one") == in_user


def test_all_networks_are_listed_by_name(user, shipped, tmp_path):
    put(shipped, "starter"), put(user / "models", "mine"), put(tmp_path / "project", "starter-r1")
    (user / "models" / "empty").mkdir()
    assert set(known_models()) == {"starter", "mine"}
    assert set(known_models(tmp_path / "project")) == {"starter", "mine", "starter-r1"}


def test_folders_that_are_missing_hold_nothing(user, shipped, tmp_path):
    assert not user.exists()
    assert not shipped.exists()
    assert known_models(tmp_path / "nowhere") == {}


def test_a_project_begins_with_the_starter_and_a_second_opinion_where_there_is_one(user, shipped):
    assert default_networks() == ("starter",)
    put(shipped, "starter"), put(shipped, "mine")
    assert default_networks() == ("starter",)
    put(shipped, "starter-second")
    assert default_networks() == ("starter", "starter-second")


def test_an_unknown_name_is_refused_with_those_that_there_are(user, shipped):
    put(shipped, "starter"), put(user / "models", "mine")
    with pytest.raises(UnknownNetworkError, match=r"'yours'.*mine, starter.*models add"):
        find_weights("yours")


def test_a_published_network_that_is_not_here_yet_can_be_pulled(user, shipped):
    with pytest.raises(UnknownNetworkError, match=r"not here yet.*`omentum models pull universal-unet`"):
        find_weights("universal-unet")
    with pytest.raises(UnknownNetworkError, match="to pull are universal-unet, universal-swinunetr"):
        find_weights("universal")


def test_the_published_ones_are_those_of_the_reference(shared):
    table = json.loads((shared / "reference" / "tables" / "checkpoints.json").read_text())["checkpoints"]
    assert list(PUBLISHED) == [row["name"] for row in table]
    for row, ours in zip(table, PUBLISHED.values(), strict=True):
        assert (ours.file, ours.parameters) == (row["file"], row["parameters"])
        assert [url.removesuffix("?dl=1") for url in ours.urls] == row["urls"]
        assert ours.name in ARCHITECTURES


def test_where_a_network_came_from_is_recorded(user, shipped, tiny_weights):
    origin = origin_of(add_model(tiny_weights, "mine"))
    content = tiny_weights.read_bytes()
    assert (origin.url, origin.file) == (None, str(tiny_weights))
    assert (origin.sha256, origin.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert origin_of(put(shipped, "starter")) is None


def test_organs_of_a_files_classes_are_passed_on(user, tiny_weights):
    with pytest.raises(CheckpointError, match="names its organs already"):
        add_model(tiny_weights, "mine", organs=("liver",))


def test_a_network_is_added_and_removed(user, tiny_weights):
    kept = add_model(tiny_weights, "mine")
    assert kept == user / "models" / "mine" / WEIGHTS_FILE
    assert find_weights("mine") == kept
    given, ours = load_network(tiny_weights), load_network(kept)
    assert ours.spec == given.spec
    assert tensors_sha256(ours.state_dict()) == tensors_sha256(given.state_dict())
    remove_model("mine")
    assert "mine" not in known_models()
    assert tiny_weights.is_file()
    assert list((user / "models").iterdir()) == []


def test_what_is_kept_is_a_copy(user, tmp_path):
    given = tmp_path / "given.safetensors"
    save_network(given, build(NetworkSpec(architecture="starter", organs=("liver",), spacing_mm=3.0)))
    kept = add_model(given, "mine")
    given.unlink()
    assert not kept.is_symlink()
    load_network(kept)


def test_a_name_that_is_taken_is_refused_whoever_has_it(user, shipped, tiny_weights):
    put(shipped, "starter"), put(user / "models", "mine")
    for name in ("starter", "mine"):
        with pytest.raises(CheckpointError, match=f"'{name}' already"):
            add_model(tiny_weights, name)
    assert (user / "models" / "mine" / WEIGHTS_FILE).read_bytes() == b"weights"
    assert not (user / "models" / "starter").exists()


def test_the_name_of_the_average_is_nobodys(user, tiny_weights, tmp_path):
    assert AVERAGE == "average"
    for file in (tiny_weights, tmp_path):
        with pytest.raises(ConfigError, match=r"'average'.*the average of several"):
            check_free(file, "average")
    with pytest.raises(ConfigError, match="'average'"):
        add_model(tiny_weights, "average")
    assert not user.exists()
    check_free(tiny_weights, "average-of-mine")


def test_weights_and_files_from_elsewhere_never_share_a_name(user, shipped, tiny_weights, tmp_path):
    put(shipped, "starter"), put(user / "models", "mine")
    keep_mask_folder("theirs", tmp_path, "omentum", ["liver"])
    for name in ("starter", "mine", "theirs"):
        for file in (tiny_weights, tmp_path):
            with pytest.raises(CheckpointError, match=rf"{file}.*'{name}' already"):
                check_free(file, name)
    with pytest.raises(CheckpointError, match="'theirs' already"):
        add_model(tiny_weights, "theirs")
    assert set(known_models()) == {"starter", "mine"}
    assert set(known_mask_folders()) == {"theirs"}
    check_free(tmp_path, "yours")


def test_an_unknown_name_is_refused_with_those_that_ran_elsewhere_too(user, shipped, tmp_path):
    put(shipped, "starter")
    keep_mask_folder("theirs", tmp_path, "omentum", ["liver"])
    with pytest.raises(UnknownNetworkError, match=r"'yours'; known are starter, theirs;"):
        find_weights("yours")


def test_a_network_that_ran_elsewhere_is_removed_and_what_it_left_stays(user, tmp_path):
    left, mine = tmp_path / "left", put(user / "models", "mine")
    left.mkdir()
    keep_mask_folder("theirs", left, "omentum", ["liver"])
    with pytest.raises(UnknownNetworkError, match="known are mine, theirs"):
        remove_model("yours")
    remove_model("theirs")
    assert known_mask_folders() == {}
    assert left.is_dir()
    assert mine.is_file()
    assert [path.name for path in (user / "models").iterdir()] == ["mine"]
    with pytest.raises(UnknownNetworkError, match="'theirs'"):
        remove_model("theirs")


@pytest.mark.parametrize("name", ["../evil", "a/b", "", ".hidden", "/tmp/evil", ".."])
def test_a_name_that_leads_out_of_the_folder_is_refused(user, tiny_weights, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError, match="names a folder"):
        add_model(tiny_weights, name)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_that_does_not_fit_is_refused_and_nothing_kept(user, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no weights at all")
    with pytest.raises(CheckpointError, match=r"bad\.safetensors"):
        add_model(bad, "mine")
    assert not user.exists()


def test_only_the_users_own_networks_can_be_removed(user, shipped, tmp_path):
    kept = put(shipped, "starter")
    put(user / "models", "mine")
    outside = put(tmp_path, "outside")
    for name in ("starter", "yours", os.path.join("..", "..", "outside"), ""):  # noqa: PTH118
        with pytest.raises(UnknownNetworkError, match="known are mine"):
            remove_model(name)
    assert kept.is_file()
    assert outside.is_file()
