import multiprocessing
import operator
from functools import partial

import pytest

from omentum.errors import ImageError
from omentum.runners.processes import WorkAhead
from omentum.volumes.nifti import read_nifti_geometry

MANY = list(range(100))


@pytest.mark.parametrize("n_items", [20, 100])
def test_results_come_in_the_order_of_asking_and_some_may_be_passed_over(n_items):
    double = partial(operator.mul, 2)
    with WorkAhead(MANY[:n_items], double, is_small=lambda number: number % 9 > 0) as ahead:
        assert [ahead.take(number) for number in range(0, n_items, 7)] == list(range(0, 2 * n_items, 14))


def test_large_items_wait_until_they_are_asked_for():
    begun = []
    with WorkAhead(MANY, begun.append, is_small=lambda _: False) as ahead:
        ahead.take(0)
        assert begun == [0]


@pytest.mark.parametrize("n_items", [2, 100])
def test_what_goes_wrong_is_told_of_its_own_item(n_items):
    with WorkAhead(MANY[:n_items], partial(operator.floordiv, 1), is_small=lambda _: True) as ahead:
        with pytest.raises(ZeroDivisionError):
            ahead.take(0)
        assert ahead.take(1) == 1


def test_our_errors_come_back_as_they_were(tmp_path):
    paths = [tmp_path / f"{number}.nii.gz" for number in MANY]
    for path in paths:
        path.write_bytes(b"no image")
    with pytest.raises(ImageError) as here:
        read_nifti_geometry(paths[0])
    with (
        WorkAhead(paths, read_nifti_geometry, is_small=lambda _: True) as ahead,
        pytest.raises(ImageError) as there,
    ):
        ahead.take(paths[0])
    assert type(there.value) is type(here.value)
    assert str(there.value) == str(here.value)


def test_few_items_start_no_process():
    with WorkAhead(MANY[:10], str, is_small=lambda _: True) as ahead:
        ahead.take(0)
        assert not multiprocessing.active_children()


def test_nothing_outlives_the_block():
    with WorkAhead(MANY, str, is_small=lambda _: True) as ahead:
        ahead.take(0)
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
