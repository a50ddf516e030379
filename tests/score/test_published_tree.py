import csv
import json

import nibabel as nib
import numpy as np
import pytest

from omentum.abdomenatlas.datasets import is_without_inconsistency, organs_to_score
from omentum.abdomenatlas.tree import PublishedTree
from omentum.errors import ConfigError, GridMismatchError, ProjectError, UnreadableImageError
from omentum.score.published_tree import MAPS, attend_case, write_lists
from omentum.volumes.labels import ORGANS

DATA_SETS = {"lung9": "10_06", "chaos8": "03", "one_model": "04"}


@pytest.fixture(scope="module", params=[np.uint8, np.float32])
def tree(reference, tmp_path_factory, request):
    """The reference's inputs as a published tree; masks as we write them, and as the published code does."""
    root = tmp_path_factory.mktemp("tree")
    return reference.write_tree(
        root, ["lung_001", "lung_002", "lung_003"], ["swinunetr", "unet", "nnunet"], dtype=request.param
    )


@pytest.fixture(scope="module", params=DATA_SETS)
def done(tree, reference, tmp_path_factory, request):
    """Each run of the reference: what was expected, our scores, and where our files are."""
    expected, data_set = reference.expected[request.param], DATA_SETS[request.param]
    given = PublishedTree(root=tree, networks=tuple(expected["models"]), organs=organs_to_score(data_set))
    out = tmp_path_factory.mktemp("out")
    scores = [
        attend_case(given, case_id, out, maps=MAPS, without_inconsistency=is_without_inconsistency(data_set))
        for case_id in expected["per_case"]
    ]
    write_lists(out, scores)
    return request.param, expected, scores, out


def voxels(path):
    image = nib.load(path)
    assert image.get_data_dtype() == np.uint8
    return np.asarray(image.dataobj)


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.reader(stream))


def test_both_lists_equal_the_published_files(done):
    _, expected, _, out = done
    assert rows(out / "priority.csv") == expected["priority_csv"]
    assert rows(out / "attention_size.csv") == expected["attention_size_csv"]


def test_both_scores_equal_the_published_ones(done):
    _, expected, scores, _ = done
    assert {one.voxels.case_id: one.voxels.score for one in scores} == expected["case_score_binary_voxels"]
    sizes = dict(expected["attention_size_csv"])
    assert {one.voxels.case_id: str(one.size) for one in scores} == sizes


def test_counts_and_sums_of_every_map_equal_the_published_ones(done):
    _, expected, scores, out = done
    for score in scores:
        case_id = score.voxels.case_id
        assert {one.organ for one in score.voxels.organs} == set(expected["per_case"][case_id])
        for one in score.voxels.organs:
            maps = {kind: voxels(out / case_id / "average" / kind / f"{one.organ}.nii.gz") for kind in MAPS}
            organ = expected["per_case"][case_id][one.organ]
            assert one.attention_voxels == organ["attention_voxels"]
            assert maps["attention"].sum(dtype=int) == one.priority == organ["attention_u8_sum"]
            assert maps["inconsistency"].sum(dtype=int) == organ["inconsistency_u8_sum"]
            assert maps["uncertainty"].sum(dtype=int) == organ["uncertainty_u8_sum"]
            assert maps["overlap"].sum(dtype=int) == organ["overlap_voxels"]


def test_heat_and_binary_maps_equal_the_published_files_voxel_for_voxel(done, reference):
    run, expected, _, out = done
    stored = np.load(reference.folder / "output_lung9.npz")
    for case_id, organs in expected["per_case"].items() if run == "lung9" else ():  # others have no maps
        affine = reference.inputs(case_id)["affine"]
        for name in organs:
            maps = {kind: out / case_id / "average" / kind / f"{name}.nii.gz" for kind in MAPS}
            assert np.allclose(nib.load(maps["attention"]).affine, affine, atol=1e-4)
            heat = voxels(maps["attention"])
            assert (heat == stored[f"{case_id}/{name}/attention_u8"]).all()
            binary = reference.unpacked(stored[f"{case_id}/{name}/binary"], heat.shape)
            signals = voxels(maps["inconsistency"]) | voxels(maps["uncertainty"]) | voxels(maps["overlap"])
            assert ((signals > 0) == binary).all()


def test_nothing_is_written_into_the_tree(done, tree):
    assert not list(tree.rglob("attention"))


@pytest.fixture
def small(tmp_path):
    """Function: organs to a tree of one case and one network, voxels `(x, y, z)` by folder and organ."""

    def write(**folders):
        for folder, organs in folders.items():
            below = "average/segmentations" if folder == "average" else f"backbones/unet/{folder}"
            path = tmp_path / "tree" / "one" / below
            path.mkdir(parents=True, exist_ok=True)
            for name, values in organs.items():
                nib.save(nib.Nifti1Image(values, np.diag([1.0, 1.0, 5.0, 1.0])), path / f"{name}.nii.gz")
        return tmp_path / "tree"

    return write


SHAPE = (16, 14, 9)
ZEROS = np.zeros(SHAPE, dtype=np.uint8)


def cube(value):
    values = ZEROS.copy()
    values[4:12, 4:12, 2:8] = value
    return values


def test_one_network_without_an_average_uses_its_own_masks(small, tmp_path):
    root = small(
        soft_pred={"liver": cube(255)}, entropy={"liver": ZEROS},
        segmentations={"liver": cube(1), "stomach": cube(1)},
    )  # fmt: skip
    score = attend_case(PublishedTree(root=root), "one", tmp_path / "out")
    assert score.voxels.score == 8 * 8 * 6
    assert [one.organ for one in score.voxels.organs] == ["liver"]
    assert score.size == pytest.approx(8 * 8 * 6 / 9)


def test_organ_that_is_nowhere_has_a_map_of_zeros_and_no_nan(small, tmp_path):
    root = small(soft_pred={"liver": ZEROS}, entropy={"liver": ZEROS}, average={"stomach": cube(1)})
    score = attend_case(PublishedTree(root=root), "one", tmp_path / "out", maps=MAPS)
    assert (score.voxels.score, score.size) == (0.0, 0.0)
    for kind in MAPS:
        assert not voxels(tmp_path / "out" / "one" / "average" / kind / "liver.nii.gz").any()


def test_case_in_which_nothing_is_to_be_scored_scores_zero(small, tmp_path):
    root = small(soft_pred={"stomach": cube(255)}, entropy={"stomach": ZEROS}, average={"stomach": cube(1)})
    score = attend_case(PublishedTree(root=root, organs=("liver",)), "one", tmp_path / "out")
    assert (score.voxels.score, score.size, score.voxels.organs) == (0.0, 0.0, ())


def test_organs_of_one_slice_are_worn_away_and_overlaps_stay(small, tmp_path):
    thin = np.where(np.arange(9) == 4, cube(1), 0).astype(np.uint8)
    root = small(
        soft_pred={"liver": thin * 200}, entropy={"liver": thin * 60},
        average={"liver": thin, "stomach": thin},
    )  # fmt: skip
    score = attend_case(PublishedTree(root=root), "one", tmp_path / "out")
    assert score.voxels.score == 64


def test_trees_that_cannot_be_used_are_refused_with_a_sentence(small, tmp_path):
    with pytest.raises(ConfigError, match="folders of cases with backbones"):
        PublishedTree(root=tmp_path)
    root = small(soft_pred={"liver": cube(255)}, entropy={})
    with pytest.raises(ConfigError, match="the networks there are unet"):
        PublishedTree(root=root, networks=("nnunet",))
    with pytest.raises(ProjectError, match="average masks"):
        attend_case(PublishedTree(root=root), "one", tmp_path / "out")
    small(average={"liver": cube(1)})
    with pytest.raises(UnreadableImageError, match="does not exist"):
        attend_case(PublishedTree(root=root), "one", tmp_path / "out")
    small(entropy={"liver": ZEROS[:, :, :5]})
    with pytest.raises(GridMismatchError, match="lie apart"):
        attend_case(PublishedTree(root=root), "one", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_targets_are_the_nine_that_the_label_table_marks():
    assert organs_to_score("10_06") == tuple(row.name for row in ORGANS if row.target)
    with pytest.raises(ConfigError, match="published data sets are"):
        organs_to_score("99")


def test_organs_of_each_data_set_are_those_of_the_published_lists(shared):
    table = json.loads((shared / "reference" / "tables" / "datasets.json").read_text())
    for row in table["datasets"]:
        wanted = [one.name for one in ORGANS if one.target and one.index not in row["organs"]]
        assert list(organs_to_score(row["key"])) == wanted
