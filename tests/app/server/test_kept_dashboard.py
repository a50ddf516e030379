import threading

import pytest

from omentum.app.server.kept_dashboard import KeptDashboard


@pytest.fixture
def shown():
    """The seconds that a clock shows, and how many dashboards were made; each takes 2 s."""
    return {"seconds": 0.0, "made": 0}


@pytest.fixture
def kept(shown):
    def make():
        shown["seconds"] += 2.0
        shown["made"] += 1
        return shown["made"]

    return KeptDashboard(make, clock=lambda: shown["seconds"])


def test_it_is_kept_three_times_as_long_as_it_took(kept, shown):
    assert [kept.get(), kept.get()] == [1, 1]
    shown["seconds"] = 7.9
    assert kept.get() == 1
    shown["seconds"] = 8.0
    assert kept.get() == 2


def test_those_who_ask_at_the_same_time_get_the_same_one(shown):
    begun, go_on = threading.Event(), threading.Event()

    def make():
        begun.set()
        assert go_on.wait(10)
        shown["made"] += 1
        return shown["made"]

    clock = iter(range(0, 100, 1))
    kept = KeptDashboard(make, clock=lambda: next(clock))
    found = []
    threads = [threading.Thread(target=lambda: found.append(kept.get())) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [1, 1]


def test_one_that_could_not_be_made_is_tried_again():
    answers = iter([OSError("disk"), "made"])

    def make():
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    kept = KeptDashboard(make)
    with pytest.raises(OSError, match="disk"):
        kept.get()
    assert kept.get() == "made"
