from pathlib import Path

import pytest

from omentum.runners.measure import PeakMemory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is looked up in /proc")
def test_the_peak_of_a_job_is_its_own_although_jobs_overlap():
    memory = PeakMemory()
    memory.begin("large")
    taken = b"1" * 200_000_000
    memory.begin("while it is large")
    size = len(taken)
    del taken
    memory.begin("small")
    peaks = {key: memory.end(key) for key in ("small", "large")}
    assert peaks["large"] > size
    assert peaks["small"] < peaks["large"]
    assert memory.end("unknown") is None
