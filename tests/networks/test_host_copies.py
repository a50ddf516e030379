import numpy as np
import pytest
import torch

from omentum.networks.host_copies import HostCopies


@pytest.mark.parametrize("n_ahead", [0, 1, 3])
def test_copies_come_in_order_and_later_tensors_are_made_before_earlier_copies_end(n_ahead):
    made = []

    def tensors():
        for place in range(5):
            made.append(place)
            yield place, torch.full((2, 3), place)

    found = []
    for place, array in HostCopies(torch.device("cpu"), n_ahead=n_ahead).in_order(tensors()):
        assert len(made) == min(5, place + 1 + n_ahead)
        assert isinstance(array, np.ndarray)
        assert (array == place).all()
        found.append(place)
    assert found == list(range(5))
