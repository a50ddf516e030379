import json
from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import ProjectError
from omentum.score.calibration import (
    PRIOR_ORGANS,
    Calibration,
    LevelCounts,
    Prior,
    read_calibration,
    shipped_prior,
    write_calibration,
)
from omentum.score.error_model import LEVELS, MODEL_ORGANS


def flat(share, n_organs=20):
    """LevelCounts of 1 mL an organ at every level, of which a share was wrong."""
    seen = np.full(LEVELS, float(n_organs))
    return LevelCounts(seen, share * seen, n_organs)


@pytest.fixture
def tenth():
    """A prior by which every tenth millilitre is wrong, whatever the level."""
    return Prior({"": flat(0.1)}, 0.3, 0.1)


def test_counts_are_the_volume_at_each_level_and_how_much_of_it_was_wrong():
    levels = np.array([3, 3, 3, 200], dtype=np.uint8)
    counts = LevelCounts.of(levels, np.array([False, True, False, True]), voxel_ml=0.5)
    assert (counts.seen_ml[3], counts.wrong_ml[3]) == (1.5, 0.5)
    assert (counts.seen_ml[200], counts.wrong_ml[200]) == (0.5, 0.5)
    assert (counts.seen_ml.sum(), counts.n_organs) == (2.0, 1)


def test_counts_add_up_and_weights_leave_the_number_of_organs():
    both = flat(0.1, 2) + flat(0.5, 3).times(2.0)
    assert both.n_organs == 5
    np.testing.assert_allclose(both.seen_ml, 8.0)
    np.testing.assert_allclose(both.wrong_ml, 0.2 + 3.0)


def test_with_no_revision_the_prior_decides(tenth):
    np.testing.assert_allclose(Calibration(tenth).table("liver"), 0.1, rtol=1e-5)


@pytest.mark.parametrize(("n_organs", "expected"), [(1, 3 / 21), (20, 22 / 40), (400, 402 / 420)])
def test_few_revisions_move_little_and_many_decide(tenth, n_organs, expected):
    learned = Calibration(tenth, {"liver": flat(1.0, n_organs)})
    np.testing.assert_allclose(learned.table("liver"), expected, rtol=1e-5)
    np.testing.assert_allclose(learned.table("spleen"), 0.1, rtol=1e-5)


def test_revisions_without_an_error_lower_what_is_expected(tenth):
    learned = Calibration(tenth, {"liver": flat(0.0, 20)})
    np.testing.assert_allclose(learned.table("liver"), 0.05, rtol=1e-5)


def test_the_prior_counts_as_much_as_twenty_organs_however_many_it_was_made_from():
    learned = Calibration(Prior({"": flat(0.1, 500)}, 0.3, 0.1), {"liver": flat(1.0, 20)})
    np.testing.assert_allclose(learned.table("liver"), 22 / 40, rtol=1e-5)
    assert PRIOR_ORGANS == 20


def test_an_organ_with_a_prior_of_its_own_goes_by_it():
    prior = Prior({"": flat(0.1), "pancreas": flat(0.4)}, 0.3, 0.1)
    table = Calibration(prior).table
    assert (table("pancreas")[0], table("colon")[0]) == (pytest.approx(0.4), pytest.approx(0.1))


def test_levels_that_are_the_wrong_way_round_share_their_mean():
    counts = flat(1.0)
    counts.wrong_ml[:] = np.where(np.arange(LEVELS) < 2, [2.0, 0.0] + [0.0] * (LEVELS - 2), 20.0)
    table = Calibration(Prior({"": counts}, 0.3, 0.1)).table("liver")
    np.testing.assert_allclose(table[:2], 2 / 40, rtol=1e-5)
    np.testing.assert_allclose(table[2:], 1.0, rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_table_never_falls_and_holds_probabilities(prior, seed):
    rng = np.random.default_rng(seed)
    seen = rng.exponential(5, LEVELS) * (rng.random(LEVELS) > 0.4)
    noisy = LevelCounts(seen, seen * rng.random(LEVELS), 30)
    table = Calibration(prior, {"liver": noisy}).table("liver")
    assert table.shape == (LEVELS,)
    assert (np.diff(table) >= 0).all()
    assert table.min() >= 0
    assert table.max() <= 1


def test_levels_that_nobody_ever_saw_are_no_nan():
    seen = np.zeros(LEVELS)
    seen[100] = 4.0
    table = Calibration(Prior({"": LevelCounts(seen, seen / 4, 20)}, 0.3, 0.1)).table("liver")
    assert np.isfinite(table).all()
    assert table[100] == pytest.approx(0.25, rel=1e-3)


def test_reliability_compares_what_was_said_with_what_was_found():
    table = np.full(LEVELS, 0.05, dtype=np.float32)
    table[128:] = 0.95
    seen = np.ones(LEVELS)
    rows = LevelCounts(seen, np.where(np.arange(LEVELS) < 128, 0.0, 0.5), 3).reliability(table)
    assert [(round(row["said"], 3), row["seen"], row["volume_ml"]) for row in rows] == [
        (0.05, 0.0, 128.0),
        (0.95, 0.5, 128.0),
    ]


def test_a_probability_of_one_has_a_bin_and_nothing_seen_has_none():
    assert len(flat(1.0).reliability(np.ones(LEVELS, dtype=np.float32))) == 1
    assert LevelCounts.none().reliability(np.ones(LEVELS, dtype=np.float32)) == []


def test_a_calibration_comes_back_as_it_was_written(shipped_by_hand, tmp_path):
    rng = np.random.default_rng(0)
    levels = rng.integers(0, LEVELS, 5000).astype(np.uint8)
    counts = LevelCounts.of(levels, rng.random(5000) < levels / 300, 0.5)
    counts = replace(counts, rules={"missing": (0, 1), "holes": (2, 3)})
    learned = Calibration(shipped_by_hand, {"liver": counts + counts, "spleen": counts})
    path = tmp_path / "calibration.json"
    write_calibration(path, learned)
    back = read_calibration(path)
    assert back.counts.keys() == learned.counts.keys()
    assert back.counts["liver"].n_organs == 2
    assert back.counts["liver"].rules == {"missing": (0, 2), "holes": (4, 6)}
    for name in ("liver", "spleen", "pancreas"):
        np.testing.assert_allclose(back.table(name), learned.table(name), atol=1e-4)
    first = path.read_bytes()
    write_calibration(path, back)
    assert path.read_bytes() == first


def test_a_rule_is_as_sure_as_it_says_until_revisions_say_otherwise(tenth):
    def learned(n_right, n_said):
        counts = replace(LevelCounts.none(), rules={"missing": (n_right, n_said)})
        return Calibration(tenth, {"gall_bladder": counts}).rule_probability("gall_bladder", "missing", 0.3)

    assert Calibration(tenth).rule_probability("gall_bladder", "missing", 0.3) == pytest.approx(0.3)
    assert learned(0, 1) == pytest.approx(0.2)
    assert learned(0, 100) < 0.01
    assert learned(100, 100) > 0.98


def test_what_a_rule_said_of_one_organ_tells_nothing_of_others_nor_of_other_rules(tenth):
    learned = Calibration(tenth, {"gall_bladder": replace(LevelCounts.none(), rules={"missing": (0, 9)})})
    assert learned.rule_probability("spleen", "missing", 0.6) == pytest.approx(0.6)
    assert learned.rule_probability("gall_bladder", "volume", 0.8) == pytest.approx(0.8)


def test_a_calibration_from_before_rules_were_counted_is_read(shipped_by_hand, tmp_path):
    path = tmp_path / "calibration.json"
    write_calibration(path, Calibration(shipped_by_hand, {"liver": flat(0.2, 3)}))
    old = json.loads(path.read_text())
    del old["organs"]["liver"]["rules"]
    path.write_text(json.dumps(old))
    assert read_calibration(path).counts["liver"].rules == {}


def test_what_is_written_has_the_reliability_of_what_the_prior_said(shipped_by_hand, tmp_path):
    write_calibration(tmp_path / "c.json", Calibration(shipped_by_hand, {"liver": flat(0.2, 3)}))
    row = json.loads((tmp_path / "c.json").read_text())["organs"]["liver"]
    assert row["n_organs"] == 3
    assert {round(one["seen"], 6) for one in row["reliability"]} == {0.2}
    assert sum(one["volume_ml"] for one in row["reliability"]) == pytest.approx(3 * LEVELS)


def test_where_nothing_was_learned_the_prior_alone_is_read(shipped_by_hand, tmp_path):
    back = read_calibration(tmp_path / "nowhere.json")
    assert (back.prior, back.counts) == (shipped_by_hand, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"organs": []}',
        '{"organs": {"liver": {}}}',
        '{"organs": {"liver": 3}}',
        '{"organs": {"liver": {"seen_ml": [1.0], "wrong_ml": [0.5], "n_organs": 1}}}',
    ],
)
def test_a_damaged_calibration_is_refused_with_its_cure(shipped_by_hand, tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(ProjectError, match=r"calibration\.json.*omentum score"):
        read_calibration(path)


@pytest.mark.parametrize("name", [*MODEL_ORGANS, "colon"])
def test_by_the_shipped_prior_low_levels_mean_no_error_and_high_ones_an_error(name):
    table = Calibration(shipped_prior()).table(name)
    assert (np.diff(table) >= 0).all()
    assert table[0] < 0.01
    assert table[-1] > 0.2


def test_the_shipped_prior_never_counts_more_wrong_than_seen():
    prior = shipped_prior()
    assert 0 < prior.flag_over < 1
    assert prior.least_error_ml > 0
    for counts in prior.counts.values():
        assert counts.n_organs > 0
        assert (counts.wrong_ml >= 0).all()
        assert (counts.wrong_ml <= counts.seen_ml + 1e-3).all()
