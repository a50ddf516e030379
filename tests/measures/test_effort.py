from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel, Effort, efforts_of, refitted
from omentum.records import ReaderAnswer, Revision

TRUE = CostModel(minutes_per_case=1.5, minutes_per_look=0.25, minutes_per_ml=0.6)


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
    np.testing.assert_allclose(astuple(fitted), astuple(TRUE), rtol=0.25)


def test_a_few_records_hardly_move_the_prices():
    one = refitted(recorded(1, TRUE))
    assert all(abs(new / old - 1) < 0.2 for new, old in zip(astuple(one), astuple(CostModel()), strict=True))


def test_records_as_reckoned_change_nothing():
    np.testing.assert_allclose(astuple(refitted(recorded(50, CostModel(), noise=0.0))), astuple(CostModel()))


def test_one_forgotten_clock_does_not_become_a_price():
    honest = recorded(40, CostModel())
    lunch = Effort(n_cases=1, n_looks=1, changed_ml=1.0, minutes=600.0)
    np.testing.assert_allclose(astuple(refitted([*honest, lunch])), astuple(refitted(honest)), rtol=0.1)


def test_no_price_falls_to_nothing():
    free = [Effort(n_cases=1, n_looks=1, changed_ml=20.0, minutes=0.01) for _ in range(1000)]
    assert min(astuple(refitted(free))) > 0


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
