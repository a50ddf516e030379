"""Where the files of a project lie, and how a project begins."""

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from omentum.errors import ConfigError, ProjectError, UnknownOrganError
from omentum.names import pseudonym
from omentum.project.paths import (
    ProjectFolder,
    Settings,
    create_project,
    open_project,
    read_secret,
)
from omentum.project.settings import change_settings, read_settings, write_settings


@pytest.fixture
def folder(tmp_path):
    return create_project(tmp_path / "my-atlas", Settings(overlap=0.25))


def test_a_project_that_was_made_is_opened_with_its_settings(folder):
    assert open_project(folder.root) == (folder, Settings(overlap=0.25))
    assert folder.cases_dir.is_dir()


def test_paths_are_those_that_the_design_names():
    folder = ProjectFolder(Path("my-atlas"))
    paths = {
        folder.settings_path: "omentum.toml",
        folder.case_dir("c1"): "cases/c1",
        folder.prediction_dir("c1", "starter"): "cases/c1/networks/starter",
        folder.attention_dir("c1"): "cases/c1/attention",
        folder.revision_dir("c1", "liver"): "cases/c1/revisions/liver",
        folder.network_dir("starter-r2"): "networks/starter-r2",
        folder.round_dir(3): "rounds/3",
        folder.release_dir("V1"): "releases/V1",
        folder.cache_dir: "cache",
    }
    assert {path: path.relative_to("my-atlas").as_posix() for path in paths} == paths
    assert folder.release_dir("V1").parent == folder.releases_dir


def test_an_organ_has_one_folder_however_it_is_spelled():
    folder = ProjectFolder(Path("my-atlas"))
    assert folder.revision_dir("c1", "celiac_truck") == folder.revision_dir("c1", "celiac_trunk")


@pytest.mark.parametrize("name", ["..", "../../etc", "/etc", ""])
def test_no_name_leads_out_of_the_project(name):
    folder = ProjectFolder(Path("my-atlas"))
    for path_of in (folder.case_dir, folder.attention_dir, folder.network_dir, folder.release_dir):
        with pytest.raises(ConfigError):
            path_of(name)
    with pytest.raises(ConfigError, match="network is"):
        folder.prediction_dir("c1", name)
    with pytest.raises(UnknownOrganError):
        folder.revision_dir("c1", name)


def test_rounds_count_from_one():
    with pytest.raises(ConfigError, match="round is 0"):
        ProjectFolder(Path("my-atlas")).round_dir(0)


def test_a_project_is_not_made_over_another(folder):
    before = folder.settings_path.read_bytes(), folder.secret_path.read_bytes()
    with pytest.raises(ProjectError, match="holds a project already"):
        create_project(folder.root, Settings())
    assert (folder.settings_path.read_bytes(), folder.secret_path.read_bytes()) == before


def test_a_project_is_made_among_other_files(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    create_project(tmp_path, Settings())
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_no_project_is_made_where_a_file_is_in_the_way(tmp_path):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("mine")
    with pytest.raises(ProjectError, match="no project can be made"):
        create_project(in_the_way, Settings())


def test_making_a_project_that_was_cut_short_keeps_its_secret(folder):
    secret = read_secret(folder)
    folder.settings_path.unlink()
    create_project(folder.root, Settings())
    assert read_secret(folder) == secret


def test_a_folder_without_a_project_says_how_to_make_one(tmp_path):
    with pytest.raises(ProjectError, match="omentum init"):
        open_project(tmp_path)


def test_the_secret_is_for_its_owner_only_and_never_the_same(folder, tmp_path):
    assert stat.S_IMODE(folder.secret_path.stat().st_mode) == 0o600
    other = create_project(tmp_path / "other", Settings())
    assert read_secret(folder) != read_secret(other)
    assert len(read_secret(folder)) == 32


@pytest.mark.parametrize("damaged", [None, b"", b"not hexadecimal", b"abcd\n", b"\xff\xfe"])
def test_a_lost_secret_is_refused_rather_than_made_anew(folder, damaged):
    folder.secret_path.unlink()
    if damaged is not None:
        folder.secret_path.write_bytes(damaged)
    with pytest.raises(ProjectError, match="backup"):
        read_secret(folder)


def test_a_pseudonym_is_the_keyed_hash_of_the_identity(folder):
    secret = read_secret(folder)
    expected = hmac.digest(secret, b"Mueller^Eva", hashlib.sha256).hex()
    assert pseudonym(secret, "Mueller^Eva") == f"p-{expected[:16]}"
    assert pseudonym(bytes(32), "Mueller^Eva") != pseudonym(secret, "Mueller^Eva")


def test_a_change_leaves_peoples_own_comments(tmp_path):
    path = tmp_path / "omentum.toml"
    text = '# ours\norgans = [\n  "liver", # big\n  "spleen",\n]\n\n# slow disk\noverlap = 0.25\n'
    path.write_text(text)
    changed = change_settings(path, {"organs": ("liver", "spleen", "colon"), "new_organs": ("colon=liver",)})
    assert read_settings(path) == changed
    assert changed.organs == ("spleen", "liver", "colon")
    assert changed.similar_to_new == {"colon": ("liver",)}
    assert changed.overlap == 0.25
    now = path.read_text()
    assert now.startswith("# ours\n")
    assert "# slow disk\noverlap = 0.25" in now
    again = change_settings(path, {"new_organs": ("colon",)})
    assert read_settings(path) == again
    assert path.read_text().count("new_organs =") == 1


def test_a_list_written_in_an_odd_way_is_changed_all_the_same(tmp_path):
    path = tmp_path / "omentum.toml"
    path.write_text('organs = ["liver", # [or not]\n"spleen"]\noverlap = 0.25\n')
    change_settings(path, {"organs": ("liver", "colon")})
    assert read_settings(path).organs == ("liver", "colon")
    assert read_settings(path).overlap == 0.25


def test_a_change_that_cannot_be_used_leaves_the_file_as_it_is(tmp_path):
    path = tmp_path / "omentum.toml"
    write_settings(path, Settings())
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="soul"):
        change_settings(path, {"organs": ("soul",)})
    with pytest.raises(ConfigError, match="'colon' must be one of organs"):
        change_settings(path, {"new_organs": ("colon",)})
    with pytest.raises(ConfigError, match="soul"):
        change_settings(path, {"new_organs": ("liver=soul",)})
    assert path.read_bytes() == before
