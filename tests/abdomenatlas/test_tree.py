"""What is written is read with nibabel alone, and worked out once more on whole volumes with scipy."""

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from omentum.abdomenatlas.tree import write_case
from omentum.predict.probability_files import write_probability_files
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.labels import ORGANS, organ, subset_ids
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti
from omentum.volumes.probabilities import ProbabilityMaps
from omentum.volumes.resample import resampled
from omentum.volumes.volume import Volume

CUBE = np.ones((3, 3, 3))
IDS = subset_ids("abdomenatlas-1.0")
ORGANS_SEEN = (*IDS.values(), "celiac_trunk", "prostate")  # the last has no voxel


@pytest.fixture(scope="module")
def phantom(cohort):
    """A synthetic patient: CT, and the bytes of a network at twice the spacing, whole, by organ."""
    ct, labels = (read_nifti(cohort / "phantom_0000" / name) for name in ("ct.nii.gz", "labels.nii.gz"))
    grid = ct.geometry.spaced([2 * side for side in ct.geometry.spacing_mm])
    masks = {name: labels.voxels == organ(name).index for name in IDS.values()}
    masks["celiac_trunk"] = ndimage.binary_erosion(masks["aorta"])
    full = {
        name: np.rint(255 * resampled(ndimage.gaussian_filter(mask.astype(float), 0.6), ct.geometry, grid))
        for name, mask in masks.items()
    }
    return ct, grid, {name: values.astype(np.uint8) for name, values in full.items()}


@pytest.fixture(scope="module")
def tree(phantom, tmp_path_factory):
    ct, grid, full = phantom
    parts = {}
    for name, values in full.items():
        found = ndimage.find_objects((values >= 3).astype(int))
        if found:
            parts[name] = BoxedArray(found[0], values[found[0]])
    maps = ProbabilityMaps(grid, tuple(row.name for row in ORGANS if row.name in ORGANS_SEEN), parts)
    decided = ((name, exact(phantom, name) > 127.5) for name in full)
    masks = MaskSet.build(ct.geometry, maps.organs, decided)
    folder = tmp_path_factory.mktemp("out") / "one"
    write_case(folder, ct, {"net": (maps, masks)}, masks)
    write_probability_files(folder, maps, ct.geometry, {"probabilities", "entropy"})
    return folder, maps, masks


def exact(phantom, name):
    """Work out an organ's probability on the CT's grid, times 255, with everything under 3 left out."""
    ct, grid, full = phantom
    if name not in full:
        return np.zeros(ct.geometry.shape)
    index = np.moveaxis(np.indices(ct.geometry.shape), 0, -1)
    at = np.moveaxis(grid.to_index(ct.geometry.to_mm(index)), -1, 0)
    inside = ndimage.find_objects((full[name] >= 3).astype(int))
    kept = np.zeros(grid.shape)
    for box in inside:
        kept[box] = full[name][box]
    return ndimage.map_coordinates(kept, at, order=1, mode="nearest")


def loaded(path, phantom):
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    np.testing.assert_allclose(image.affine, phantom[0].geometry.affine, atol=1e-4)
    return np.asarray(image.dataobj)


def is_floor_of(stored, real):
    return ((stored <= real + 0.01) & (stored > real - 1.01)).all()


def file_of(name):
    return ("celiac_truck" if name == "celiac_trunk" else name) + ".nii.gz"


@pytest.mark.parametrize("name", ORGANS_SEEN)
def test_published_files_hold_what_whole_volumes_give(tree, phantom, name):
    folder, _, masks = tree
    backbone = folder / "backbones" / "net"
    mask = loaded(backbone / "segmentations" / file_of(name), phantom)
    assert (mask == masks.mask(name)).all()
    assert (loaded(folder / "average" / "segmentations" / file_of(name), phantom) == mask).all()
    probability = exact(phantom, name) / 255
    inside = ndimage.binary_dilation(mask, CUBE)
    soft = loaded(backbone / "soft_pred" / file_of(name), phantom)
    assert is_floor_of(soft, np.where(inside, 255 * probability, 0))
    path = backbone / "entropy" / file_of(name)
    assert path.is_file() == organ(name).target
    if path.is_file():
        entropy = -probability * np.log(np.maximum(probability, 1e-30))
        assert is_floor_of(loaded(path, phantom), 255 * entropy)


@pytest.mark.parametrize("name", ["liver", "celiac_trunk", "prostate"])
def test_our_own_files_hold_the_nearest_byte_everywhere_under_our_own_names(tree, phantom, name):
    folder, _, _ = tree
    probability = exact(phantom, name)
    stored = loaded(folder / "probabilities" / f"{name}.nii.gz", phantom)
    assert np.abs(stored - probability).max() <= 0.51
    entropy = -probability / 255 * np.log(np.maximum(probability / 255, 1e-30))
    assert is_floor_of(loaded(folder / "entropy" / f"{name}.nii.gz", phantom), 255 * entropy)


def test_combined_label_map_is_painted_by_rising_class(tree, phantom):
    folder, _, masks = tree
    expected = np.zeros(phantom[0].geometry.shape, dtype=int)
    for name in sorted(ORGANS_SEEN, key=lambda name: organ(name).index):
        expected[masks.mask(name)] = organ(name).index
    for network in ("backbones/net", "average"):
        assert (loaded(folder / network / "pseudo_label.nii.gz", phantom) == expected).all()


def test_sides_follow_the_affine_and_not_the_array(tree, phantom):
    backbone = tree[0] / "backbones" / "net" / "segmentations"
    x_mm = {}
    for side in ("left", "right"):
        image = nib.load(backbone / f"kidney_{side}.nii.gz")
        index = np.argwhere(np.asarray(image.dataobj)).mean(axis=0)
        x_mm[side] = nib.affines.apply_affine(image.affine, index)[0]
        assert image.affine[0, 0] < 0  # the first index runs to the left
    assert x_mm["left"] < x_mm["right"]


def test_the_ct_is_copied_and_what_is_not_asked_for_is_not_written(tree, phantom, cohort, tmp_path):
    _, maps, masks = tree
    ct_path = cohort / "phantom_0000" / "ct.nii.gz"
    save = frozenset({"entropy"})
    write_case(tmp_path, ct_path, {"net": (maps, masks)}, None, save=save)
    assert (tmp_path / "ct.nii.gz").read_bytes() == ct_path.read_bytes()
    assert [path.name for path in (tmp_path / "backbones" / "net").iterdir()] == ["entropy"]
    assert len(list(tmp_path.rglob("*.nii.gz"))) == 1 + len(IDS)
    assert not (tmp_path / "average").exists()


def test_a_ct_in_memory_is_written(tree, phantom):
    assert (np.asarray(nib.load(tree[0] / "ct.nii.gz").dataobj) == phantom[0].voxels).all()
    assert isinstance(phantom[0], Volume)
