"""Several readings of an organ are joined and compared inside the box that they share."""

import numpy as np
import pytest

from omentum.measures.joint_readings import common_part, differences, majority, staple
from omentum.volumes.boxes import BoxedArray

SHAPE = (14, 12, 10)


def block(*sides):
    return BoxedArray(
        tuple(slice(*side) for side in sides), np.ones([high - low for low, high in sides], dtype=bool)
    )


def full(part):
    mask = np.zeros(SHAPE, dtype=bool)
    if part is not None:
        part.put(mask)
    return mask


@pytest.fixture
def noisy():
    """Three readings of one block, of different quality."""
    rng = np.random.default_rng(4)
    truth = full(block((3, 11), (2, 9), (2, 8)))
    flips = [rng.random(SHAPE) < rate for rate in (0.02, 0.05, 0.3)]
    return [BoxedArray.cut_out(truth ^ one) for one in flips]


def test_joined_masks_are_those_of_whole_volumes(noisy):
    votes = sum(full(part).astype(int) for part in noisy)
    assert np.array_equal(full(common_part(noisy)), votes == 3)
    assert np.array_equal(full(majority(noisy)), votes >= 2)


def test_the_estimate_is_that_of_simpleitk(noisy):
    import SimpleITK as sitk

    estimate = sitk.STAPLEImageFilter()
    estimate.SetForegroundValue(1.0)
    images = [sitk.GetImageFromArray(full(part).astype(np.uint8)) for part in noisy]
    expected = sitk.GetArrayFromImage(estimate.Execute(images)) >= 0.5
    assert np.array_equal(full(staple(noisy)), expected)


@pytest.mark.parametrize("join", [common_part, majority, staple])
def test_readings_that_agree_give_themselves_and_empty_ones_nothing(join):
    part = block((2, 5), (3, 6), (1, 4))
    assert np.array_equal(full(join([part] * 3)), full(part))
    assert join([None] * 3) is None
    assert common_part([part, part, None]) is None
    assert np.array_equal(full(majority([part, part, None])), full(part))


def test_of_four_readings_two_are_no_majority():
    part = block((2, 5), (3, 6), (1, 4))
    assert majority([part, part, None, None]) is None
    assert majority([part, part, part, None]) is not None


def test_differences_are_connected_regions_of_the_same_readings_by_volume():
    a, b = block((0, 10), (0, 10), (0, 8)), block((2, 12), (0, 10), (0, 8))
    one, other = differences([a, b])
    assert (one.held_by, other.held_by) == ((0,), (1,))
    assert (one.n_voxels, one.box) == (160, (slice(0, 2), slice(0, 10), slice(0, 8)))
    assert one.centre == (0.5, 4.5, 3.5)
    assert differences([a, a]) == []
    assert differences([None, None]) == []


def test_an_empty_reading_differs_by_the_whole_of_the_other():
    part = block((2, 5), (3, 6), (1, 4))
    (found,) = differences([None, part])
    assert (found.held_by, found.n_voxels, found.box) == ((1,), 27, part.box)


def test_regions_of_different_readings_that_touch_are_told_apart():
    a, b, c = (block((0, high), (0, 2), (0, 2)) for high in (4, 6, 8))
    assert {(one.held_by, one.n_voxels) for one in differences([a, b, c])} == {((1, 2), 8), ((2,), 8)}
