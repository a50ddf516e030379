"""Memory that a network computed in is there for its next step."""

import resource
import sys

import pytest
import torch

from omentum.networks.memory_pages import use_large_pages

MB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told how to keep memory")
def test_arrays_of_the_next_step_take_hardly_a_new_page():
    use_large_pages()
    for _ in range(2):
        torch.ones(24 * MB, dtype=torch.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        torch.ones(24 * MB, dtype=torch.uint8)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 24 * MB // 4096
