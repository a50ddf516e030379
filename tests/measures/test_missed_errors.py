"""Limits hold as often as they say, whoever misses what."""

import numpy as np
import pytest

from omentum.measures.finite_population_bound import Clustered, most_bad
from omentum.measures.missed_errors import Misses, corrected_share, missed_limit, seen_limit
from omentum.measures.proportions import exact_interval, upper_limit

RISK = 0.025
POPULATION = Clustered(n_members=100, n_clusters=100, size=1)


def test_without_a_miss_the_limit_of_one_reader_is_the_exact_one():
    for n_shown in (1, 10, 100):
        limit = missed_limit({"anna": 1.0}, {"anna": Misses(n_shown=n_shown)}, risk=RISK)
        assert limit == pytest.approx(upper_limit(0, n_shown, risk=RISK), abs=1e-8)


def test_with_misses_it_is_no_less_than_the_exact_one():
    for n_missed in range(1, 20):
        told = {"anna": Misses(n_shown=20, n_missed=n_missed)}
        limit = missed_limit({"anna": 1.0}, told, risk=RISK)
        assert upper_limit(n_missed, 20, risk=RISK) <= limit <= 1.0
    assert missed_limit({"anna": 1.0}, {"anna": Misses(n_shown=20, n_missed=20)}, risk=RISK) == 1.0


def test_a_reader_without_planted_errors_counts_as_missing_everything():
    told = {"anna": Misses(n_shown=10**6)}
    assert missed_limit({"anna": 0.7, "ben": 0.3}, told, risk=RISK) == pytest.approx(0.3, abs=1e-4)
    assert missed_limit({"ben": 1.0}, told, risk=RISK) == 1.0
    assert missed_limit({}, {}, risk=RISK) == 1.0


def test_a_reader_of_little_needs_few_planted_errors():
    even = {"anna": Misses(n_shown=90), "ben": Misses(n_shown=10)}
    shares = {"anna": 0.9, "ben": 0.1}
    assert missed_limit(shares, even, risk=RISK) == pytest.approx(upper_limit(0, 100, risk=RISK), abs=1e-8)
    fewer = even | {"ben": Misses(n_shown=1)}
    assert missed_limit(shares, fewer, risk=RISK) < 0.15


@pytest.mark.parametrize(
    ("shares", "n_shown", "missed"),
    [
        ((1.0,), (30,), (0.1,)),
        ((0.5, 0.5), (20, 20), (0.3, 0.0)),
        ((0.5, 0.3, 0.2), (4, 40, 10), (0.25, 0.05, 0.5)),
        ((0.6, 0.4), (25, 0), (0.1, 0.2)),
    ],
)
def test_the_limit_of_misses_is_below_the_truth_no_more_often_than_it_says(shares, n_shown, missed):
    rng = np.random.default_rng(3)
    names = [str(one) for one in range(len(shares))]
    truth = float(np.dot(shares, missed))
    weights = dict(zip(names, shares, strict=True))
    n_below = 0
    for _ in range(300):
        drawn = rng.binomial(n_shown, missed).tolist()
        told = {name: Misses(n_shown=n, n_missed=k) for name, n, k in zip(names, n_shown, drawn, strict=True)}
        n_below += missed_limit(weights, told, risk=RISK) < truth
    assert n_below <= 300 * RISK + 3 * np.sqrt(300 * RISK)


def test_a_reader_who_sees_less_than_all_would_break_the_limit_of_a_finite_population():
    """All of a population is drawn: what was seen is not all that is bad, but a limit on chances holds."""
    n_bad, found = 10, 0.8
    rng = np.random.default_rng(4)
    seen = rng.binomial(n_bad, found, size=150)
    limits = {k: most_bad(POPULATION, 100, k) for k in set(seen.tolist())}
    finite = [limits[int(k)] / 100 / found for k in seen]
    chances = [seen_limit(100, int(k), risk=RISK) / found for k in seen]
    assert np.mean(np.array(finite) < n_bad / 100 - 1e-9) > 0.2
    assert np.mean(np.array(chances) < n_bad / 100) <= RISK + 0.03


def test_the_corrected_share_is_never_below_what_the_sample_alone_says():
    perfect = {"anna": Misses(n_shown=10**6)}
    for n_seen in (0, 1, 5):
        alone = most_bad(POPULATION, 60, n_seen) / 100
        assert corrected_share(POPULATION, 60, n_seen, {"anna": 1.0}, perfect) >= alone
    careless = {"anna": Misses(n_shown=10**6, n_missed=5 * 10**5)}
    doubled = corrected_share(POPULATION, 60, 1, {"anna": 1.0}, careless)
    assert doubled == pytest.approx(2 * corrected_share(POPULATION, 60, 1, {"anna": 1.0}, perfect), rel=0.01)


def test_who_may_miss_everything_leaves_no_bound():
    assert corrected_share(POPULATION, 60, 0, {"anna": 1.0}, {}) == 1.0


def test_few_findings_in_a_tiny_sample_leave_no_more_than_is_proven():
    assert seen_limit(2, 1, risk=RISK) == 1.0
    assert seen_limit(1, 0, risk=RISK) == pytest.approx(1 - RISK)


def test_an_interval_holds_the_share_that_was_seen():
    assert exact_interval(0, 12)[0] == 0.0
    low, high = exact_interval(3, 12)
    assert low < 0.25 < high
    assert exact_interval(12, 12)[1] == 1.0
