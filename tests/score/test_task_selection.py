import numpy as np
import pytest

from omentum.measures.effort import CostModel
from omentum.records import CaseScore, OrganScore
from omentum.score.task_selection import DUPLICATE_WORTH, FLOOR_SHARE, planned

COSTS = CostModel()
ENOUGH = float("inf")


def organ(name, *spots_ml, **more):
    fields = {"error_ml": sum(spots_ml), "dice_loss": 0.1 * len(spots_ml), **more}
    return OrganScore(
        organ=name, attention_voxels=0, attention_ml=0.0, priority=0.0, spots_ml=spots_ml, **fields
    )


def case(case_id, *organs, signature=""):
    return CaseScore(case_id=case_id, score=0.0, organs=organs, signature=signature)


def named(choices):
    return [(one.case_id, one.organ.organ, one.n_spots) for one in choices]


def minutes_of(choices):
    changed_ml = sum(one.error_ml or 0.0 for one in choices)
    n_cases = len({one.case_id for one in choices})
    return COSTS.minutes(n_cases=n_cases, n_looks=len(choices), changed_ml=changed_ml)


def made_up(n_cases, n_organs, seed=0, n_spots=2):
    """Make up scores as a round has them: most organs fine, some with hot spots of a few mL."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(n_cases):
        volumes = [np.sort(rng.exponential(3.0, rng.poisson(n_spots)))[::-1] for _ in range(n_organs)]
        cases.append(
            case(
                f"c{number:05d}",
                *(organ(f"organ{place:02d}", *map(float, ml)) for place, ml in enumerate(volumes)),
            )
        )
    return cases


def test_the_largest_error_a_minute_comes_first():
    scores = [case("a", organ("liver", 2.0)), case("b", organ("liver", 20.0)), case("c", organ("liver", 8.0))]
    assert [one.case_id for one in planned(scores, COSTS, ENOUGH)] == ["b", "c", "a"]


def test_only_the_organs_that_are_worth_their_look_are_opened():
    scores = [case("a", organ("liver", 10.0), organ("spleen", 0.1)), case("b", organ("liver", 9.0))]
    assert named(planned(scores, COSTS, 8.0)) == [("a", "liver", 1), ("b", "liver", 1)]


def test_an_organ_with_several_spots_is_looked_at_once_for_all_of_them():
    """Three looks at two millilitres each would be worth less than one at five; one for all is worth more."""
    scores = [case("a", organ("liver", 2.0, 2.0, 2.0)), case("b", organ("liver", 5.0))]
    first, second = planned(scores, COSTS, ENOUGH)
    assert (first.case_id, first.n_spots, first.error_ml) == ("a", 3, 6.0)
    assert second.error_ml == 5.0


def test_opening_a_case_is_shared_by_its_tasks():
    """Two middling organs of one case come before two of two cases: they are opened once."""
    together = case("z", organ("liver", 2.0), organ("spleen", 2.0))
    apart = [case("a", organ("liver", 2.0)), case("b", organ("spleen", 2.0))]
    budget = COSTS.minutes(n_cases=1, n_looks=2, changed_ml=4.0)
    assert {one.case_id for one in planned([*apart, together], COSTS, budget)} == {"z"}


@pytest.mark.parametrize("budget", [3.0, 10.0, 47.0, 500.0])
def test_the_budget_is_kept_and_nearly_used_up(budget):
    spent = minutes_of(planned(made_up(60, 9), COSTS, budget))
    assert 0.8 * budget <= spent <= budget + 1e-6


def test_a_round_has_one_task_even_if_it_is_longer_than_the_budget():
    choices = planned([case("a", organ("liver", 300.0, 200.0)), case("b", organ("liver", 90.0))], COSTS, 5.0)
    assert [one.error_ml for one in choices] == [500.0]


def test_a_budget_that_is_larger_holds_at_least_as_much_error():
    scores = made_up(40, 9)
    removed = [sum(one.error_ml for one in planned(scores, COSTS, b)) for b in (5, 10, 20, 40, 80, 160)]
    assert removed == sorted(removed)


def test_no_organ_starves():
    """Liver spots are better by the millilitre, always; the gall bladder gets its share nevertheless."""
    scores = [case(f"c{n}", organ("liver", 50.0), organ("gall_bladder", 0.8)) for n in range(50)]
    choices = planned(scores, COSTS, 60.0)
    bladders = [one for one in choices if one.organ.organ == "gall_bladder"]
    assert bladders
    assert sum(COSTS.minutes(n_looks=1, changed_ml=one.error_ml) for one in bladders) >= 0.3 * (
        FLOOR_SHARE * 60.0
    )


def test_every_organ_with_an_expected_error_has_a_task_once_the_budget_allows():
    scores = made_up(30, 12)
    assert {one.organ.organ for one in planned(scores, COSTS, 400.0)} == {f"organ{n:02d}" for n in range(12)}


def test_a_near_duplicate_comes_after_what_is_new_and_is_not_lost():
    first, twin = "10" * 64, "11" * 64
    scores = [
        case("a", organ("liver", 9.0), signature=first),
        case("b", organ("liver", 8.0), signature=twin),
        case("c", organ("liver", 5.0), signature="c0" * 64),
    ]
    assert [one.case_id for one in planned(scores, COSTS, ENOUGH)] == ["a", "c", "b"]
    assert 0 < DUPLICATE_WORTH < 1


def test_the_order_of_scores_does_not_matter_and_equals_go_by_name():
    scores = [case(name, organ("spleen", 4.0), organ("liver", 4.0)) for name in "cab"]
    first = named(planned(scores, COSTS, 12.0))
    assert named(planned(scores[::-1], COSTS, 12.0)) == first
    assert first[:2] == [("a", "liver", 1), ("a", "spleen", 1)]


def test_tasks_of_a_case_stand_together_the_best_first():
    scores = made_up(20, 5)
    ids = [one.case_id for one in planned(scores, COSTS, 100.0)]
    assert len(list(dict.fromkeys(ids))) == sum(a != b for a, b in zip(ids, ["", *ids], strict=False))


def test_an_organ_that_breaks_a_rule_without_a_spot_is_looked_at_whole():
    scores = [case("a", organ("spleen", error_ml=30.0, reasons=("missing",)), organ("liver", error_ml=30.0))]
    assert named(planned(scores, COSTS, ENOUGH)) == [("a", "spleen", 0)]


def test_nothing_expected_makes_no_task():
    assert planned([case("a", organ("liver"), organ("spleen", 0.0))], COSTS, ENOUGH) == []
    assert planned([], COSTS, ENOUGH) == []


def test_prices_of_nothing_break_nothing():
    free = CostModel(minutes_per_case=0, minutes_per_look=0, minutes_per_ml=0)
    assert len(planned(made_up(3, 2), free, 10.0)) > 0


def test_a_plan_is_never_far_from_the_best_there_is():
    """Against all subsets of a few one-spot organs in a few cases, without the floor's say: 3 % at most."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        volumes = rng.exponential(6.0, (4, 3))
        scores = [
            case(f"c{n}", *(organ(f"o{place}", float(ml)) for place, ml in enumerate(row)))
            for n, row in enumerate(volumes)
        ]
        found = sum(one.error_ml for one in planned(scores, COSTS, 12.0))
        assert found >= 0.8 * _best(volumes, 12.0)


def _best(volumes, budget):
    best = 0.0
    for code in range(2**volumes.size):
        chosen = np.array([code >> bit & 1 for bit in range(volumes.size)], dtype=bool).reshape(volumes.shape)
        ml = float(volumes[chosen].sum())
        minutes = COSTS.minutes(
            n_cases=int(chosen.any(axis=1).sum()), n_looks=int(chosen.sum()), changed_ml=ml
        )
        if minutes <= budget:
            best = max(best, ml)
    return best
