"""The bound covers the truth at least as often as it says, however errors lie in the cases."""

from functools import cache

import numpy as np
import pytest
from scipy import stats

from omentum.errors import ConfigError
from omentum.measures.finite_population_bound import CONFIDENCE, Clustered, least_sample, most_bad


def chances(bad_shares, n_drawn: int) -> np.ndarray:
    """Work out the chance of each number of bad ones in the sample, exactly, one cluster after another.

    Args:
        bad_shares: For each cluster, the share of its places that is bad.
        n_drawn: Clusters drawn, all alike.
    """
    found = np.zeros((n_drawn + 1, n_drawn + 1))  # clusters drawn so far, bad ones among them
    found[0, 0] = 1.0
    for place, share in enumerate(bad_shares):
        # Drawn with the chance that leaves all subsets of n_drawn clusters equally likely.
        n_left = len(bad_shares) - place
        goes = np.clip((n_drawn - np.arange(n_drawn + 1)) / n_left, 0.0, 1.0)[:, None]
        drawn = found * goes
        found = found * (1.0 - goes)
        found[1:] += drawn[:-1] * (1.0 - share)
        found[1:, 1:] += drawn[:-1, :-1] * share
    return found[n_drawn]


def coverage(sizes, bad, n_drawn: int) -> float:
    """Work out how often the bound is no less than the truth; `sizes` and `bad` by cluster."""
    population = Clustered(n_members=sum(sizes), n_clusters=len(sizes), size=max(sizes))

    @cache
    def covers(n_bad: int) -> bool:
        return most_bad(population, n_drawn, n_bad) >= sum(bad)

    chance = chances([one / population.size for one in bad], n_drawn)
    return sum(one for n_bad, one in enumerate(chance) if one > 0 and covers(n_bad))


def filled(sizes, n_bad: int) -> list[int]:
    """Put the bad ones into as few clusters as hold them."""
    bad = []
    for size in sizes:
        bad.append(min(size, n_bad))
        n_bad -= bad[-1]
    return bad


def spread(sizes, n_bad: int) -> list[int]:
    """Put the bad ones into as many clusters as there are."""
    bad = [0] * len(sizes)
    while n_bad:
        for place, size in enumerate(sizes):
            if n_bad and bad[place] < size:
                bad[place] += 1
                n_bad -= 1
    return bad


POPULATIONS = {
    "one organ a case": [1] * 30,
    "nine organs a case": [9] * 40,
    "two organs a case": [2] * 25,
    "a few large cases": [9] * 4 + [1] * 36,
    "every size": [1 + k % 6 for k in range(36)],
}


@pytest.mark.parametrize("n_drawn", [3, 12, 25])
@pytest.mark.parametrize("sizes", POPULATIONS.values(), ids=POPULATIONS)
def test_the_bound_covers_in_at_least_95_percent_wherever_the_errors_are(sizes, n_drawn):
    n_members = sum(sizes)
    for n_bad in sorted({1, 2, 3, *range(0, n_members, max(1, n_members // 12)), n_members - 1, n_members}):
        for bad in (filled(sizes, n_bad), filled(sizes[::-1], n_bad)[::-1], spread(sizes, n_bad)):
            assert sum(bad) == n_bad
            assert coverage(sizes, bad, n_drawn) >= CONFIDENCE - 1e-9, (n_bad, bad)


def test_the_bound_covers_where_one_organ_is_wrong_in_every_case():
    for n_drawn in (5, 20, 59, 100):
        assert coverage([9] * 100, [1] * 100, n_drawn) >= CONFIDENCE


def test_the_hypergeometric_bound_of_all_organs_alone_would_cover_too_rarely():
    """Why the clusters are not ignored: one a case, an organ that is always wrong varies more."""
    n_cases, n_drawn = 40, 40
    chance = chances([1 / 2] * n_cases, n_drawn)
    risk = [stats.hypergeom.cdf(n_bad, 2 * n_cases, n_cases, n_drawn) for n_bad in range(n_drawn + 1)]
    missed = sum(one for one, tail in zip(chance, risk, strict=True) if tail <= 1 - CONFIDENCE)
    assert missed > 1 - CONFIDENCE
    assert coverage([2] * n_cases, [1] * n_cases, n_drawn) >= CONFIDENCE


def test_with_one_member_a_cluster_it_is_the_hypergeometric_bound():
    population = Clustered(n_members=80, n_clusters=80, size=1)
    for n_drawn, n_bad in ((10, 0), (30, 2), (80, 5), (30, 30)):
        possible = [
            supposed
            for supposed in range(n_bad, 81)
            if stats.hypergeom.cdf(n_bad, 80, supposed, n_drawn) > 1 - CONFIDENCE
        ]
        assert most_bad(population, n_drawn, n_bad) == max(possible)


def test_59_clean_ones_bound_the_share_by_5_percent_and_fewer_do_in_small_populations():
    assert least_sample(Clustered(n_members=10**6, n_clusters=10**6, size=1), 0.05) == 59
    assert least_sample(Clustered(n_members=9 * 10**5, n_clusters=10**5, size=9), 0.05) == 59
    assert least_sample(Clustered(n_members=900, n_clusters=100, size=9), 0.05) == 57
    assert least_sample(Clustered(n_members=100, n_clusters=100, size=1), 0.05) == 39


def test_the_least_sample_is_the_least():
    population = Clustered(n_members=300, n_clusters=60, size=6)
    n_drawn = least_sample(population, 0.1)
    assert most_bad(population, n_drawn, 0) <= 30 < most_bad(population, n_drawn - 1, 0)


def test_with_too_few_cases_no_sample_is_enough():
    assert least_sample(Clustered(n_members=108, n_clusters=12, size=9), 0.05) is None
    assert least_sample(Clustered(n_members=108, n_clusters=12, size=9), 1.0) == 0


def test_more_bad_ones_widen_the_bound_and_larger_samples_narrow_it():
    population = Clustered(n_members=500, n_clusters=100, size=5)
    by_bad = [most_bad(population, 50, n_bad) for n_bad in range(6)]
    by_drawn = [most_bad(population, n_drawn, 1) for n_drawn in (10, 20, 50, 100)]
    assert by_bad == sorted(by_bad)
    assert by_drawn == sorted(by_drawn, reverse=True)
    assert most_bad(population, 0, 0) == 500


@pytest.mark.parametrize(
    ("n_members", "n_clusters", "size"), [(10, 11, 1), (11, 10, 1), (1, 1, 0), (5, 4, 3)]
)
def test_a_population_that_cannot_be_is_refused(n_members, n_clusters, size):
    with pytest.raises(ConfigError):
        Clustered(n_members=n_members, n_clusters=n_clusters, size=size)


@pytest.mark.parametrize(("n_drawn", "n_bad"), [(11, 0), (5, 6), (5, -1)])
def test_a_sample_that_cannot_be_is_refused(n_drawn, n_bad):
    with pytest.raises(ConfigError, match="n_drawn"):
        most_bad(Clustered(n_members=20, n_clusters=10, size=2), n_drawn, n_bad)
