import numpy as np
import pytest

from omentum.records import MaskSource
from omentum.tune import held_out as held_out_module
from omentum.tune.held_out import HeldOutDice

PREDICTED, REVISED = MaskSource.PREDICTED, MaskSource.REVISED
SHAPE = (16, 16, 16)


def box(low: int, high: int) -> np.ndarray:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[low:high, 2:14, 2:14] = True
    return mask


@pytest.fixture
def says(monkeypatch):
    """Lets networks say what they are asked to, whatever they see."""

    def say(masks):
        def found(_network, _hu, names):
            for z in (slice(0, 7), slice(7, 16)):
                yield z, np.stack([masks[name][..., z] * np.uint8(255) for name in names])

        monkeypatch.setattr(held_out_module, "organ_probabilities", found)

    return say


def test_it_is_the_mean_over_organs_of_the_mean_over_cases(prepared_case, says, network):
    hu = np.zeros(SHAPE)
    first = prepared_case(hu, {"liver": box(2, 6), "spleen": box(8, 12)}, case_id="a")
    second = prepared_case(hu, {"liver": box(4, 8)}, case_id="b")
    look = HeldOutDice([first, second], ("spleen", "liver", "pancreas"))
    assert look.case_ids == ["a", "b"]
    says({"liver": box(2, 6), "spleen": box(10, 14)})
    assert look(network) == pytest.approx(((1 + 0.5) / 2 + 0.5) / 2)


def test_masks_that_a_network_made_and_organs_that_are_not_there_are_not_compared_with(prepared_case):
    masks = {"liver": box(2, 6), "spleen": box(8, 12), "pancreas": np.zeros(SHAPE, dtype=bool)}
    sources = {"liver": PREDICTED, "spleen": REVISED, "pancreas": REVISED}
    case = prepared_case(np.zeros(SHAPE), masks, sources=sources)
    assert HeldOutDice([case], tuple(masks)).key == HeldOutDice([case], ("spleen",)).key
    assert HeldOutDice([case], ("liver", "pancreas")).case_ids == []


def test_the_key_names_cases_and_organs(prepared_case):
    case = prepared_case(np.zeros(SHAPE), {"liver": box(2, 6), "spleen": box(8, 12)}, case_id="a")
    other = prepared_case(np.zeros(SHAPE), {"liver": box(2, 6), "spleen": box(8, 12)}, case_id="b")
    looks = [
        HeldOutDice([case], ("liver",)),
        HeldOutDice([case], ("liver", "spleen")),
        HeldOutDice([other], ("liver",)),
        HeldOutDice([], ("liver",)),
    ]
    assert len({look.key for look in looks}) == 4
    assert looks[0].key == HeldOutDice([case], ("liver",)).key


def test_a_real_network_is_measured_through_its_own_windows(boxes, network):
    assert 0.0 <= HeldOutDice([boxes], network.spec.organs)(network) <= 1.0
