"""Windows that are looked at together."""

import pytest
import torch

from fixtures.windows import network_like, random_volume, slid
from omentum.networks.sliding_window import Windows


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_windows_that_go_together_give_what_each_gives_alone(at_once):
    volume, numbers = random_volume(30, 25, 41), []

    def noted(windows):
        numbers.append(len(windows))
        return network_like(windows)

    alone, _, places = slid(network_like, volume, Windows(voxels=(16, 12, 20), overlap=0.5))
    together = Windows(voxels=(16, 12, 20), overlap=0.5, at_once=at_once)
    made, seen, same_places = slid(noted, volume, together)
    assert places == same_places
    assert seen.all()
    assert 1 < max(numbers) <= at_once
    torch.testing.assert_close(made, alone, rtol=0, atol=1e-4)
