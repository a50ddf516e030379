import numpy as np
import pytest

from omentum.tune.augment import augmented


def test_copy_0_is_the_case_as_it_is(boxes):
    assert augmented(boxes, 0, seed=3) is boxes


def test_labels_go_where_the_voxels_go(boxes):
    for copy in range(1, 6):
        made = augmented(boxes, copy, seed=3)
        mask = made.masks.mask("liver")
        assert made.hu.shape == mask.shape == made.masks.geometry.shape
        assert made.hu[mask].mean() > made.hu[~mask].mean() + 60
        ratio = np.prod(made.hu.shape) / np.prod(boxes.hu.shape)
        assert mask.sum() / boxes.masks.mask("liver").sum() == pytest.approx(ratio, rel=0.25)


def test_copies_differ_in_size_and_brightness(boxes):
    made = [augmented(boxes, copy, seed=3) for copy in range(1, 9)]
    assert len({one.hu.shape for one in made}) > 2
    means = [one.hu[one.masks.mask("liver")].mean() for one in made]
    assert np.std(means) > 3


def test_a_copy_depends_on_its_number_the_case_and_the_seed_alone(boxes):
    assert np.array_equal(augmented(boxes, 2, seed=3).hu, augmented(boxes, 2, seed=3).hu)
    assert not np.array_equal(augmented(boxes, 2, seed=3).hu, augmented(boxes, 2, seed=4).hu)
