import pytest
import torch

from omentum.tune.head_batches import VOXELS_A_STEP, HeadBatches
from omentum.tune.samples import OrganSamples


def samples(case_id: str, starts: list[int], value: float = 0.0) -> OrganSamples:
    """Features say the place of a sample, contexts the group, labels whether the place is odd."""
    n, n_groups = starts[-1], len(starts) - 1
    place = torch.arange(n)
    return OrganSamples(
        organ="liver",
        case_id=case_id,
        features=(place[None] + torch.zeros(8, 1)).half(),
        contexts=torch.arange(n_groups)[:, None].float() + torch.full((1, 3), value),
        starts=torch.tensor(starts),
        labels=place % 2 == 1,
        stands_for=place.float() * 2,
    )


def test_features_labels_and_weights_belong_to_the_same_voxel():
    batch = HeadBatches([samples("a", [0, 700])], [1.0], seed=1).draw(0)
    assert batch.features.shape == (8, 8, VOXELS_A_STEP // 8)
    place = batch.features[:, :1]
    assert torch.equal(batch.labels, place % 2 == 1)
    assert torch.equal(batch.stands_for, place * 2)


def test_voxels_come_with_the_context_of_their_window_and_of_no_other():
    batch = HeadBatches([samples("a", [0, 10, 500, 1000])], [1.0], seed=1).draw(3)
    assert len(batch.contexts) == 64
    for features, context in zip(batch.features, batch.contexts, strict=True):
        low, high = [(0, 10), (10, 500), (500, 1000)][int(context[0])]
        assert low <= float(features.min())
        assert float(features.max()) < high


def test_a_batch_depends_on_the_seed_and_the_step_alone():
    batches = HeadBatches([samples("a", [0, 2000])], [1.0], seed=1)
    again = HeadBatches([samples("a", [0, 2000])], [1.0], seed=1)
    assert torch.equal(batches.draw(5).features, again.draw(5).features)
    assert not torch.equal(batches.draw(5).features, batches.draw(6).features)
    other = HeadBatches([samples("a", [0, 2000])], [1.0], seed=2)
    assert not torch.equal(batches.draw(5).features, other.draw(5).features)


def test_a_case_is_drawn_as_often_as_its_label_counts_whatever_its_size():
    both = [samples("a", [0, 3000], value=0.0), samples("b", [0, 50], value=1.0)]
    batches = HeadBatches(both, [0.25, 0.75], seed=4)
    drawn = torch.cat([batches.draw(step).contexts[:, 0] for step in range(100)])
    assert float(drawn.mean()) == pytest.approx(0.75, abs=0.05)


def test_windows_are_drawn_as_often_as_they_have_voxels():
    batches = HeadBatches([samples("a", [0, 100, 1000])], [1.0], seed=4)
    drawn = torch.cat([batches.draw(step).contexts[:, 0] for step in range(50)])
    assert float(drawn.mean()) == pytest.approx(0.9, abs=0.03)
