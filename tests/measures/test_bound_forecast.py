"""The forecast of a bound holds in made projects whose errors are where the queue expects them."""

import numpy as np
import pytest

from omentum.measures import bound_forecast
from omentum.measures.bound_forecast import (
    Audited,
    MasksLeft,
    forecast_basis,
    forecast_bounds,
    reading_order,
)
from omentum.measures.finite_population_bound import Clustered, most_bad

N_SEEDS = 50
N_CASES, N_ORGANS, N_DRAWN = 160, 4, 50


def audited(case, bad, rng):
    """Draw one place in each of some cases, as the audit does; give masks, bad ones and the bound."""
    names, sizes = np.unique(case, return_counts=True)
    population = Clustered(n_members=len(case), n_clusters=len(names), size=int(sizes.max()))
    n_cases = min(len(names), round(N_DRAWN * population.n_places / population.n_members))
    drawn = []
    for name in rng.permutation(names)[:n_cases]:
        places = np.flatnonzero(case == name)
        place = rng.integers(population.size)
        drawn += [places[place]] if place < len(places) else []
    n_bad = int(bad[drawn].sum())
    most = min(most_bad(population, n_cases, n_bad), len(case) - (len(drawn) - n_bad))
    return np.array(drawn), n_bad, most / len(case)


def made_project(seed, share=0.12):
    """Masks with a risk, of which some are bad; those of high risk more often."""
    rng = np.random.default_rng(seed)
    n = N_CASES * N_ORGANS
    risk = rng.lognormal(0.0, 1.2, n)
    bad = rng.random(n) < -np.expm1(-share * risk / risk.mean())
    return np.repeat(np.arange(N_CASES), N_ORGANS), risk, bad, rng


def played(seed, hours):
    """Audit, forecast, let readers work for so many hours, and audit what is left."""
    case, risk, bad, rng = made_project(seed)
    drawn, n_bad, now = audited(case, bad, rng)
    kept = np.setdiff1d(np.arange(len(case)), drawn)
    masks = MasksLeft(
        case=case[kept],
        risk=risk[kept],
        error_ml=5.0 * risk[kept],
        minutes=0.5 + 1.5 * risk[kept],
        minutes_per_case=0.5,
    )
    found = Audited(n_masks=len(drawn), n_bad=n_bad)
    (forecast,) = forecast_bounds(forecast_basis(masks, hours), found, [hours])
    order, done_after = reading_order(masks)
    rest = kept[order[done_after > 60.0 * hours]]
    assert forecast.n_left == len(rest)
    _, _, later = audited(case[rest], bad[rest], rng)
    return forecast, now, later


def test_the_interval_holds_the_later_bound_in_most_projects(monkeypatch):
    monkeypatch.setattr(bound_forecast, "_MOST_EXACT", 0)  # the exact ones take seconds for so many
    games = [played(seed, hours=4.0) for seed in range(N_SEEDS)]
    held = sum(forecast.low <= later <= forecast.high for forecast, _, later in games)
    assert held >= 0.8 * N_SEEDS
    off = np.mean([later - forecast.expected for forecast, _, later in games])
    assert abs(off) < 0.02


def test_more_hours_lower_the_bound_and_all_hours_leave_nothing_to_forecast():
    case, risk, _, _ = made_project(1)
    masks = MasksLeft(
        case=case, risk=risk, error_ml=risk, minutes=np.full(len(case), 1.0), minutes_per_case=0.0
    )
    found = Audited(n_masks=N_DRAWN, n_bad=6)
    hours = (1.0, 3.0, 5.0, 8.0, 11.0)
    basis = forecast_basis(masks, 11.0)
    forecasts = forecast_bounds(basis, found, hours)
    assert [one.hours for one in forecasts] == [1.0, 3.0, 5.0, 8.0]
    expected = [one.expected for one in forecasts]
    assert expected == sorted(expected, reverse=True)
    assert expected[0] > 1.5 * expected[-1]
    assert all(one.low <= one.expected <= one.high for one in forecasts)
    later = forecast_bounds(basis, found, [4.0], first_minutes=180.0)
    assert later[0].n_left == forecasts[0].n_left


def test_readers_take_what_is_worth_most_and_open_a_case_once():
    masks = MasksLeft(
        case=np.array([0, 1, 0]),
        risk=np.ones(3),
        error_ml=np.array([4.0, 1.0, 2.0]),
        minutes=np.ones(3),
        minutes_per_case=0.5,
    )
    order, minutes = reading_order(masks)
    assert order.tolist() == [0, 2, 1]
    assert minutes.tolist() == [1.5, 2.5, 4.0]


def test_without_any_expected_error_all_masks_are_as_likely_to_be_bad():
    n = 400
    masks = MasksLeft(
        case=np.arange(n), risk=np.zeros(n), error_ml=np.zeros(n), minutes=np.ones(n), minutes_per_case=0.0
    )
    first, last = forecast_bounds(forecast_basis(masks, 3.0), Audited(n_masks=100, n_bad=5), [0.0, 3.0])
    assert last.expected == pytest.approx(first.expected, abs=0.02)


def test_the_limit_for_many_masks_is_close_to_the_exact_bound(monkeypatch):
    case, risk, _, _ = made_project(2)
    masks = MasksLeft(case=case, risk=risk, error_ml=risk, minutes=risk, minutes_per_case=0.5)
    found = Audited(n_masks=N_DRAWN, n_bad=3)
    basis = forecast_basis(masks, 2.0)
    (exact,) = forecast_bounds(basis, found, [2.0])
    monkeypatch.setattr(bound_forecast, "_MOST_EXACT", 0)
    (limit,) = forecast_bounds(basis, found, [2.0])
    for name in ("low", "expected", "high"):
        assert getattr(limit, name) == pytest.approx(getattr(exact, name), rel=0.1)
        assert getattr(limit, name) >= getattr(exact, name) - 1e-9


def test_a_basis_of_more_hours_says_the_same_and_one_of_fewer_is_refused():
    case, risk, _, _ = made_project(3)
    masks = MasksLeft(case=case, risk=risk, error_ml=risk, minutes=risk, minutes_per_case=0.5)
    found = Audited(n_masks=N_DRAWN, n_bad=3)
    long, short = forecast_basis(masks, 50.0), forecast_basis(masks, 2.0)
    assert len(short.done_after) < len(long.done_after) == long.n_masks
    assert forecast_bounds(short, found, [1.0, 2.0]) == forecast_bounds(long, found, [1.0, 2.0])
    with pytest.raises(ValueError, match="3 hours, and the basis is of the first 2"):
        forecast_bounds(short, found, [3.0])
