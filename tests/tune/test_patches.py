from contextlib import closing

import numpy as np
import pytest
import torch

from omentum.networks.starter import OVERVIEW_VOXELS
from omentum.records import MaskSource
from omentum.tune import patches as patches_module
from omentum.tune.case_buffer import CasePool
from omentum.tune.config import FullConfig
from omentum.tune.patches import draw

ORGANS = ("spleen", "liver", "pancreas")
SMALL = FullConfig(patch_voxels=(16, 16, 16), batch_size=2, seed=4)
AIR_HU = -1024


@pytest.fixture
def as_they_are(monkeypatch):
    """Leaves intensities unvaried."""
    monkeypatch.setattr(patches_module, "_varied", lambda hu, _rng: hu)
    monkeypatch.setattr(patches_module, "_unsharp", lambda hu, _rng, _config: hu)


def config(**changes) -> FullConfig:
    return FullConfig(**{"patch_voxels": (16, 16, 16), "batch_size": 1, "seed": 4, **changes})


def drawn(cases, step=0, settings=SMALL):
    with closing(CasePool(cases, (), ORGANS, 8.0, settings)) as pool:
        return draw(pool, ORGANS, step, settings)


def test_shapes_and_types_are_those_that_the_network_and_the_loss_take(boxes):
    batch = drawn([boxes], settings=config(patch_voxels=(48, 32, 16), batch_size=3))
    assert (batch.hu.shape, batch.hu.dtype) == ((3, 1, 48, 32, 16), torch.float32)
    assert (batch.labels.shape, batch.labels.dtype) == ((3, 3, 48, 32, 16), torch.bool)
    assert batch.weights.shape == (3, 3)
    assert batch.overviews.shape == (3, 1, *OVERVIEW_VOXELS)


def test_a_batch_depends_on_the_seed_and_the_step_alone(boxes):
    first, again = drawn([boxes], step=7), drawn([boxes], step=7)
    assert torch.equal(first.hu, again.hu)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.hu, drawn([boxes], step=8).hu)
    assert not torch.equal(first.hu, drawn([boxes], step=7, settings=config(seed=5, batch_size=2)).hu)
    assert not torch.equal(first.hu[0], first.hu[1])


def test_two_devices_draw_together_what_one_draws_alone(boxes):
    alone = drawn([boxes], 3)
    with closing(CasePool([boxes], (), ORGANS, 8.0, SMALL)) as pool:
        shares = [draw(pool, ORGANS, 3, config(), rank) for rank in range(2)]
    for name in ("hu", "labels", "weights", "overviews"):
        assert torch.equal(torch.cat([getattr(one, name) for one in shares]), getattr(alone, name))


def test_some_patches_are_blurred_and_some_are_of_thick_slices(prepared_case, monkeypatch):
    monkeypatch.setattr(patches_module, "_varied", lambda hu, _rng: hu)
    rng = np.random.default_rng(0)
    case = prepared_case(rng.normal(0, 100, (32, 32, 32)), {"liver": np.ones((32, 32, 32), dtype=bool)})

    def roughness(**shares) -> np.ndarray:
        settings = config(**{"blur_share": 0.0, "coarse_share": 0.0, **shares})
        return np.array([float(drawn([case], step, settings).hu.diff(dim=2).std()) for step in range(24)])

    sharp = roughness()
    assert (roughness(blur_share=1.0) < 0.9 * sharp).all()
    assert (roughness(coarse_share=1.0) < 0.99 * sharp).mean() > 0.5
    assert 0.2 < (roughness(blur_share=0.5) < 0.9 * sharp).mean() < 0.8


def test_blurring_moves_nothing_and_keeps_the_mean():
    hu = torch.zeros(1, 16, 16, 16)
    hu[0, 8, 7, 9] = 1000.0
    blurred = patches_module._blurred(hu, 0.8)
    assert blurred.shape == hu.shape
    assert int(blurred.argmax()) == int(hu.argmax())
    assert float(blurred.sum()) == pytest.approx(1000.0, rel=1e-4)


def test_labels_stay_with_their_voxels_however_a_patch_is_turned(prepared_case, as_they_are):
    masks = dict.fromkeys(ORGANS)
    hu = np.full((32, 32, 32), AIR_HU)
    for k, name in enumerate(ORGANS):
        masks[name] = np.zeros(hu.shape, dtype=bool)
        masks[name][4 + 8 * k : 11 + 8 * k, 6:26, 8 + 2 * k : 28] = True
        hu[masks[name]] = 200 * (k + 1)
    case = prepared_case(hu, masks)
    n_inside = n_wrong = 0
    for step in range(12):
        batch = drawn([case], step)
        for k in range(len(ORGANS)):
            is_pure = (batch.hu[:, 0] - 200 * (k + 1)).abs() < 0.01
            n_wrong += int((~batch.labels[:, k][is_pure]).sum())
            n_inside += int(is_pure.sum())
        is_air = (batch.hu[:, 0] - AIR_HU).abs() < 0.01
        assert not batch.labels.any(dim=1)[is_air].any()
    assert n_inside > 10_000
    assert n_wrong < 0.001 * n_inside, "a mixture may look like another organ, but rarely"


def test_a_patch_is_turned_a_little_and_scaled_a_little_and_never_mirrored(prepared_case, as_they_are):
    """Hounsfield units that rise along an axis tell where each voxel of a patch comes from."""
    side = 64
    ramps = [np.moveaxis(np.broadcast_to(np.arange(side) * 8, (side,) * 3), -1, axis) for axis in range(3)]
    cases = [prepared_case(ramp, {"liver": np.zeros(ramp.shape, dtype=bool)}) for ramp in ramps]
    scales, angles = [], []
    for step in range(20):
        patches = [drawn([case], step, config(foreground_share=0.0)).hu[0, 0].numpy() for case in cases]
        if min(patch.min() for patch in patches) < 0:
            continue  # reaches beyond the volume
        places = np.stack(patches) / 8
        jacobian = np.stack(
            [np.diff(places, axis=axis + 1).mean(axis=(1, 2, 3)) for axis in range(3)], axis=1
        )
        scale = np.cbrt(np.linalg.det(jacobian))
        np.testing.assert_allclose(jacobian.T @ jacobian, np.eye(3) * scale**2, atol=2e-3)
        scales.append(scale)
        angles.append(np.rad2deg(np.arccos((np.trace(jacobian / scale) - 1) / 2)))
    assert len(scales) >= 3
    assert 0.85 <= min(scales) < max(scales) <= 1.18
    assert 0 < max(angles) < 10 * 3**0.5 + 0.5


def test_a_patch_that_is_neither_turned_nor_scaled_is_on_the_grid_of_the_case(
    prepared_case, as_they_are, monkeypatch
):
    monkeypatch.setattr(patches_module, "_TURN_DEGREES", 0.0)
    monkeypatch.setattr(patches_module, "_SCALE", (1.0, 1.0))
    middle = np.zeros((40, 36, 48), dtype=bool)
    middle[20, 18, 24] = True
    for axis, ramp in enumerate(np.indices(middle.shape) * 16):
        case = prepared_case(ramp, {"liver": middle})
        for step in range(6):
            rise = drawn([case], step, config(foreground_share=1.0)).hu[0, 0].diff(dim=axis)
            torch.testing.assert_close(rise, torch.full_like(rise, 16.0), rtol=0, atol=0.05)


def test_what_lies_beyond_the_volume_is_air_and_no_organ(prepared_case, as_they_are):
    everywhere = np.ones((16, 16, 16), dtype=bool)
    case = prepared_case(np.full(everywhere.shape, 500), {"liver": everywhere})
    batch = drawn([case], settings=config(patch_voxels=(48, 48, 48)))
    corner = batch.hu[0, 0, 0, 0, 0], batch.labels[0, :, 0, 0, 0]
    assert corner[0] == AIR_HU
    assert not corner[1].any()
    assert batch.labels[0, 1].any()


def test_left_stays_left(prepared_case):
    left, right = np.zeros((2, 32, 32, 32), dtype=bool)
    left[4:10, 12:20, 12:20] = True
    right[22:28, 12:20, 12:20] = True
    case = prepared_case(np.zeros(left.shape), {"spleen": left, "liver": right})
    for step in range(10):
        labels = drawn([case], step, config(patch_voxels=(48, 48, 48))).labels[0]
        x_left, x_right = (torch.nonzero(labels[k])[:, 0].float().mean() for k in (0, 1))
        assert x_left < x_right


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0.05), (0.5, 0.5), (1.0, 1.0)])
def test_an_organ_is_sought_in_the_share_of_patches_that_was_said(prepared_case, share, expected):
    speck = np.zeros((64, 64, 64), dtype=bool)
    speck[30:34, 30:34, 30:34] = True
    case = prepared_case(np.zeros(speck.shape), {"liver": speck})
    settings = config(foreground_share=share)
    found = [bool(drawn([case], step, settings).labels.any()) for step in range(60)]
    assert np.mean(found) == pytest.approx(expected, abs=0.15)


def test_small_organs_are_sought_as_often_as_large_ones(prepared_case):
    large, small = np.zeros((2, 80, 40, 40), dtype=bool)
    large[4:32, 4:36, 4:36] = True
    small[66:70, 18:22, 18:22] = True
    case = prepared_case(np.zeros(large.shape), {"liver": large, "spleen": small})
    settings = config(foreground_share=1.0)
    found = [bool(drawn([case], step, settings).labels[:, 0].any()) for step in range(60)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.15)


def test_organs_that_the_network_does_not_know_are_not_sought(prepared_case):
    large, small = np.zeros((2, 80, 40, 40), dtype=bool)
    large[4:32, 4:36, 4:36] = True
    small[66:70, 18:22, 18:22] = True
    case = prepared_case(np.zeros(large.shape), {"aorta": large, "stomach": large, "spleen": small})
    settings = config(foreground_share=1.0)
    assert all(bool(drawn([case], step, settings).labels[:, 0].any()) for step in range(10))


def test_an_organ_that_overlaps_others_is_sought_as_often_as_one_that_does_not(prepared_case):
    left, right = np.zeros((2, 80, 40, 40), dtype=bool)
    left[4:12, 4:36, 4:36] = True
    right[66:74, 18:22, 18:22] = True
    case = prepared_case(np.zeros(left.shape), {"liver": left, "pancreas": left, "spleen": right})
    settings = config(foreground_share=1.0)
    found = [bool(drawn([case], step, settings).labels[:, 0].any()) for step in range(90)]
    assert np.mean(found) == pytest.approx(1 / 3, abs=0.12)


def test_a_label_counts_by_where_it_comes_from(prepared_case):
    nothing = np.zeros((16, 16, 16), dtype=bool)
    sources = {"pancreas": MaskSource.PREDICTED, "liver": MaskSource.REVISED, "aorta": MaskSource.ORIGINAL}
    case = prepared_case(np.zeros(nothing.shape), dict.fromkeys(sources, nothing), sources=sources)
    weights = drawn([case], settings=config(predicted_weight=0.2)).weights
    torch.testing.assert_close(weights, torch.tensor([[0.0, 1.0, 0.2]]))


def test_organs_that_overlap_are_both_there(prepared_case):
    both = np.ones((32, 32, 32), dtype=bool)
    case = prepared_case(np.zeros(both.shape), {"liver": both, "pancreas": both})
    labels = drawn([case], settings=config(foreground_share=0.0)).labels[0]
    assert labels[1].any()
    assert torch.equal(labels[1], labels[2])
    assert not labels[0].any()


def test_each_patch_comes_with_the_overview_of_its_own_case(prepared_case, as_they_are):
    nothing = {"liver": np.zeros((32, 32, 32), dtype=bool)}
    cases = [prepared_case(np.full((32, 32, 32), 100 * k), nothing) for k in range(4)]
    seen = set()
    for step in range(8):
        batch = drawn(cases, step)
        for hu, overview in zip(batch.hu, batch.overviews, strict=True):
            assert hu.max() == pytest.approx(float(overview[0, 0, 0, 0]), abs=0.01)
            seen.add(round(float(overview[0, 0, 0, 0])))
    assert seen == {0, 100, 200, 300}


def test_intensities_vary_within_reason(boxes):
    changes = []
    for step in range(10):
        hu = drawn([boxes], step).hu
        assert torch.isfinite(hu).all()
        changes.append(float(hu.max()))
    assert len(set(changes)) == 10
    assert -1024 * 1.1 - 200 < min(changes) < max(changes) < 400


def test_a_case_without_a_voxel_of_any_organ_gives_patches_from_anywhere(prepared_case):
    nothing = np.zeros((32, 32, 32), dtype=bool)
    case = prepared_case(np.zeros(nothing.shape), {"liver": nothing})
    batch = drawn([case], settings=config(foreground_share=1.0))
    assert not batch.labels.any()
    assert batch.weights.tolist() == [[0.0, 1.0, 0.0]]
