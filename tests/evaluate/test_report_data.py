import pytest

from omentum.errors import ConfigError


def test_last_round_is_the_one_reported(figures, report):
    assert report(figures(1), figures(2)).current.number == 2


@pytest.mark.parametrize("numbers", [[], [2, 1], [1, 1]])
def test_no_rounds_or_rounds_out_of_order_are_refused(figures, report, numbers):
    with pytest.raises(ConfigError, match="rising number"):
        report(*(figures(number) for number in numbers))


def test_rounds_may_start_anywhere(figures, report):
    assert report(figures(4), figures(7)).current.number == 7
