"""What `keep` drops, when, and what later commands say and do about it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from omentum import loop
from omentum.errors import ConfigError, UnreadableImageError
from omentum.project.kept_probabilities import (
    drop_scored,
    dropped_probabilities,
    needed_again,
    probabilities_sha256,
    read_kept_probabilities,
    with_keep,
)
from omentum.project.paths import ProjectFolder
from omentum.project.project import opened
from omentum.project.settings import read_settings
from omentum.volumes.atomic import write_json
from omentum.volumes.file_hash import file_sha256


@pytest.fixture
def scored(atlas):
    """Function: a project with cases `a` (unsure, so in the queue) and `b`, scored; `keep` as said."""

    def make(keep="all"):
        atlas.add("a", "b")
        for case_id, unsure in (("a", {"liver": atlas.box((2, 9), (2, 9), (9, 14))}), ("b", {})):
            atlas.predict(case_id, {"liver": atlas.box((2, 9), (2, 9), (2, 9))}, unsure=unsure)
            made = atlas.workspace.predictions("synthetic")[case_id]
            write_json(made.summary_path, {"made_with": dict(made.made_with), "organs": {"liver": {}}})
        atlas.workspace = with_keep(atlas.workspace, keep)
        assert loop.score(atlas.workspace).done == ("a", "b")
        return atlas

    return make


def there(atlas, network="synthetic"):
    made = atlas.workspace.predictions(network)
    return {case_id for case_id, one in made.items() if one.probabilities_path.is_file()}


def queued(atlas):
    return {task.case_id for task in atlas.workspace.store.tasks.of_round(1)}


@pytest.mark.parametrize(("keep", "left"), [("all", {"a", "b"}), ("revisit", {"a"}), ("none", set())])
def test_what_stays_once_a_case_is_scored(scored, keep, left):
    atlas = scored(keep)
    assert queued(atlas) == {"a"}
    assert there(atlas) == left


def test_masks_and_the_summary_stay_and_the_summary_says_what_went(scored):
    atlas = scored()
    made = atlas.workspace.predictions("synthetic")["b"]
    size, sha256 = made.probabilities_path.stat().st_size, file_sha256(made.masks_path)
    dropped = drop_scored(with_keep(atlas.workspace, "revisit"))
    assert (dropped.n_cases, dropped.n_bytes) == (1, size)
    assert file_sha256(made.masks_path) == sha256
    summary = json.loads(made.summary_path.read_text())
    assert summary["organs"] == {"liver": {}}
    assert summary["dropped_probabilities"] == {"n_bytes": size, "keep": "revisit", "sha256": ""}
    assert drop_scored(with_keep(atlas.workspace, "revisit")).n_cases == 0


def test_a_case_that_is_not_scored_keeps_its_probabilities(scored):
    atlas = scored("none")
    atlas.add("c")
    atlas.predict("c", {})
    drop_scored(atlas.workspace)
    assert there(atlas) == {"c"}


def test_a_score_of_other_weights_does_not_count(scored):
    atlas = scored()
    atlas.predict("b", {}, weights="x" * 64)
    drop_scored(with_keep(atlas.workspace, "none"))
    assert there(atlas) == {"b"}


def test_what_was_imported_stays_as_it_cannot_be_made_again(scored, atlas):
    scored()
    store = atlas.workspace.store
    made = atlas.workspace.predictions("synthetic")["b"]
    hashes = store.predictions.hashes_of("b", "synthetic")
    store.predictions.keep(replace(made, origin="/elsewhere"), hashes)
    drop_scored(with_keep(atlas.workspace, "none"))
    assert there(atlas) == {"b"}


def test_a_score_that_needs_what_was_dropped_says_so_and_how_it_comes_back(scored):
    atlas = scored("none")
    other = atlas.workspace.settings.changed(scoring="expected-error")
    workspace = replace(atlas.workspace, settings=other)
    failures = loop.score(workspace).failed
    assert {one.key for one in failures} == {"a", "b"}
    for one in failures:
        assert "the probabilities of synthetic were dropped once the case was scored" in one.reason
        assert "as `keep` was 'none'; `omentum predict` makes them again" in one.reason
    assert needed_again(workspace, {}) == {"a", "b"}


def test_nothing_is_needed_again_while_the_scores_of_the_round_stand(scored):
    atlas = scored("none")
    assert needed_again(atlas.workspace, {}) == set()
    assert needed_again(atlas.workspace, {"synthetic": {"b"}}) == {"b"}, "about to change"


def test_another_round_needs_all_again(scored):
    atlas = scored("none")
    store = atlas.workspace.store
    store.rounds.finish(1)
    store.rounds.start("synthetic")
    assert needed_again(atlas.workspace, {}) == {"a", "b"}


def test_a_run_that_was_killed_between_the_note_and_the_file_is_as_if_nothing_was_dropped(scored):
    atlas = scored()
    made = atlas.workspace.predictions("synthetic")["b"]
    whole = made.probabilities_path.read_bytes()
    drop_scored(with_keep(atlas.workspace, "none"))
    made.probabilities_path.write_bytes(whole)
    assert dropped_probabilities(made) is None
    assert set(read_kept_probabilities(made).parts) == {"liver"}
    drop_scored(with_keep(atlas.workspace, "none"))
    assert dropped_probabilities(made) is not None


def test_the_hash_of_dropped_probabilities_is_kept_where_an_average_was_made_from_them(scored):
    atlas = scored()
    made = atlas.workspace.predictions("synthetic")
    sha256 = file_sha256(made["b"].probabilities_path)
    atlas.predict("b", {"liver": atlas.box((2, 9), (2, 9), (2, 9))}, network="average")
    rescored = with_keep(atlas.workspace, "none")
    loop.score(rescored)
    assert probabilities_sha256(made["b"]) == sha256
    with pytest.raises(UnreadableImageError, match="were dropped once the case was scored"):
        probabilities_sha256(made["a"])


def test_keep_is_set_for_later_commands_and_a_wrong_one_changes_nothing(scored):
    atlas = scored()
    path = ProjectFolder(atlas.workspace.folder.root).settings_path
    with pytest.raises(ConfigError, match="keep is 'some', but it must be one of all, revisit, none"):
        with_keep(atlas.workspace, "some")
    assert read_settings(path).keep == "all"
    with_keep(atlas.workspace, "revisit")
    assert read_settings(path).keep == "revisit"
    with opened(atlas.workspace.folder.root, looking=True) as project:
        assert project.settings.keep == "revisit"


def test_a_lost_file_that_nobody_dropped_is_still_an_error(scored):
    atlas = scored()
    made = atlas.workspace.predictions("synthetic")["b"]
    made.probabilities_path.unlink()
    assert dropped_probabilities(made) is None
    with pytest.raises(UnreadableImageError, match="run `omentum predict` again"):
        read_kept_probabilities(made)


def test_nothing_is_dropped_while_another_program_works(scored):
    project = with_keep(scored().workspace, "none")
    ledger = project.store.ledger
    ledger.offer("predict other", ["a"])
    assert ledger.claim("predict other", "elsewhere:1:abcdef-0", 1, timedelta(minutes=2)) == ["a"]
    assert drop_scored(project).n_cases == 0
    ledger.give_back("predict other", "elsewhere:1:abcdef-0")
    assert drop_scored(project).n_cases == 2
