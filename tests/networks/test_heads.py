import pytest
import torch
from torch.nn import functional as F

from omentum.errors import UnknownOrganError
from omentum.networks.heads import HEAD_NUMBERS, OrganHeads, apply_heads

ORGANS = ("spleen", "kidney_right", "liver", "pancreas", "liver_tumor")


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def published(features, numbers):
    """As published: features repeated for every organ, then three grouped 1 x 1 x 1 convolutions."""
    n_organs = len(numbers)
    first, second, third = numbers[:, :64], numbers[:, 64:128], numbers[:, 128:136]
    bias1, bias2, bias3 = numbers[:, 136:144], numbers[:, 144:152], numbers[:, 152]
    x = features.repeat(1, n_organs, 1, 1, 1)
    square = (n_organs * 8, 8, 1, 1, 1)
    x = F.relu(F.conv3d(x, first.reshape(square), bias1.reshape(-1), groups=n_organs))
    x = F.relu(F.conv3d(x, second.reshape(square), bias2.reshape(-1), groups=n_organs))
    return F.conv3d(x, third.reshape(n_organs, 8, 1, 1, 1), bias3, groups=n_organs)


@pytest.fixture
def heads():
    torch.manual_seed(5)
    made = OrganHeads(ORGANS, context_channels=6)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return made


def test_a_head_has_the_published_number_of_numbers():
    assert HEAD_NUMBERS == 153


@pytest.mark.parametrize("n_organs", [1, 2, 32])
def test_heads_equal_the_published_grouped_convolutions(n_organs):
    features, numbers = random(2, 8, 5, 4, 3), random(2, n_organs, 153, seed=1)
    ours = apply_heads(features.flatten(start_dim=2), numbers).reshape(2, n_organs, 5, 4, 3)
    for item in range(2):
        torch.testing.assert_close(ours[item], published(features[item : item + 1], numbers[item])[0])


def test_one_voxel_by_hand():
    features, numbers = random(1, 8, 1), random(1, 1, 153, seed=2)
    f, p = features[0, :, 0].double().numpy(), numbers[0, 0].double().numpy()
    hidden = (p[0:64].reshape(8, 8) @ f + p[136:144]).clip(0)
    hidden = (p[64:128].reshape(8, 8) @ hidden + p[144:152]).clip(0)
    assert float(apply_heads(features, numbers)) == pytest.approx(p[128:136] @ hidden + p[152], rel=1e-5)


def test_features_are_left_as_they_are():
    features = random(1, 8, 50)
    before = features.clone()
    apply_heads(features, random(1, 3, 153))
    assert torch.equal(features, before)


def test_gradients_reach_controllers_and_agree_with_the_published_form(heads):
    features, context = random(1, 8, 3, 3, 3), random(1, 6, seed=3)
    heads(features, context, ORGANS).square().sum().backward()
    ours = heads.controllers["liver"].weight.grad.clone()
    heads.zero_grad()
    numbers = torch.stack([heads.controllers[name](context)[0] for name in ORGANS])
    published(features, numbers).square().sum().backward()
    torch.testing.assert_close(ours, heads.controllers["liver"].weight.grad, rtol=1e-4, atol=1e-4)


def test_an_organs_logits_depend_neither_on_the_order_nor_on_the_other_organs(heads):
    features, context = random(1, 8, 6, 5, 4), random(1, 6, seed=3)
    together = heads(features, context, ORGANS)
    for order in [ORGANS[::-1], ("liver", "spleen"), ("liver",)]:
        made = heads(features, context, order)
        assert made.shape == (1, len(order), 6, 5, 4)
        for place, name in enumerate(order):
            torch.testing.assert_close(made[:, place], together[:, ORGANS.index(name)], rtol=1e-5, atol=1e-5)


def test_only_the_controllers_of_the_organs_asked_for_run(heads):
    ran = []
    for name, controller in heads.controllers.items():
        controller.register_forward_hook(lambda *_, name=name: ran.append(name))
    heads(random(1, 8, 10), random(1, 6), ["pancreas", "spleen"])
    assert ran == ["pancreas", "spleen"]


def test_each_item_of_a_batch_has_its_own_context(heads):
    features, context = random(2, 8, 4, 4, 4), random(2, 6, seed=3)
    together = heads(features, context, ORGANS)
    for item in range(2):
        alone = heads(features[item : item + 1], context[item : item + 1], ORGANS)
        torch.testing.assert_close(together[item : item + 1], alone)


def test_any_number_of_voxel_axes_will_do(heads):
    features, context = random(1, 8, 4, 3, 2), random(1, 6)
    cube = heads(features, context, ["liver"])
    line = heads(features.flatten(start_dim=2), context, ["liver"])
    assert line.shape == (1, 1, 24)
    torch.testing.assert_close(cube.flatten(start_dim=2), line)


def test_an_organ_without_a_head_is_refused_by_name(heads):
    with pytest.raises(UnknownOrganError, match=r"'aorta'.*spleen.*liver_tumor"):
        heads(random(1, 8, 4), random(1, 6), ["liver", "aorta"])


def test_a_fresh_head_says_that_organs_are_rare():
    torch.manual_seed(0)
    fresh = OrganHeads(["liver"], context_channels=32)
    logits = fresh(random(1, 8, 5000), random(1, 32, seed=1).abs(), ["liver"])
    assert logits.sigmoid().mean() < 0.3
