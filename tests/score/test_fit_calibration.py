import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ProjectError
from omentum.score.expected_error_case import LEVELS_NAME
from omentum.score.fit_calibration import CALIBRATION_NAME, round_calibration
from omentum.score.published_case import HOT_SPOTS_NAME
from omentum.score.stage import score_round
from omentum.volumes.probabilities import read_probabilities


@pytest.fixture
def shown(atlas):
    return atlas.box((4, 12), (4, 14), (4, 14))


@pytest.fixture
def longer(atlas):
    """What a reader made of it: 24 mm longer."""
    return atlas.box((4, 18), (4, 14), (4, 14))


@pytest.fixture
def learning(atlas, shown, longer, shipped_by_hand):
    """Two cases with a liver each, in a project that scores by expected error; round 1 is scored."""
    settings = atlas.workspace.settings.changed(scoring="expected-error")
    atlas.workspace = replace(atlas.workspace, settings=settings)
    atlas.add("a", "b")
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": shown}, unsure={"liver": longer & ~shown})
    assert score_round(atlas.workspace).failed == ()
    return atlas


def revised(atlas, case_id, mask, name="liver"):
    atlas.hand_in(case_id, name, mask)


def second_round(atlas, mask, name="synthetic-r1"):
    atlas.next_round(name)
    for case_id in ("a", "b"):
        atlas.predict(case_id, {"liver": mask})


def path_of(atlas, number):
    return atlas.workspace.folder.round_dir(number) / CALIBRATION_NAME


def test_the_first_round_goes_by_the_prior(learning, shipped_by_hand):
    calibration = round_calibration(learning.workspace)
    assert calibration.counts == {}
    assert calibration.prior is shipped_by_hand
    assert path_of(learning, 1).is_file()


def test_the_second_round_learns_from_the_revisions_of_the_first(learning, longer):
    levels = read_probabilities(learning.workspace.folder.attention_dir("a") / LEVELS_NAME)
    seen_ml = np.count_nonzero(levels.parts["liver"][1]) * levels.geometry.voxel_ml
    revised(learning, "a", longer)
    second_round(learning, longer)
    learned = round_calibration(learning.workspace)
    assert learned.counts.keys() == {"liver"}
    counts = learned.counts["liver"]
    assert counts.n_organs == 1
    assert counts.seen_ml.sum() == pytest.approx(seen_ml)
    # 24 x 40 x 40 mm are missing, of which what is 3 mm from the new surface counts
    assert 21 * 34 * 34 / 1000 * 0.7 < counts.wrong_ml.sum() < 24 * 40 * 40 / 1000
    assert (counts.wrong_ml <= counts.seen_ml).all()


def test_a_mask_that_was_accepted_teaches_that_nothing_was_wrong(learning, shown, shipped_by_hand):
    before = round_calibration(learning.workspace).table("liver")
    revised(learning, "a", shown)
    second_round(learning, shown)
    learned = round_calibration(learning.workspace)
    assert learned.counts["liver"].n_organs == 1
    assert not learned.counts["liver"].wrong_ml.any()
    assert (learned.table("liver") <= before + 1e-6).all()
    assert (learned.table("liver") < before - 1e-6).any()
    np.testing.assert_allclose(learned.table("spleen"), before)


def test_rules_that_were_broken_are_counted_as_right_or_not(learning, shown, longer):
    """A block of so few millilitres is far too small for a liver, and its six flat faces count once."""
    revised(learning, "a", shown)
    revised(learning, "b", longer)
    second_round(learning, longer)
    assert round_calibration(learning.workspace).counts["liver"].rules == {
        "extreme_volume": (1, 2),
        "cut_plane": (1, 2),
    }


def test_scores_from_before_rules_were_kept_teach_nothing_of_them(learning, longer):
    path = learning.workspace.folder.attention_dir("a") / HOT_SPOTS_NAME
    old = json.loads(path.read_text())
    for row in old["organs"]:
        del row["rules"]
    path.write_text(json.dumps(old))
    revised(learning, "a", longer)
    second_round(learning, longer)
    assert round_calibration(learning.workspace).counts["liver"].rules == {}


def test_a_round_scored_again_keeps_its_calibration(learning, longer):
    revised(learning, "a", longer)
    second_round(learning, longer)
    assert score_round(learning.workspace).failed == ()
    first = path_of(learning, 2).read_bytes()
    revised(learning, "b", longer)
    for case_id in ("a", "b"):
        learning.predict(case_id, {"liver": longer}, weights="u" * 64)
    assert score_round(learning.workspace).done == ("a", "b")
    assert path_of(learning, 2).read_bytes() == first


def test_each_round_adds_what_the_last_one_taught(learning, longer):
    revised(learning, "a", longer)
    second_round(learning, longer)
    score_round(learning.workspace)
    revised(learning, "b", longer)
    second_round(learning, longer, name="synthetic-r2")
    learned = round_calibration(learning.workspace)
    assert learned.counts["liver"].n_organs == 2


def test_what_was_learned_reaches_the_scores(learning, shown):
    def error_ml(number):
        (score,) = (one for one in learning.workspace.store.scores.of_round(number) if one.case_id == "b")
        return next(one.error_ml for one in score.organs if one.organ == "liver")

    (before, unsure) = error_ml(1), learning.box((12, 18), (4, 14), (4, 14))
    revised(learning, "a", shown)
    learning.next_round("synthetic-r1")
    for case_id in ("a", "b"):
        learning.predict(case_id, {"liver": shown}, unsure={"liver": unsure})
    score_round(learning.workspace)
    assert error_ml(2) < before


def test_a_revision_of_what_was_not_scored_by_levels_teaches_nothing(learning, longer):
    (learning.workspace.folder.attention_dir("a") / LEVELS_NAME).unlink()
    revised(learning, "a", longer)
    second_round(learning, longer)
    assert round_calibration(learning.workspace).counts == {}


def test_a_revision_of_an_organ_that_had_no_level_teaches_nothing(learning, shown):
    levels = read_probabilities(learning.workspace.folder.attention_dir("a") / LEVELS_NAME)
    assert "pancreas" not in levels.parts
    revised(learning, "a", shown, name="pancreas")
    second_round(learning, shown)
    assert round_calibration(learning.workspace).counts == {}


def test_a_damaged_calibration_stops_scoring_and_says_the_cure(learning):
    path_of(learning, 1).write_text("{")
    with pytest.raises(ProjectError, match="delete it and run `omentum score` again"):
        score_round(learning.workspace)
