import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference

from omentum.errors import ConfigError, UnknownOrganError
from omentum.networks import infer
from omentum.networks.device_load import DeviceLoad
from omentum.networks.extend_organs import add_adapters
from omentum.networks.infer import Features, compute_features, organ_probabilities, probabilities_of
from omentum.networks.network import NetworkSpec
from omentum.networks.universal_unet import UniversalUNet

LEAST_HU = -175


@pytest.fixture
def corner():
    """Air, and a body in one corner of 24 x 16 x 16 voxels."""
    hu = np.full((24, 16, 16), -1000, dtype=np.float32)
    hu[1:6, 2:7, 3:7] = 40
    return hu


@pytest.fixture
def narrow():
    """A published network with few channels, windows of 16 x 16 x 24, and organs anywhere."""
    spec = NetworkSpec(
        architecture="universal-unet",
        organs=("liver", "pancreas", "spleen"),
        spacing_mm=1.5,
        window_voxels=(16, 16, 24),
    )
    torch.manual_seed(1)
    network = UniversalUNet(spec, width=16).eval()
    for controller in network.organ_heads.controllers.values():
        torch.nn.init.normal_(controller.weight, std=0.1)
        torch.nn.init.normal_(controller.bias, std=0.5)
    return network


def put_together(slabs, shape):
    """Every organ's whole map; nothing where there is no slab, and no plane twice."""
    whole, planes = None, []
    for z, slab in slabs:
        assert slab.dtype == np.uint8
        assert slab.shape[1:] == (*shape[:2], z.stop - z.start)
        whole = np.zeros((len(slab), *shape), dtype=np.uint8) if whole is None else whole
        whole[..., z] = slab
        planes += range(z.start, z.stop)
    assert planes == sorted(set(planes))
    return whole


def soft_tissue(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-150, 240, shape).astype(np.float32)


def in_255ths(logits):
    return np.rint(255 / (1 + np.exp(-logits.double().numpy())))


def test_probabilities_are_the_sigmoid_of_the_heads_in_255ths(starter):
    network = starter()
    hu = np.random.default_rng(0).uniform(-300, 300, (18, 16, 20)).astype(np.float32)
    made, organs = compute_features(network, hu), ("pancreas", "spleen", "liver")
    with torch.inference_mode():
        wanted = in_255ths(network.heads(made.features, made.context, organs)[0])
    for slabs in (probabilities_of(network, made, organs), organ_probabilities(network, hu, organs)):
        found = put_together(slabs, hu.shape)
        assert np.abs(found - wanted).max() <= 1  # a half may fall either way
        assert (found != wanted).mean() < 0.001
    assert len({tuple(row) for row in wanted.reshape(3, -1)}) == 3


def test_organs_asked_for_alone_have_the_same_probabilities(starter, narrow):
    hu = soft_tissue(18, 16, 20)
    for network in (starter(), narrow):
        together = put_together(organ_probabilities(network, hu, network.spec.organs), hu.shape)
        for name, wanted in zip(network.spec.organs, together, strict=True):
            (alone,) = put_together(organ_probabilities(network, hu, [name]), hu.shape)
            assert np.abs(alone.astype(int) - wanted).max() <= 1


def test_voxels_taken_a_few_at_a_time_give_the_same(positions, narrow, corner, monkeypatch):
    cases = [(positions(), corner), (narrow, soft_tissue(17, 16, 25))]
    organs = ["liver", "spleen"]
    at_once = [put_together(organ_probabilities(one, hu, organs), hu.shape) for one, hu in cases]
    monkeypatch.setattr(infer, "_VOXELS_AT_ONCE", {"cpu": 1000})  # divides no window and no volume
    monkeypatch.setattr(infer, "_SLAB_VOXELS", 24 * 16 * 3)
    for (network, hu), wanted in zip(cases, at_once, strict=True):
        found = put_together(organ_probabilities(network, hu, organs), hu.shape)
        assert np.abs(found.astype(int) - wanted).max() <= (0 if network is not narrow else 1)


def test_slabs_are_thin_and_heads_take_few_voxels_at_a_time(positions, corner, monkeypatch):
    monkeypatch.setattr(infer, "_VOXELS_AT_ONCE", {"cpu": 1000})
    monkeypatch.setattr(infer, "_SLAB_VOXELS", 24 * 16 * 3 + 1)
    network, taken = positions(), []
    heads = network.heads
    monkeypatch.setattr(network, "heads", lambda *given: taken.append(given[0].shape[2]) or heads(*given))
    places = [z for z, _ in organ_probabilities(network, corner, ["liver"])]
    assert [(z.start, z.stop) for z in places] == [(0, 3), (3, 6), (6, 9), (9, 12), (12, 15), (15, 16)]
    assert taken == [1000, 152] * 5 + [384]


def test_probability_is_0_where_no_window_looked_and_nowhere_else(positions, corner):
    network = positions()
    torch.nn.init.zeros_(network.gain)  # one half everywhere
    made = compute_features(network, corner)
    (probability,) = put_together(probabilities_of(network, made, ["liver"]), corner.shape)
    looked = np.zeros(corner.shape, dtype=bool)
    looked[:12, :12, :12] = True  # windows of 8 with a step of 4 that hold any of the body
    assert np.array_equal(made.seen.numpy(), looked)
    assert np.array_equal(probability, np.where(looked, 128, 0))


def test_features_where_the_body_is_do_not_depend_on_windows_that_were_skipped(
    positions, corner, monkeypatch
):
    network = positions()
    skipped = compute_features(network, corner)
    monkeypatch.setattr(infer, "BODY_HU", -2000)
    everything = compute_features(network, corner)
    body = torch.from_numpy(corner > -500)
    assert everything.seen.all()
    assert not skipped.seen.all()
    assert torch.equal(skipped.features[0][:, body], everything.features[0][:, body])


def test_a_ct_of_air_alone_is_refused(starter, narrow):
    air = np.full((16, 16, 24), -1000, dtype=np.float32)
    with pytest.raises(ConfigError, match="body in the CT"):
        compute_features(starter(), air)
    for network in (starter(), narrow):
        with pytest.raises(ConfigError, match="body in the CT"):
            list(organ_probabilities(network, air, ["liver"]))


def test_an_overlap_out_of_range_is_refused(positions, narrow, corner):
    with pytest.raises(ConfigError, match="overlap"):
        compute_features(positions(), corner, overlap=1.0)
    with pytest.raises(ConfigError, match="overlap"):
        list(organ_probabilities(narrow, corner, ["liver"], overlap=-0.5))


def test_windows_with_contexts_of_their_own_make_no_features_of_the_whole_volume(narrow):
    with pytest.raises(ConfigError, match=r"universal-unet.*--mode full"):
        compute_features(narrow, soft_tissue(16, 16, 24))


def test_the_context_is_computed_once_of_the_whole_volume(positions, corner):
    made = compute_features(positions(), corner)
    assert float(made.context) == pytest.approx(corner.mean())


def test_an_organ_without_a_head_is_refused(starter, narrow):
    everywhere = torch.ones(4, 4, 4, dtype=torch.bool)
    made = Features((torch.zeros(1, 8, 4, 4, 4),), torch.zeros(1, 32), everywhere, (slice(0, 4),) * 3)
    with pytest.raises(UnknownOrganError, match="spleen"):
        list(probabilities_of(starter(organs=("liver",)), made, ["liver", "spleen"]))
    with pytest.raises(UnknownOrganError, match="colon"):
        list(organ_probabilities(narrow, soft_tissue(16, 16, 24), ["liver", "colon"]))


def test_volumes_whose_axes_were_turned_need_no_copy_by_the_caller(positions, corner):
    network = positions()
    turned = np.flip(corner.transpose(2, 0, 1), axis=1)
    one = compute_features(network, turned)
    other = compute_features(network, np.ascontiguousarray(turned))
    assert torch.equal(one.features, other.features)


def test_of_adapters_no_full_size_map_is_needed_to_predict_the_same(starter, monkeypatch):
    network = starter()
    add_adapters(network, ["liver"])
    torch.nn.init.normal_(network.organ_heads.adapters["liver"].up.weight, std=3.0)
    hu = soft_tissue(20, 33, 40)
    made = compute_features(network, hu)
    with torch.inference_mode():
        whole = in_255ths(network.heads(made.features, made.context, ["liver", "spleen"])[0])
    monkeypatch.setattr(infer, "_JOINED_VOXELS", 3 * 32 * 48)
    monkeypatch.setattr(infer, "_SLAB_VOXELS", 7 * 20 * 33)
    slabs = list(probabilities_of(network, made, ["liver", "spleen"]))
    assert [(z.start, z.stop) for z, _ in slabs] == [(z, min(z + 7, 40)) for z in range(0, 40, 7)]
    by_slab = np.concatenate([slab for _, slab in slabs], axis=-1)
    assert whole.std() > 5
    assert np.abs(by_slab.astype(int) - whole.astype(int)).max() <= 1


def test_an_adapter_changes_no_bit_of_another_organs_logits(starter, monkeypatch):
    hu = soft_tissue(20, 33, 40)
    monkeypatch.setattr(infer, "_JOINED_VOXELS", 3 * 32 * 48)
    monkeypatch.setattr(infer, "_as_bytes", lambda logits, _seen: logits)
    plain, adapted = starter(), starter()
    add_adapters(adapted, ["liver"])
    organs = ["liver", "pancreas", "spleen"]
    slabs = [list(organ_probabilities(one, hu, organs)) for one in (plain, adapted)]
    for (_, before), (_, after) in zip(*slabs, strict=True):
        assert np.array_equal(before[1:], after[1:])


def test_nothing_is_kept_for_gradients(starter):
    made = compute_features(starter(), np.zeros((16, 16, 16), dtype=np.float32))
    assert not made.features.requires_grad
    assert made.features.dtype == torch.float32


@pytest.mark.parametrize(
    ("shape", "overlap", "batch"),
    [
        ((29, 22, 50), 0.5, 1),
        ((29, 22, 30), 0.75, 2),
        ((11, 22, 50), 0.5, 2),
        ((20, 9, 13), 0.75, 1),
        ((16, 16, 24), 0.5, 1),
        ((7, 9, 10), 0.5, 1),
    ],
)
@torch.inference_mode()
def test_where_windows_have_their_own_context_logits_are_joined_as_monai_joins_them(
    narrow, shape, overlap, batch
):
    """As published: cropped to what is seen at all, and windows beyond it see what is least dense."""
    body = soft_tissue(*shape)
    hu = np.pad(body, [(3, 4), (2, 1), (5, 6)], constant_values=-1000)
    hu[0, 0, 0] = LEAST_HU  # just out of sight
    organs = ("spleen", "liver")
    logits = sliding_window_inference(
        torch.from_numpy(body)[None, None],
        narrow.spec.window_voxels,
        batch,
        lambda windows: narrow(windows, organs),
        overlap=overlap,
        mode="gaussian",
        sigma_scale=0.125,
        cval=LEAST_HU,
    )
    wanted = np.zeros((2, *hu.shape))
    wanted[:, 3:-4, 2:-1, 5:-6] = in_255ths(logits[0])
    found = put_together(organ_probabilities(narrow, hu, organs, overlap=overlap), hu.shape)
    assert wanted.std() > 20  # or anything would be near enough
    assert np.abs(found - wanted).max() <= 1


@torch.inference_mode()
def test_windows_of_air_between_two_bodies_are_not_looked_at(narrow):
    """Without overlap, so that each window speaks for itself."""
    hu = np.full((16, 16, 4 * 24), -1000, dtype=np.float32)
    hu[..., :24], hu[..., 3 * 24 :] = soft_tissue(16, 16, 24), soft_tissue(16, 16, 24, seed=1)
    slabs = list(organ_probabilities(narrow, hu, ["liver"], overlap=0.0))
    assert [(z.start, z.stop) for z, _ in slabs] == [(0, 24), (72, 96)]
    for z, found in slabs:
        window = torch.from_numpy(hu[..., z].copy())[None, None]
        assert np.abs(found - in_255ths(narrow(window, ["liver"])[0])).max() <= 1


@torch.inference_mode()
def test_a_ct_of_lung_alone_is_looked_at_as_it_is(narrow):
    lung = np.full((16, 16, 24), -400, dtype=np.float32)
    found = put_together(organ_probabilities(narrow, lung, ["liver"]), lung.shape)
    wanted = in_255ths(narrow(torch.from_numpy(lung)[None, None], ["liver"])[0])
    assert np.abs(found - wanted).max() <= 1


LIGHTER = [DeviceLoad(n_windows=3), DeviceLoad(in_pieces=True)]


@pytest.mark.parametrize("load", LIGHTER)
def test_probabilities_do_not_depend_on_how_much_is_on_the_device_at_once(narrow, load):
    hu, organs = soft_tissue(20, 29, 40), ("spleen", "liver")
    usual = put_together(organ_probabilities(narrow, hu, organs), hu.shape)
    found = put_together(organ_probabilities(narrow, hu, organs, load=load), hu.shape)
    assert usual.std() > 20
    assert np.abs(found.astype(int) - usual).max() <= 1


@pytest.mark.parametrize("load", LIGHTER)
def test_features_do_not_depend_on_how_much_is_on_the_device_at_once(starter, windows_only, load):
    network, hu = starter(window_voxels=(16, 16, 32)), soft_tissue(29, 40, 50)
    usual, found = compute_features(network, hu), compute_features(network, hu, load=load)
    assert torch.equal(found.seen, usual.seen)
    apart = (found.features - usual.features).abs().max()
    assert apart < 1e-4 * usual.features.std()
