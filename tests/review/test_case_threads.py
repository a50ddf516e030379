"""Jobs of several cases are done at once, those of one case in their order."""

import threading
from collections import defaultdict

from omentum.review.case_threads import CaseThreads


def test_jobs_of_a_case_are_done_in_their_order():
    done = defaultdict(list)
    threads = CaseThreads[tuple[str, int]](lambda job: done[job[0]].append(job[1]), 3, "test")
    for number in range(30):
        threads.put(f"case-{number % 5}", (f"case-{number % 5}", number))
    threads.start()
    threads.join()
    threads.close()
    assert all(numbers == sorted(numbers) for numbers in done.values())
    assert sum(map(len, done.values())) == 30


def test_a_slow_job_of_one_case_does_not_keep_all_others_waiting():
    may_end, others = threading.Event(), threading.Semaphore(0)

    def do(case_id: str) -> None:
        if case_id == "slow":
            may_end.wait(60)
        else:
            others.release()

    threads = CaseThreads[str](do, 2, "test")
    threads.start()
    threads.put("slow", "slow")
    for number in range(8):
        threads.put(f"case-{number}", f"case-{number}")
    assert others.acquire(timeout=60), "the other thread goes on"
    may_end.set()
    threads.close()


def test_closing_waits_for_what_was_put_in():
    done = []
    threads = CaseThreads[int](done.append, 2, "test")
    threads.start()
    for number in range(10):
        threads.put(str(number), number)
    threads.close()
    assert sorted(done) == list(range(10))


def test_one_waits_for_the_jobs_of_a_case_that_were_put_in_before():
    may_end, done = threading.Event(), []

    def do(job: str) -> None:
        may_end.wait(60)
        done.append(job)

    threads = CaseThreads[str](do, 2, "test")
    threads.start()
    threads.put("case-1", "save")
    assert not threads.wait("case-1", 0.01), "it is not done"
    may_end.set()
    assert threads.wait("case-1", 60)
    assert done == ["save"]
    threads.close()
