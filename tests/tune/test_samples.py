import numpy as np
import pytest
import torch
from scipy import ndimage

from omentum.networks.infer import compute_features
from omentum.tune.config import ContinualConfig
from omentum.tune.samples import most_samples, sample_case

CONFIG = ContinualConfig(trainable="heads", samples_per_class=300, shell_mm=20.0, seed=1)


def test_samples_stand_for_every_voxel_that_prediction_looks_at(network, boxes):
    (liver,) = sample_case(network, boxes, ["liver"], CONFIG, overlap=0.5)
    made = compute_features(network, boxes.hu.astype(np.float32))
    mask = boxes.masks.mask("liver")
    assert float(liver.stands_for.sum()) == pytest.approx(int(made.seen.sum()), rel=1e-5)
    assert float(liver.stands_for[liver.labels].sum()) == pytest.approx(mask.sum(), rel=1e-5)
    assert (liver.organ, liver.case_id) == ("liver", "a")
    assert torch.equal(liver.contexts, made.context)
    assert liver.starts.tolist() == [0, 900]


def test_inside_near_and_elsewhere_are_sampled_alike_and_mixed(network, boxes):
    (liver,) = sample_case(network, boxes, ["liver"], CONFIG, overlap=0.5)
    assert liver.features.shape == (8, 900)
    assert liver.features.dtype == torch.float16
    assert int(liver.labels.sum()) == 300
    mask = boxes.masks.mask("liver")
    near = ~mask & (ndimage.distance_transform_edt(~mask, sampling=8.0) <= 20.0)
    sizes = [mask.sum(), near.sum(), (~mask & ~near).sum()]
    expected = np.sort(np.repeat(sizes, 300) / 300)
    np.testing.assert_allclose(np.sort(liver.stands_for.numpy()), expected, rtol=1e-6)
    assert 60 < int(liver.labels[:300].sum()) < 140, "any run of neighbours is a random draw"


def test_what_is_around_the_shell_can_be_sampled_apart_from_what_is_far(network, boxes):
    config = CONFIG.changed(around_mm=50.0)
    (liver,) = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    assert len(liver.labels) == most_samples(config, boxes.hu.size) == 1200
    distance_mm = ndimage.distance_transform_edt(~boxes.masks.mask("liver"), sampling=8.0)
    around = ((distance_mm > 20.0) & (distance_mm <= 50.0)).sum()
    assert np.isclose(liver.stands_for.unique().numpy(), around / 300).any()
    assert float(liver.stands_for.sum()) == pytest.approx(boxes.hu.size, rel=1e-5)


def test_features_are_those_of_the_voxels_that_the_labels_are_of(network, boxes):
    config = ContinualConfig(samples_per_class=10**6, shell_mm=20.0)
    (liver,) = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    made = compute_features(network, boxes.hu.astype(np.float32))
    flat = made.features[0].flatten(1).half()
    mask = torch.from_numpy(boxes.masks.mask("liver").ravel())
    assert float(liver.stands_for.min()) == float(liver.stands_for.max()) == 1.0
    for is_inside in (True, False):
        ours = liver.features[:, liver.labels == is_inside].float().sort(dim=1).values
        theirs = flat[:, mask == is_inside].float().sort(dim=1).values
        assert torch.equal(ours, theirs)


def test_a_shell_thinner_than_a_voxel_holds_the_voxels_that_touch_the_organ(network, boxes):
    config = ContinualConfig(trainable="heads", samples_per_class=10**6, shell_mm=1.0)
    (liver,) = sample_case(network, boxes, ["liver"], config, overlap=0.5)
    few = ContinualConfig(trainable="heads", samples_per_class=10, shell_mm=1.0)
    (drawn,) = sample_case(network, boxes, ["liver"], few, overlap=0.5)
    assert len(drawn.labels) == 30
    assert len(liver.labels) == boxes.hu.size


def test_an_organ_that_is_nowhere_is_sampled_from_everywhere(network, prepared_case, boxes):
    case = prepared_case(boxes.hu, {"pancreas": np.zeros(boxes.hu.shape, dtype=bool)})
    (pancreas,) = sample_case(network, case, ["pancreas"], CONFIG, overlap=0.5)
    assert not pancreas.labels.any()
    assert len(pancreas.labels) == 300
    assert float(pancreas.stands_for.sum()) == pytest.approx(boxes.hu.size, rel=1e-5)


def test_a_draw_depends_on_the_seed_the_organ_the_case_and_the_copy_alone(network, boxes):
    first = sample_case(network, boxes, ["liver", "spleen"], CONFIG, overlap=0.5)
    (alone,) = sample_case(network, boxes, ["spleen"], CONFIG, overlap=0.5)
    assert torch.equal(first[1].features, alone.features)
    other = ContinualConfig(samples_per_class=300, shell_mm=20.0, seed=2)
    (redrawn,) = sample_case(network, boxes, ["spleen"], other, overlap=0.5)
    assert not torch.equal(redrawn.features, alone.features)
    once, again = (sample_case(network, boxes, ["spleen"], CONFIG, overlap=0.5, copy=1) for _ in range(2))
    assert torch.equal(once[0].features, again[0].features)
    assert not torch.equal(once[0].features, alone.features)


def test_windows_with_contexts_of_their_own_give_their_voxels_their_own(narrow, boxes):
    (liver,) = sample_case(narrow, boxes, ["liver"], CONFIG, overlap=0.5)
    assert len(liver.contexts) == len(liver.starts) - 1 > 1
    assert liver.starts[0] == 0
    assert int(liver.starts[-1]) == len(liver.labels) == liver.features.shape[1]
    assert (liver.starts.diff() > 0).all()
