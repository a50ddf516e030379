import pytest
import torch

from omentum.networks.multiscale import crop_planes, join_levels, join_levels_at

SIDES = (12, 20, 16)


@pytest.fixture
def levels():
    """Reduced features, and three levels: at full size, at half, at a quarter."""
    random = torch.Generator().manual_seed(0)
    kinds = ((8, 1), (5, 1), (11, 2), (9, 4))
    return [torch.randn(1, n, *(side // by for side in SIDES), generator=random) for n, by in kinds]


def test_each_level_is_interpolated_to_the_grid_of_the_first(levels):
    made = join_levels(levels)
    assert made.shape == (1, 8 + 5 + 11 + 9, *SIDES)
    assert torch.equal(made[:, :8], levels[0])
    assert torch.equal(made[:, 8:13], levels[1])
    of_half = torch.nn.functional.interpolate(levels[2], SIDES, mode="trilinear")
    torch.testing.assert_close(made[:, 13:24], of_half)


def test_what_lies_alone_stays_as_it_is(levels):
    assert join_levels(levels[:1]) is levels[0]


@pytest.mark.parametrize("lying", [torch.contiguous_format, torch.channels_last_3d])
def test_at_every_voxel_it_is_the_same_as_everywhere(levels, lying):
    levels = [one.to(memory_format=lying) for one in levels]
    places = torch.cartesian_prod(*map(torch.arange, SIDES))
    expected = join_levels(levels)[0].flatten(start_dim=1)
    torch.testing.assert_close(join_levels_at(levels, places), expected, rtol=1e-5, atol=1e-6)


def test_levels_in_half_as_long_numbers_come_out_in_those_of_the_first(levels):
    half = [levels[0], *(one.bfloat16() for one in levels[1:])]
    assert join_levels(half).dtype == torch.float32
    places = torch.tensor([[0, 0, 0], [11, 19, 15], [3, 7, 5]])
    torch.testing.assert_close(join_levels_at(half, places), join_levels(half)[0, :, *places.T])


@pytest.mark.parametrize("planes", [slice(0, 16), slice(0, 1), slice(5, 6), slice(3, 12), slice(15, 16)])
def test_of_some_planes_it_is_what_it_is_there(levels, planes):
    torch.testing.assert_close(join_levels(crop_planes(levels, planes)), join_levels(levels)[..., planes])


def test_no_voxel_is_no_feature(levels):
    assert join_levels_at(levels, torch.zeros(0, 3, dtype=torch.long)).shape == (33, 0)
