import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.abdomenatlas.attention import organ_attention, overlapped
from omentum.abdomenatlas.attention_size import scaled_heat
from omentum.records import CaseScore, OrganScore
from omentum.score.queue import attention_size_rows, priority_rows, ranked
from omentum.volumes.boxes import whole
from omentum.volumes.labels import ORGANS, organ

RUNS = ["lung9", "chaos8", "one_model"]


@pytest.fixture(scope="module")
def ours(reference):
    """Our attention of every run, case and organ of the reference."""
    return {
        run: {
            case_id: attentions(reference, case_id, expected["models"], organs) for case_id, organs in cases
        }
        for run, expected in reference.expected.items()
        for cases in [expected["per_case"].items()]
    }


def attentions(reference, case_id, networks, organs):
    stored = reference.inputs(case_id)
    n_organs = sum(stored[f"average/{row.name}"].astype(np.uint8) for row in ORGANS if row.overlap)
    return {
        name: organ_attention(
            [stored[f"soft_pred/{network}/{name}"] for network in networks],
            [stored[f"entropy/{network}/{name}"] for network in networks],
            overlapped(stored[f"average/{name}"], n_organs, is_counted=organ(name).overlap),
        )
        for name in organs
    }


def scored(case_id, found):
    organs = [
        OrganScore(organ=name, attention_voxels=one.n_voxels, attention_ml=0.0, priority=one.heat_sum)
        for name, one in found.items()
    ]
    return CaseScore(case_id=case_id, score=sum(one.n_voxels for one in found.values()), organs=tuple(organs))


@pytest.mark.parametrize("run", RUNS)
def test_every_count_and_sum_equals_the_published_codes(ours, reference, run):
    for case_id, organs in reference.expected[run]["per_case"].items():
        for name, expected in organs.items():
            one = ours[run][case_id][name]
            assert np.count_nonzero(one.inconsistency) == expected["inconsistent_voxels"]
            assert np.count_nonzero(one.uncertainty) == expected["uncertain_voxels"]
            assert np.count_nonzero(one.overlap) == expected["overlap_voxels"]
            assert one.n_voxels == expected["attention_voxels"]
            assert one.peak == pytest.approx(expected["heat_max"], rel=1e-12)
            assert one.heat_sum == expected["attention_u8_sum"]
            assert one.inconsistency.sum(dtype=int) == expected["inconsistency_u8_sum"]
            assert one.uncertainty.sum(dtype=int) == expected["uncertainty_u8_sum"]


def test_binary_and_heat_maps_equal_the_published_files_voxel_for_voxel(ours, reference):
    stored = np.load(reference.folder / "output_lung9.npz")
    for case_id, organs in ours["lung9"].items():
        for name, one in organs.items():
            binary = reference.unpacked(stored[f"{case_id}/{name}/binary"], one.heat.shape)
            assert (one.binary == binary).all()
            assert (one.heat == stored[f"{case_id}/{name}/attention_u8"]).all()
            exact = stored[f"{case_id}/{name}/heat_f32_sub"]
            assert np.abs(one.heat[::3, ::3, ::3] / 255 - np.nan_to_num(exact)).max() <= 1 / 255


@pytest.mark.parametrize("run", RUNS)
def test_first_score_and_priority_list_equal_the_published_ones(ours, reference, run):
    expected = reference.expected[run]
    scores = [scored(case_id, found) for case_id, found in ours[run].items()]
    assert {one.case_id: one.score for one in scores} == expected["case_score_binary_voxels"]
    assert [one.case_id for one in ranked(scores)] == expected["sorted_cases"]
    assert priority_rows(scores) == expected["priority_csv"]


@pytest.mark.parametrize("run", RUNS)
def test_second_score_and_its_list_equal_the_published_ones(ours, reference, run):
    expected = reference.expected[run]
    is_early_data_set = int(expected["dataset"][:2]) in {1, 2, 3}
    sizes = {}
    for case_id, found in ours[run].items():
        shape = tuple(reference.inputs(case_id)["shape"].tolist())
        heats = [
            scaled_heat(whole(shape), one, shape, without_inconsistency=is_early_data_set)
            for one in found.values()
        ]
        sizes[case_id] = sum(heats, 0.0) / shape[2]
    assert attention_size_rows(sizes) == expected["attention_size_csv"]


def test_both_scores_can_order_the_same_cases_differently(reference):
    expected = reference.expected["one_model"]
    assert expected["sorted_cases"] != [case_id for case_id, _ in expected["attention_size_csv"]]


def test_organ_without_attention_gives_a_zero_map(ours):
    nothing = ours["lung9"]["lung_003"]["gall_bladder"]
    assert not nothing.heat.any()
    assert (nothing.n_voxels, nothing.heat_sum, nothing.peak) == (0, 0, 0.0)
    assert scaled_heat(whole(nothing.heat.shape), nothing, nothing.heat.shape) == 0.0


def opinions(seed, n_networks, shape):
    """Blocks of equal values, so that some survive an opening; differences of 51 sit on the threshold."""
    rng = np.random.default_rng(seed)
    blocks = rng.choice([0, 51, 102, 153, 204, 255], (n_networks, 2, 2, 2)).astype(np.uint8)
    soft = [np.kron(one, np.ones((6, 6, 6), np.uint8))[: shape[0], : shape[1], : shape[2]] for one in blocks]
    low = rng.choice([10, 12, 13, 14, 60], (n_networks, 2, 2, 2)).astype(np.uint8)
    entropies = [
        np.kron(one, np.ones((6, 6, 6), np.uint8))[: shape[0], : shape[1], : shape[2]] for one in low
    ]
    return soft, entropies, rng.random(shape) > 0.97


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.tuples(*[st.integers(5, 12)] * 3))
def test_maps_equal_the_dense_arithmetic_for_any_number_of_networks(dense, seed, n_networks, shape):
    soft, entropies, overlap = opinions(seed, n_networks, shape)
    one, exact = organ_attention(soft, entropies, overlap), dense(soft, entropies, overlap)
    assert (one.binary == exact.binary).all()
    assert (one.heat == np.floor(255 * exact.heat)).all()
    assert (one.inconsistency == np.floor(255 * exact.inconsistency)).all()
    assert (one.uncertainty == np.floor(255 * exact.uncertainty)).all()
    assert one.peak == exact.peak


@pytest.mark.parametrize("turn", [np.asfortranarray, lambda one: one[::-1].copy()[::-1]])
def test_order_in_memory_does_not_matter(turn):
    soft, entropies, overlap = opinions(11, 3, (12, 11, 10))
    plain = organ_attention(soft, entropies, overlap)
    turned = organ_attention([turn(soft[0]), *soft[1:]], [turn(one) for one in entropies], turn(overlap))
    all_turned = organ_attention([turn(one) for one in soft], [turn(one) for one in entropies], turn(overlap))
    assert plain.n_voxels > 0
    for other in (turned, all_turned):
        assert (plain.heat == other.heat).all()
        assert (plain.inconsistency == other.inconsistency).all()
        assert (plain.uncertainty == other.uncertainty).all()


def test_box_gives_the_same_as_the_whole_volume(reference):
    stored = reference.inputs("lung_002")
    soft = [stored[f"soft_pred/{network}/pancreas"] for network in ("swinunetr", "unet", "nnunet")]
    entropies = [stored[f"entropy/{network}/pancreas"] for network in ("swinunetr", "unet", "nnunet")]
    overlap = np.zeros(soft[0].shape, dtype=bool)
    plain = organ_attention(soft, entropies, overlap)
    pad = [(3, 7), (0, 4), (9, 1)]
    padded = organ_attention(
        [np.pad(a, pad) for a in soft], [np.pad(a, pad) for a in entropies], np.pad(overlap, pad)
    )
    assert (padded.heat == np.pad(plain.heat, pad)).all()
    assert plain.n_voxels > 0


def test_one_network_is_never_inconsistent(reference):
    stored = reference.inputs("lung_001")
    one = organ_attention(
        [stored["soft_pred/unet/liver"]], [stored["entropy/unet/liver"]], np.zeros((64, 64, 48), dtype=bool)
    )
    assert not one.inconsistency.any()
    assert one.uncertainty.any()


def test_organ_that_is_no_overlap_organ_meets_the_first_it_lies_in():
    average = np.array([True, True, True, False])
    n_organs = np.array([0, 1, 2, 2], dtype=np.uint8)
    assert overlapped(average, n_organs, is_counted=False).tolist() == [False, True, True, False]
    assert overlapped(average, n_organs, is_counted=True).tolist() == [False, False, True, False]


def test_inputs_are_not_changed():
    soft, entropies, overlap = opinions(7, 3, (12, 12, 12))
    before = [a.copy() for a in (*soft, *entropies, overlap)]
    organ_attention(soft, entropies, overlap)
    assert all((a == b).all() for a, b in zip((*soft, *entropies, overlap), before, strict=True))
