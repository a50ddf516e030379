import json

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import ProjectError, UnknownOrganError
from omentum.measures.probability_bytes import entropy_bytes
from omentum.score.published_case import HOT_SPOTS_NAME, heat_path, score_published_case
from omentum.volumes.labels import ORGANS, organ

NETWORKS = ("swinunetr", "unet", "nnunet")
ORGANS_SCORED = ("liver", "pancreas", "aorta")


@pytest.fixture
def predictions(desk, reference):
    """The reference's soft predictions as three networks of ours; masks are where they are over a half."""
    stored = reference.inputs("lung_001")
    made = []
    for network in NETWORKS:
        seen = {name: stored[f"soft_pred/{network}/{name}"] for name in (*ORGANS_SCORED, "spleen")}
        seen = {name: np.where(values >= 3, values, 0) for name, values in seen.items()}
        made.append(desk.predict(network, seen, {name: values > 127 for name, values in seen.items()}))
    return made


@pytest.fixture
def soft(reference):
    """What was stored, by organ, one array a network."""
    stored = reference.inputs("lung_001")
    return {
        name: [
            np.where(stored[f"soft_pred/{network}/{name}"] >= 3, stored[f"soft_pred/{network}/{name}"], 0)
            for network in NETWORKS
        ]
        for name in (*ORGANS_SCORED, "spleen")
    }


@pytest.fixture
def by_hand(dense, soft):
    """The published arithmetic, dense, on what the networks stored."""
    from scipy import ndimage

    cube = np.ones((3, 3, 3))
    kept = {
        name: [np.where(ndimage.binary_dilation(one > 127, cube), one, 0) for one in values]
        for name, values in soft.items()
    }
    averages = {name: np.mean(values, axis=0) / 255 > 0.5 for name, values in kept.items()}
    overlap_names = {row.name for row in ORGANS if row.overlap}

    def attention(name):
        others = [mask for other, mask in averages.items() if other != name and other in overlap_names]
        entropies = [entropy_bytes(one.astype(np.float32) / 255) for one in soft[name]]
        return dense(kept[name], entropies, averages[name] & np.any(others, axis=0))

    return attention


def test_stage_gives_what_the_dense_arithmetic_gives(desk, predictions, by_hand):
    score = score_published_case(desk.case, predictions, ORGANS_SCORED, desk.folder / "attention")
    expected = {name: by_hand(name) for name in ORGANS_SCORED}
    assert {one.organ for one in score.organs} == set(ORGANS_SCORED)
    assert score.score == sum(one.binary.sum() for one in expected.values())
    for one in score.organs:
        exact = expected[one.organ]
        assert one.attention_voxels == exact.binary.sum() > 0
        assert one.attention_ml == pytest.approx(exact.binary.sum() * 0.8 * 0.8 * 2.5 / 1000)
        assert one.priority == np.floor(255 * exact.heat).sum()


def test_heat_maps_are_bytes_on_the_cts_grid(desk, predictions, by_hand):
    score_published_case(desk.case, predictions, ["aorta"], desk.folder / "attention")
    image = nib.load(heat_path(desk.folder / "attention", "aorta"))
    assert image.get_data_dtype() == np.uint8
    assert np.allclose(image.affine, desk.geometry.affine)
    assert (np.asarray(image.dataobj) == np.floor(255 * by_hand("aorta").heat)).all()


def test_hot_spots_name_the_places_where_heat_is(desk, predictions):
    folder = desk.folder / "attention"
    score = score_published_case(desk.case, predictions, ORGANS_SCORED, folder)
    written = json.loads((folder / HOT_SPOTS_NAME).read_text())
    assert written["score"] == score.score
    assert written["recipe"] == "published"
    assert set(written["networks"]) == set(NETWORKS)
    volumes = [spot["volume_ml"] for spot in written["hot_spots"]]
    assert volumes == sorted(volumes, reverse=True)
    heat = {name: np.asarray(nib.load(heat_path(folder, name)).dataobj) for name in ORGANS_SCORED}
    for spot in written["hot_spots"]:
        box = tuple(slice(a, b + 1) for a, b in zip(spot["low_voxel"], spot["high_voxel"], strict=True))
        assert heat[spot["organ"]][box].any()


def test_organs_that_the_data_set_annotates_itself_are_left_out(desk, predictions):
    case = desk.case_with(original_organs=("liver", "spleen"))
    score = score_published_case(case, predictions, ORGANS_SCORED, desk.folder / "attention")
    assert [one.organ for one in score.organs] == ["aorta", "pancreas"]
    assert not heat_path(desk.folder / "attention", "liver").exists()


def test_case_that_annotates_all_organs_itself_needs_no_attention(desk, predictions):
    case = desk.case_with(original_organs=ORGANS_SCORED)
    score = score_published_case(case, predictions, ORGANS_SCORED, desk.folder / "attention")
    assert (score.score, score.organs) == (0.0, ())


def test_organs_that_no_network_knows_are_left_out(desk, predictions):
    score = score_published_case(desk.case, predictions, ["liver", "colon"], desk.folder / "attention")
    assert [one.organ for one in score.organs] == ["liver"]


def test_organ_without_attention_is_recorded_and_has_no_file(desk):
    sure = np.zeros(desk.geometry.shape, dtype=np.uint8)
    sure[20:30, 20:30, 20:30] = 255
    prediction = desk.predict("sure", {"liver": sure}, {"liver": sure > 127, "spleen": sure > 300})
    score = score_published_case(desk.case, [prediction], ["liver", "spleen"], desk.folder / "attention")
    assert [(one.organ, one.attention_voxels, one.priority) for one in score.organs] == [
        ("spleen", 0, 0.0),
        ("liver", 0, 0.0),
    ]
    assert [path.name for path in (desk.folder / "attention").iterdir()] == [HOT_SPOTS_NAME]


def test_heat_maps_of_an_earlier_round_do_not_stay(desk, predictions):
    folder = desk.folder / "attention"
    score_published_case(desk.case, predictions, ORGANS_SCORED, folder)
    score_published_case(desk.case, predictions, ["liver"], folder)
    assert sorted(path.name for path in folder.iterdir()) == [HOT_SPOTS_NAME, "liver.nii.gz"]


def test_scoring_again_gives_the_same(desk, predictions):
    folder = desk.folder / "attention"
    first = score_published_case(desk.case, predictions, ORGANS_SCORED, folder)
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert score_published_case(desk.case, predictions, ORGANS_SCORED, folder) == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == files


def test_scoring_that_is_refused_leaves_nothing(desk, predictions):
    with pytest.raises(UnknownOrganError):
        score_published_case(desk.case, predictions, ["omentum majus"], desk.folder / "attention")
    with pytest.raises(ProjectError):
        score_published_case(desk.case, [], ["liver"], desk.folder / "attention")
    assert not (desk.folder / "attention").exists()


def test_overlap_alone_makes_attention_of_full_heat(desk):
    sure = np.zeros(desk.geometry.shape, dtype=np.uint8)
    sure[20:30, 20:30, 20:30] = 255
    beside = np.roll(sure, 8, axis=0)
    seen = {"liver": sure, "stomach": beside, "aorta": beside}
    prediction = desk.predict("sure", seen, {name: values > 127 for name, values in seen.items()})
    score = score_published_case(desk.case, [prediction], ["liver", "aorta"], desk.folder / "attention")
    voxels = {one.organ: (one.attention_voxels, one.priority) for one in score.organs}
    assert voxels == {"liver": (200, 200 * 255.0), "aorta": (1000, 1000 * 255.0)}
    assert not organ("aorta").overlap
