"""What `omentum.toml` may say, and what a name that becomes a folder may be."""

import tomllib
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from omentum.errors import ConfigError, ProjectError
from omentum.predict.postprocess.recipes import RECIPES
from omentum.project.settings import (
    POSTPROCESSING,
    Settings,
    checked_name,
    read_settings,
    write_settings,
)
from omentum.volumes.labels import ORGANS, SUBSETS

_ORGAN_NAMES = [row.name for row in ORGANS]
_NAMES = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_-]{0,20}", fullmatch=True)


@st.composite
def any_settings(draw):
    return Settings(
        organs=tuple(draw(st.lists(st.sampled_from(_ORGAN_NAMES), min_size=1, unique=True))),
        networks=tuple(draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))),
        database="sqlite:///" + draw(st.text().filter(str.isprintable)),
        budget_minutes=draw(st.floats(1, 1e6)),
        held_out_share=draw(st.floats(0, 0.9)),
        surface_tolerance_mm=draw(st.floats(0.01, 100)),
        overlap=draw(st.none() | st.floats(0, 0.9)),
        postprocessing=draw(st.sampled_from(sorted(POSTPROCESSING))),
    )


@examples(deadline=None)
@given(settings=any_settings())
def test_what_is_written_is_read_again(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("settings") / "omentum.toml"
    write_settings(path, settings)
    assert read_settings(path) == settings


def test_a_file_without_a_word_gives_the_defaults(tmp_path):
    path = tmp_path / "omentum.toml"
    path.write_text("")
    assert read_settings(path) == Settings()
    assert set(Settings().organs) == set(SUBSETS["abdomenatlas-1.0"])


def test_every_setting_is_written_below_a_comment_that_explains_it(tmp_path):
    path = tmp_path / "omentum.toml"
    write_settings(path, Settings(overlap=0.5))
    lines = path.read_text().splitlines()
    for name, field in Settings.model_fields.items():
        if name == "run":
            continue  # a table; `test_run_settings.py`
        (place,) = [index for index, line in enumerate(lines) if line.startswith(f"{name} = ")]
        comment = takewhile(lambda line: line.startswith("# "), reversed(lines[:place]))
        assert " ".join(line.removeprefix("# ") for line in [*comment][::-1]) == field.description
        assert len(field.description) > 30
    assert all(len(line) <= 110 for line in lines if line.startswith("#"))
    assert set(tomllib.loads(path.read_text())) == set(Settings.model_fields)


def test_windows_overlap_as_the_postprocessing_says_unless_a_project_says_otherwise(tmp_path):
    path = tmp_path / "omentum.toml"
    write_settings(path, Settings())
    assert "overlap" not in tomllib.loads(path.read_text())
    assert read_settings(path).window_overlap == 0.5
    path.write_text(path.read_text().replace('processing = "default"', 'processing = "published"'))
    assert read_settings(path).window_overlap == 0.75
    assert Settings(postprocessing="published", overlap=0.25).window_overlap == 0.25


def test_masks_are_cleaned_up_by_the_default_rules_unless_a_project_says_otherwise(tmp_path):
    assert Settings().postprocessing == "default"
    path = tmp_path / "omentum.toml"
    path.write_text('postprocessing = "published"')
    assert read_settings(path).postprocessing == "published"


def test_a_key_of_the_version_before_is_taken_with_a_word(tmp_path, caplog):
    path = tmp_path / "omentum.toml"
    path.write_text('recipe = "published"')
    assert read_settings(path).scoring == "published"
    assert "`recipe` is called `scoring` now" in caplog.text


def test_every_recipe_of_the_settings_is_one_that_there_is():
    assert set(POSTPROCESSING) == set(RECIPES)


def test_a_subset_stands_for_its_organs_and_organs_come_in_the_order_of_the_table(tmp_path):
    path = tmp_path / "omentum.toml"
    path.write_text('organs = ["colon", "abdomenatlas-1.0", "celiac_truck"]')
    organs = read_settings(path).organs
    assert set(organs) == {*SUBSETS["abdomenatlas-1.0"], "colon", "celiac_trunk"}
    assert list(organs) == [name for name in _ORGAN_NAMES if name in organs]


def test_a_file_saved_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "omentum.toml"
    path.write_bytes(b"\xef\xbb\xbfoverlap = 0.25\r\n")
    assert read_settings(path).overlap == 0.25


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "overlaps = 0.5",
            "a key of omentum.toml is 'overlaps', but the keys are organs, networks",
        ),
        ("[overlap]\nshare = 0.5", "overlap is {'share': 0.5}"),
        ("overlap = 0.95", "overlap is 0.95, but it must be less than or equal to 0.9"),
        ("overlap = true", "overlap is True"),
        ("overlap = nan", "overlap is nan"),
        ("budget_minutes = inf", "budget_minutes is inf"),
        ("budget_minutes = '60'", "budget_minutes is '60'"),
        ("held_out_share = -0.1", "held_out_share is -0.1"),
        ("surface_tolerance_mm = 0", "surface_tolerance_mm is 0"),
        ("organs = 'liver'", "organs is 'liver', but it must be a list"),
        ("organs = []", "at least one name"),
        ("organs = ['liver', 'liver']", "each name only once"),
        ("organs = ['livre']", "organs is ['livre'], but known are omentum, abdomenatlas-1.0"),
        ("organs = [5]", "organs.0 is 5"),
        ("networks = ['../starter']", "networks is '../starter'"),
        ("scoring = 'guess'", "scoring is 'guess', but it must be one of expected-error, published"),
        ("scoring = ['published']", "scoring is ['published']"),
        ("scoring = 'published'\nrecipe = 'published'", "a key of omentum.toml is 'recipe'"),
        ("postprocessing = 'none'", "postprocessing is 'none', but it must be one of default, published"),
        ("postprocessing = false", "postprocessing is False"),
        ("database = 'omentum.db'", "begin with sqlite://"),
        ("database = 3", "database is 3, but it must be a valid string"),
        ("database = 'sqlite:///a\\u0000b'", "it must be a URL"),
        ("database = 'mysql://me@there/it'", "begin with sqlite:// or postgresql+psycopg://"),
    ],
)
def test_nonsense_is_refused_with_what_was_seen_and_the_rule(tmp_path, text, said):
    path = tmp_path / "omentum.toml"
    path.write_text(text.replace("'", '"'))
    with pytest.raises(ConfigError) as caught:
        read_settings(path)
    assert said in str(caught.value)


def test_a_refused_database_does_not_show_its_password():
    with pytest.raises(ConfigError) as caught:
        Settings(database="postgresql://me:hunter2@there/atlas")
    assert "hunter2" not in str(caught.value)
    assert "postgresql+psycopg://" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "seen"),
    [
        ("overlap = 0.5\nrecipe is published\n", 2, "'recipe is published'"),
        ("overlap = 0.5\noverlap = 0.25\n", 2, "'overlap = 0.25'"),
        ("overlap = 0.5\n\norgans = ['liver'", 3, "liver"),
    ],
)
def test_broken_toml_is_refused_with_its_line(tmp_path, text, line, seen):
    path = tmp_path / "omentum.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=f"line {line} of .*omentum.toml") as caught:
        read_settings(path)
    assert seen in str(caught.value)


def test_text_that_is_not_utf_8_is_refused(tmp_path):
    path = tmp_path / "omentum.toml"
    path.write_bytes("# Größe\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="UTF-8"):
        read_settings(path)


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(ProjectError, match="cannot be read"):
        read_settings(tmp_path)


@pytest.mark.parametrize("name", ["BTCV_0002", "a", "1.2.840.1", "-x", "_", "a" * 100, "a.b-c_d"])
def test_a_name_that_is_safe_as_a_folder_is_taken(name):
    assert checked_name("case_id", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a\\b",
        "a..b",
        "a b",
        "a\n",
        "ä",
        "٣",
        "a\0",
        "a" * 101,
        "C:",
        "~",
        None,
        3,
    ],
)
def test_a_name_that_is_not_safe_as_a_folder_is_refused(name):
    with pytest.raises(ConfigError, match=r"case_id is .* but it names a folder"):
        checked_name("case_id", name)


@given(name=st.text(max_size=120))
def test_a_name_that_is_taken_stays_in_its_folder(name, tmp_path_factory):
    root = tmp_path_factory.getbasetemp()
    try:
        checked_name("case_id", name)
    except ConfigError:
        return
    assert (root / name).resolve().parent == root.resolve()
    assert len(name.encode()) <= 100
