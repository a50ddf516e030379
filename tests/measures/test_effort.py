from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel, Effort, OrganFactors, efforts_of, refitted
from omentum.records import ReaderAnswer, Revision

TRUE = CostModel(minutes_per_case=1.5, minutes_per_look=0.25, minutes_per_ml=0.6)


def prices(costs: CostModel) -> tuple[float, float, float]:
    return costs.minutes_per_case, costs.minutes_per_look, costs.minutes_per_ml


def recorded(number: int, costs: CostModel, seed: int = 0, noise: float = 0.2) -> list[Effort]:
    """Make up what readers of these prices record, with a lognormal scatter."""
    rng = np.random.default_rng(seed)
    efforts = []
    for _ in range(number):
        looks, ml = int(rng.integers(1, 8)), float(rng.exponential(10.0))
        minutes = costs.minutes(n_cases=1, n_looks=looks, changed_ml=ml) * np.exp(rng.normal(0, noise))
        efforts.append(Effort(n_cases=1, n_looks=looks, changed_ml=ml, minutes=float(minutes)))
    return efforts


def revision(case_id: str, organ: str, minutes: float | None, ml: float = 2.0, **changes) -> Revision:
    fields = {"round_number": 1, "reader": "reader-1", **changes}
    return Revision(
        case_id=case_id,
        organ=organ,
        path=Path("mask.nii.gz"),
        sha256="0" * 64,
        says=ReaderAnswer.REVISED,
        minutes=minutes,
        added_ml=ml,
        removed_ml=1.0,
        dice_to_base=0.9,
        network="starter",
        time=datetime.now(UTC),
        **fields,
    )


def test_minutes_are_for_cases_looks_and_millilitres():
    assert CostModel().minutes(n_cases=2, n_looks=3, changed_ml=10) == 2 * 0.5 + 3 * 0.5 + 10 * 0.3


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price):
    with pytest.raises(ConfigError, match="minutes_per_look is"):
        CostModel(minutes_per_look=price)


def test_without_records_the_defaults_stand():
    assert refitted([]) == CostModel()
    assert refitted([Effort(n_cases=1, n_looks=1, changed_ml=1.0, minutes=0.0)]) == CostModel()


def test_many_records_bring_the_prices_that_readers_have():
    fitted = refitted(recorded(2000, TRUE))
    np.testing.assert_allclose(prices(fitted), prices(TRUE), rtol=0.25)


def test_a_few_records_hardly_move_the_prices():
    one = refitted(recorded(1, TRUE))
    assert all(abs(new / old - 1) < 0.2 for new, old in zip(prices(one), prices(CostModel()), strict=True))


def test_records_as_reckoned_change_nothing():
    np.testing.assert_allclose(prices(refitted(recorded(50, CostModel(), noise=0.0))), prices(CostModel()))


def test_one_forgotten_clock_does_not_become_a_price():
    honest = recorded(40, CostModel())
    lunch = Effort(n_cases=1, n_looks=1, changed_ml=1.0, minutes=600.0)
    np.testing.assert_allclose(prices(refitted([*honest, lunch])), prices(refitted(honest)), rtol=0.1)


def test_no_price_falls_to_nothing():
    free = [Effort(n_cases=1, n_looks=1, changed_ml=20.0, minutes=0.01) for _ in range(1000)]
    assert min(prices(refitted(free))) > 0


def test_masks_of_one_case_are_one_record_and_untimed_ones_none():
    revisions = [revision("a", "liver", 3.0), revision("a", "spleen", 1.0), revision("b", "liver", None)]
    (effort,) = efforts_of(revisions)
    assert effort == Effort(n_cases=1, n_looks=2, changed_ml=6.0, minutes=4.0)


def test_a_time_that_was_shared_out_is_one_record():
    shared = [revision("a", "liver", 5.0, ml=30.0), revision("b", "spleen", 5.0, ml=0.0)]
    (effort,) = efforts_of(shared)
    assert effort == Effort(n_cases=2, n_looks=2, changed_ml=32.0, minutes=10.0)


def test_rounds_and_readers_are_apart():
    revisions = [revision("a", "liver", 3.0), revision("a", "liver", 2.0, round_number=2)]
    assert len(efforts_of([*revisions, revision("a", "spleen", 1.0, reader="reader-2")])) == 3


def measured(number: int, organ: str, *, look: float, ml: float, is_whole: bool = False) -> list[Effort]:
    """Make up minutes that were measured for an organ, with these factors on the default prices."""
    costs, rng = CostModel(), np.random.default_rng(list(organ.encode()))
    found = []
    for _ in range(number):
        volume = float(rng.exponential(4.0))
        minutes = costs.minutes_per_look * look + volume * costs.minutes_per_ml * ml
        scatter = float(np.exp(rng.normal(0, 0.2)))
        found.append(
            Effort(
                n_cases=0,
                n_looks=1,
                changed_ml=volume,
                minutes=minutes * scatter,
                organ=organ,
                is_whole=is_whole,
            )
        )
    return found


def test_organs_get_prices_of_their_own_from_measured_minutes():
    fitted = refitted([*measured(400, "liver", look=1, ml=0.5), *measured(400, "pancreas", look=2, ml=2)])
    for ml in (1.0, 20.0):
        assert fitted.of_task("liver", ml) == pytest.approx(0.5 + 0.3 * 0.5 * ml, rel=0.15)
        assert fitted.of_task("pancreas", ml) == pytest.approx(1.0 + 0.3 * 2 * ml, rel=0.15)


def test_an_organ_without_records_has_the_prices_of_all():
    fitted = refitted(measured(400, "liver", look=2, ml=2))
    assert fitted.of_task("spleen", 5.0) == fitted.minutes(n_looks=1, changed_ml=5.0)


def test_one_record_of_an_organ_hardly_moves_its_prices():
    many = measured(400, "liver", look=1, ml=1)
    slow = Effort(n_cases=0, n_looks=1, changed_ml=2.0, minutes=11.0, organ="pancreas")
    assert refitted([*many, slow]).of_task("pancreas", 2.0) == pytest.approx(1.1, rel=0.15)


def test_a_forgotten_clock_does_not_become_the_price_of_an_organ():
    honest = measured(40, "liver", look=1, ml=1)
    lunch = Effort(n_cases=0, n_looks=1, changed_ml=1.0, minutes=600.0, organ="liver")
    with_lunch, without = refitted([*honest, lunch]), refitted(honest)
    assert with_lunch.of_task("liver", 5.0) == pytest.approx(without.of_task("liver", 5.0), rel=0.1)


def test_a_look_at_a_whole_organ_gets_a_price_of_its_own():
    looks = [*measured(200, "liver", look=1, ml=1), *measured(200, "liver", look=3, ml=1, is_whole=True)]
    fitted = refitted(looks)
    assert fitted.of_task("liver") == pytest.approx(0.5, rel=0.3)
    assert fitted.of_task("liver", is_whole=True) == pytest.approx(1.5, rel=0.3)


@pytest.mark.parametrize(
    "changes", [{"whole_look_factor": -1.0}, {"by_organ": {"liver": OrganFactors(ml=float("nan"))}}]
)
def test_a_factor_that_is_none_is_refused(changes):
    with pytest.raises(ConfigError, match="it must be a number from 0"):
        CostModel(**changes)


def test_measured_minutes_are_of_one_task_and_a_case_is_opened_once():
    revisions = [
        revision("a", "liver", 3.0, task_number=1),
        revision("a", "liver", 1.0, task_number=1, ml=0.5),
        revision("a", "spleen", 1.0, task_number=2),
        revision("b", "liver", 9.0, task_number=3),
    ]
    measured_of = {(1, "reader-1"), (2, "reader-1")}
    stated, first, second = efforts_of(revisions, measured=measured_of, whole={2})
    assert stated == Effort(n_cases=1, n_looks=1, changed_ml=3.0, minutes=9.0)
    assert first == Effort(n_cases=1, n_looks=1, changed_ml=4.5, minutes=4.0, organ="liver")
    assert second == Effort(n_cases=0, n_looks=1, changed_ml=3.0, minutes=1.0, organ="spleen", is_whole=True)


def test_equal_measured_minutes_are_no_time_that_was_shared_out():
    revisions = [revision(case_id, "liver", 2.0, task_number=n) for n, case_id in enumerate("ab", start=1)]
    assert len(efforts_of(revisions, measured={(1, "reader-1"), (2, "reader-1")})) == 2
