"""The published networks from their files to masks, on the command line, with synthetic weights.

What is written is worked out once more with MONAI's sliding window and numpy.
"""

import json
import pickle
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.inferers import sliding_window_inference
from scipy import ndimage

from omentum.networks.catalogue import find_weights
from omentum.networks.weights import load_network, save_network
from omentum.volumes.labels import ORGANS, SUBSETS

NETWORKS = {"universal-unet": "unet", "universal-swinunetr": "swinunetr"}
WINDOW_VOXELS = (64, 32, 32)
EVERY_RULE = "specks,sides,lungs,largest,hosts,count,veins,holes"
EVERYTHING = ("--save", "masks,probabilities,entropy", "--numbers", "float32")


@pytest.fixture(scope="module")
def data_home(stand_in, tmp_path_factory):
    """A user's data folder with both networks, added from files as the authors offer them."""
    from omentum.networks.catalogue import add_model

    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMENTUM_HOME", str(folder / "home"))
        for name, layout in NETWORKS.items():
            tensors = {f"module.{key}": value for key, value in stand_in(layout).items()}
            torch.save({"net": tensors, "epoch": 800}, folder / f"{layout}.pth")
            _shrink_windows(add_model(folder / f"{layout}.pth", name))
            (folder / f"{layout}.pth").unlink()
    return folder / "home"


def _shrink_windows(weights):
    """Let a network look through the least window that sees the whole CT: a tenth of the work."""
    network = load_network(weights)
    assert network.spec.window_voxels == (96, 96, 96)
    network.spec = network.spec.model_copy(update={"window_voxels": WINDOW_VOXELS})
    save_network(weights, network)


@pytest.fixture
def published(data_home, monkeypatch):
    monkeypatch.setenv("OMENTUM_HOME", str(data_home))


@pytest.fixture(scope="module")
def ct(tmp_path_factory):
    """A small CT on a grid of 1.5 mm, LPS, of noise in which organs have some size; one window sees all."""
    rng = np.random.default_rng(0)
    hu = ndimage.gaussian_filter(rng.normal(0, 1, (16, 14, 12)), 1)
    hu = 40 + 90 * hu / hu.std()
    path = tmp_path_factory.mktemp("cts") / "small.nii.gz"
    nib.save(nib.Nifti1Image(hu.astype(np.int16), np.diag([-1.5, -1.5, 1.5, 1.0])), path)
    return path


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def refused(ran):
    return ran.code == 2 and ran.err.startswith("omentum: ") and ran.err.count("\n") == 1 and not ran.out


@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_a_published_network_predicts_what_its_window_gives(omentum, ct, tmp_path):
    """The CT is on the network's grid: probabilities are those of one window, turned to RAS and back."""
    out = tmp_path / "out"
    ran = omentum(
        "predict", ct, "-o", out, "--network", "universal-unet", "--without", EVERY_RULE, *EVERYTHING
    )  # fmt: skip
    assert (ran.code, ran.err) == (0, "predicted 1 case\n")
    kinds = ("segmentations", "probabilities", "entropy")
    own = {f"{kind}/{row.name}.nii.gz" for kind in kinds for row in ORGANS}
    assert files(out) == own | {"labels.nii.gz", "labels.json", "preview.png", "summary.json"}

    network = load_network(find_weights("universal-unet")).to(memory_format=torch.channels_last_3d)
    assert network.spec.organs == SUBSETS["omentum"]
    hu = voxels(ct).astype(np.float32)[::-1, ::-1].copy()
    with torch.inference_mode():
        logits = sliding_window_inference(
            torch.from_numpy(hu)[None, None],
            roi_size=WINDOW_VOXELS,
            sw_batch_size=1,
            predictor=lambda window: network(window, network.spec.organs),
            cval=-175.0,  # what the network cannot tell from air
        )
    probability = 255 * logits[0].sigmoid().numpy()[:, ::-1, ::-1]
    n_seen = 0
    for row, expected in zip(ORGANS, probability, strict=True):
        stored = voxels(out / "probabilities" / f"{row.name}.nii.gz")
        counts = expected >= 3.5
        assert np.abs(stored - expected)[counts].max(initial=0) <= 1.5, row.name
        mask = voxels(out / "segmentations" / f"{row.name}.nii.gz") > 0
        assert np.array_equal(mask, stored > 127), row.name
        n_seen += bool(mask.any()) and not mask.all()
    assert n_seen > 3, "synthetic weights see some organs, and not everywhere"


@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_both_published_networks_and_their_mean_in_both_layouts(omentum, ct, tmp_path):
    names = [part for name in NETWORKS for part in ("--network", name)]
    rules = ("--without", EVERY_RULE)
    out, tree, alone = tmp_path / "out", tmp_path / "tree", tmp_path / "alone"
    assert omentum("predict", ct, "-o", out, *names, *rules, *EVERYTHING).code == 0
    assert omentum("predict", ct, "-o", tree, *names, *rules, *EVERYTHING, "--layout", "published").code == 0
    swin = ("--network", "universal-swinunetr", "--layout", "published", *EVERYTHING, *rules)
    assert omentum("predict", ct, "-o", alone, *swin).code == 0
    told = json.loads((out / "summary.json").read_text())
    assert [one["network"] for one in told["made_with"]["networks"]] == list(NETWORKS)

    organs = {row.name: f"{row.published_name}.nii.gz" for row in ORGANS}
    masks = {"pseudo_label.nii.gz", *(f"segmentations/{file}" for file in organs.values())}
    soft = {f"soft_pred/{file}" for file in organs.values()}
    soft |= {f"entropy/{row.name}.nii.gz" for row in ORGANS if row.target}
    backbones = {f"backbones/{name}/{file}" for name in NETWORKS for file in masks | soft}
    both = backbones | {f"average/{file}" for file in masks} | {"ct.nii.gz", "summary.json"}
    assert files(tree / "small") == both
    assert "average/segmentations/celiac_truck.nii.gz" in both
    one = {file for file in both if not file.startswith(("average", "backbones/universal-unet"))}
    assert files(alone / "small") == one
    for file in one - {"summary.json"}:
        assert (alone / "small" / file).read_bytes() == (tree / "small" / file).read_bytes(), file

    changed = 0
    for name, file in organs.items():
        each = [
            voxels(out / "networks" / network / "probabilities" / f"{name}.nii.gz") for network in NETWORKS
        ]
        mean = np.ceil(sum(one.astype(float) for one in each) / 2 - 0.5)
        stored = voxels(out / "probabilities" / f"{name}.nii.gz")
        assert np.array_equal(stored[mean >= 3], mean[mean >= 3]), name
        assert stored[mean < 3].max(initial=0) < 3
        assert np.array_equal(voxels(out / "segmentations" / f"{name}.nii.gz"), mean > 127), name
        for network, values in zip(NETWORKS, each, strict=True):
            mask = voxels(out / "networks" / network / "segmentations" / f"{name}.nii.gz")
            assert np.array_equal(mask, values > 127)
            there = tree / "small" / "backbones" / network
            assert np.array_equal(voxels(there / "segmentations" / file), mask)
            inside = ndimage.binary_dilation(mask, np.ones((3, 3, 3)))
            assert np.array_equal(voxels(there / "soft_pred" / file), np.where(inside, values, 0)), name
            changed += not np.array_equal(mask, mean > 127)
        average = voxels(tree / "small" / "average" / "segmentations" / file)
        assert np.array_equal(average, mean > 127), name
    assert changed > 3, "the mean is not what each says"


@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_by_the_published_recipe_a_published_network_gives_one_piece_an_organ(omentum, ct, tmp_path):
    ran = omentum(
        *("predict", ct, "-o", tmp_path / "out", "--network", "universal-unet", *EVERYTHING),
        *("--postprocessing", "published", "--layout", "published", "--organs", "liver,spleen,celiac_trunk"),
    )
    assert ran.code == 0, ran.err
    folder = tmp_path / "out" / "small"
    made = json.loads((folder / "summary.json").read_text())
    for name, file in (("liver", "liver"), ("spleen", "spleen"), ("celiac_trunk", "celiac_truck")):
        mask = voxels(folder / "backbones" / "universal-unet" / "segmentations" / f"{file}.nii.gz")
        soft = voxels(folder / "backbones" / "universal-unet" / "soft_pred" / f"{file}.nii.gz")
        pieces, n_pieces = ndimage.label(mask, np.ones((3, 3, 3)))
        assert n_pieces == 1
        assert (soft[mask > 0] > 127).all()
        assert made["organs"][name]["volume_ml"] == pytest.approx(pieces.sum() * 3.375e-3, abs=1e-3)
    assert (made["made_with"]["recipe"], made["made_with"]["overlap"]) == ("published", 0.75)


class _Code:
    def __init__(self, touched):
        self.touched = touched

    def __reduce__(self):
        return Path.touch, (self.touched,)


def truncated(path, tensors):
    torch.save({"net": tensors}, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return "damaged"


def cut_short(path, tensors):
    torch.save({"net": tensors}, path)
    path.write_bytes(path.read_bytes()[:-100])
    return "damaged"


def not_a_checkpoint(path, _tensors):
    path.write_text("<html>please agree to our terms</html>")
    return "neither safetensors nor a PyTorch checkpoint"


def with_code(path, tensors):
    few = dict(list(tensors.items())[:3])
    path.write_bytes(pickle.dumps({"net": few, "hook": _Code(path.with_name("touched"))}))
    return "carries code"


def with_code_beside_tensors(path, tensors):
    torch.save({"net": tensors, "hook": _Code(path.with_name("touched"))}, path)
    return "carries code"


def of_another_network(path, _tensors):
    layers = {f"layer{k}.weight": torch.zeros(4, 4) for k in range(9)}
    torch.save({"state_dict": layers}, path)
    return "of no architecture known here"


def without_a_tensor(path, tensors):
    name = next(name for name in tensors if "up_tr64" in name)
    del tensors[name]
    torch.save({"net": tensors}, path)
    return f"{name.removeprefix('backbone.')} is missing"


def with_a_misshapen_tensor(path, tensors):
    name = next(name for name, value in tensors.items() if "down_tr64" in name and value.ndim == 5)
    tensors[name] = tensors[name][:-1]
    torch.save({"net": tensors}, path)
    return "has shape"


def with_classes_that_nobody_named(path, tensors):
    name = "organ_embedding"
    tensors[name] = tensors[name][:14]
    torch.save({"net": tensors}, path)
    return "14"


def with_values_that_are_none(path, tensors):
    name = next(name for name, value in tensors.items() if value.ndim == 5)
    tensors[name] = torch.full_like(tensors[name], float("nan"))
    torch.save({"net": tensors}, path)
    return "is not finite"


BAD = [
    *(truncated, cut_short, not_a_checkpoint, with_code, with_code_beside_tensors, of_another_network),
    *(without_a_tensor, with_a_misshapen_tensor, with_classes_that_nobody_named, with_values_that_are_none),
]


@pytest.mark.parametrize("spoil", BAD, ids=lambda spoil: spoil.__name__)
def test_a_published_file_that_cannot_be_used_is_refused_in_one_sentence(
    omentum, home, stand_in, tmp_path, spoil
):
    path = tmp_path / "unet.pth"
    said = spoil(path, stand_in("unet"))
    ran = omentum("models", "add", path, "--as", "net")
    assert refused(ran), ran
    assert f"{path}: " in ran.err
    assert said in ran.err
    assert not (tmp_path / "touched").exists(), "nothing that it carries was run"
    assert not (home / "models" / "net").exists()
    assert omentum("predict", path, "-o", tmp_path / "out", "--network", "net").code == 2
