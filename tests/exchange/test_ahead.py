import threading

import pytest

from omentum.exchange.ahead import Ahead


def test_results_come_in_the_order_of_asking_and_some_may_be_passed_over():
    with Ahead(list(range(100)), lambda number: number * 2, is_small=lambda number: number % 3 > 0) as ahead:
        assert [ahead.take(number) for number in range(0, 100, 7)] == list(range(0, 200, 14))


def test_large_items_wait_until_they_are_asked_for():
    begun = []
    with Ahead(["big", "later"], begun.append, is_small=lambda _: False) as ahead:
        ahead.take("big")
        assert begun == ["big"]


def test_what_goes_wrong_is_told_of_its_own_item():
    def work(number: int) -> int:
        return 1 // number

    with Ahead([0, 1], work, is_small=lambda _: True) as ahead:
        with pytest.raises(ZeroDivisionError):
            ahead.take(0)
        assert ahead.take(1) == 1


def test_nothing_outlives_the_block():
    before = threading.active_count()
    with Ahead(list(range(500)), str, is_small=lambda _: True) as ahead:
        ahead.take(0)
    assert threading.active_count() == before
