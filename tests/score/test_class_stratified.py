from collections import Counter

import pytest

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.class_stratified import stratified
from omentum.score.strategies import StrategyInput, chosen
from omentum.score.task_selection import SelectedOrgan

ENTROPIES = {"liver": 40.0, "pancreas": 4.0, "gall_bladder": 0.4}
"""By organ, in mL: the liver is always the least sure, as it is the largest."""
LATE = 12
"""A round with next to no noise."""


def candidate(case_number, organ, entropy_ml):
    score = OrganScore(
        organ=organ,
        attention_voxels=1,
        attention_ml=1.0,
        priority=1.0,
        predicted_ml=100.0,
        entropy_ml=entropy_ml,
        error_ml=1.0,
    )
    return SelectedOrgan(case_id=f"case-{case_number:02}", organ=score)


@pytest.fixture
def candidates():
    """Ten cases of three organs; the higher the number of a case, the less sure is the network."""
    return [
        candidate(number, organ, entropy_ml * (1 + number))
        for number in range(10)
        for organ, entropy_ml in ENTROPIES.items()
    ]


def classes(found):
    return Counter(one.organ.organ for one in found)


def test_every_class_has_its_share_although_one_has_all_the_entropy(candidates):
    found = stratified(candidates, seed=1, round_number=LATE)[:9]
    assert classes(found) == {"liver": 4, "pancreas": 3, "gall_bladder": 2}


def test_without_noise_the_least_sure_of_each_class_comes_first(candidates):
    found = stratified(candidates, seed=1, round_number=LATE)
    assert {one.case_id for one in found[:2]} == {"case-09"}
    for organ in ENTROPIES:
        numbers = [one.case_id for one in found if one.organ.organ == organ]
        assert numbers == sorted(numbers, reverse=True)


def test_the_first_rounds_are_more_diverse_than_later_ones(candidates):
    def distinct(round_number):
        draws = (stratified(candidates, seed=seed, round_number=round_number)[:6] for seed in range(30))
        return len({(one.case_id, one.organ.organ) for draw in draws for one in draw})

    assert distinct(1) > distinct(3) > distinct(LATE)


def test_noise_draws_in_proportion_to_entropy_in_the_first_round():
    two = [candidate(0, "liver", 3.0), candidate(1, "liver", 1.0)]
    firsts = Counter(stratified(two, seed=seed, round_number=1)[0].case_id for seed in range(400))
    assert 260 < firsts["case-00"] < 340, "3 of 4"


def test_every_candidate_comes_once_even_where_nothing_is_uncertain(candidates):
    sure = [candidate(number, "liver", 0.0) for number in range(3)]
    for given in (candidates, sure, []):
        found = stratified(given, seed=3, round_number=1)
        assert sorted(map(id, found)) == sorted(map(id, given))


def test_a_round_knows_its_number_and_its_budget(candidates):
    scores = [
        CaseScore(
            case_id=case_id,
            score=1.0,
            organs=tuple(one.organ for one in candidates if one.case_id == case_id),
        )
        for case_id in sorted({one.case_id for one in candidates})
    ]
    ask = StrategyInput(costs=CostModel(), budget_minutes=float("inf"), seed=5, round_number=LATE)
    found = chosen("class-stratified", scores, ask)
    assert found == chosen("class-stratified", scores[::-1], ask)
    assert len(found) == 30
    assert found[0].case_id == "case-09"
    assert {one.n_spots for one in found} == {0}, "the whole organ is looked at"
