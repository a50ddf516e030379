from itertools import pairwise

import numpy as np
import pytest

from omentum.score.error_model import LEVELS, MODEL_ORGANS, ErrorModel, design, level_of, shipped_model
from omentum.score.voxel_features import FEATURES

N_INPUTS = len(FEATURES) + len(MODEL_ORGANS)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(0, 2, (40_000, len(FEATURES))).astype(np.float32)


@pytest.fixture
def model():
    rng = np.random.default_rng(1)
    sides = (N_INPUTS, 12, 6, 1)
    layers = tuple(
        (rng.normal(0, 0.5, pair).astype(np.float32), rng.normal(0, 1, pair[1]).astype(np.float32))
        for pair in pairwise(sides)
    )
    middle, scale = rng.normal(0, 1, len(FEATURES)), rng.uniform(0.5, 2, len(FEATURES))
    return ErrorModel(middle.astype(np.float32), scale.astype(np.float32), layers)


def test_levels_are_what_two_layers_with_rectifiers_give_by_hand(model, rows):
    one = rows[:500].astype(np.float64)
    inputs = np.zeros((500, N_INPUTS))
    inputs[:, : len(FEATURES)] = (one - model.middle) / model.scale
    inputs[:, len(FEATURES) + MODEL_ORGANS.index("liver")] = 1
    (w0, b0), (w1, b1), (w2, b2) = model.layers
    hidden = np.maximum(np.maximum(inputs @ w0 + b0, 0) @ w1 + b1, 0)
    expected = level_of((hidden @ w2 + b2)[:, 0]).astype(int)
    got = model.levels(rows[:500], "liver").astype(int)
    assert np.abs(got - expected).max() <= 1  # single precision, on the edge between two levels
    assert (got == expected).mean() > 0.99


def test_a_row_has_the_same_level_wherever_it_stands(model, rows):
    together = model.levels(rows, "spleen").astype(int)
    apart = np.concatenate([model.levels(part, "spleen") for part in np.array_split(rows, 7)])
    assert np.abs(together - apart).max() <= 1


def test_no_rows_have_no_levels(model, rows):
    assert model.levels(rows[:0], "liver").shape == (0,)


def test_an_organ_has_a_column_of_its_own_and_one_that_the_model_does_not_know_has_none(rows):
    zero, one = np.zeros(len(FEATURES), dtype=np.float32), np.ones(len(FEATURES), dtype=np.float32)
    known, unknown = (design(rows[:3], name, zero, one)[:, len(FEATURES) :] for name in ("liver", "colon"))
    assert known.sum(axis=1).tolist() == [1, 1, 1]
    assert known[0, MODEL_ORGANS.index("liver")] == 1
    assert not unknown.any()


def test_levels_rise_with_the_log_odds_and_end_at_0_and_255():
    levels = level_of(np.linspace(-12, 8, 1000)).astype(int)
    assert (np.diff(levels) >= 0).all()
    assert (levels[0], levels[-1], len(set(levels.tolist()))) == (0, LEVELS - 1, LEVELS)


def test_weights_come_back_as_they_were_saved(model, rows, tmp_path):
    model.save(tmp_path / "model.npz")
    back = ErrorModel.read(tmp_path / "model.npz")
    assert len(back.layers) == 3
    np.testing.assert_array_equal(back.levels(rows[:100], "liver"), model.levels(rows[:100], "liver"))


def test_shipped_weights_fit_the_features_and_are_finite():
    model = shipped_model()
    assert model.middle.shape == model.scale.shape == (len(FEATURES),)
    assert model.layers[0][0].shape[0] == N_INPUTS
    assert model.layers[-1][0].shape[1] == 1
    assert (model.scale > 0).all()
    assert all(np.isfinite(one).all() for layer in model.layers for one in layer)
