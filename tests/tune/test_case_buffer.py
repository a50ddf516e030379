import threading
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch

from omentum.errors import ConfigError
from omentum.networks.starter import overview
from omentum.phantoms.anatomy_map import read_anatomy
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.rendered import render_pair
from omentum.records import MaskSource
from omentum.tune.case_buffer import CasePool, rendered_case
from omentum.tune.config import FullConfig
from omentum.volumes.labels import organ

ORGANS = ("spleen", "liver", "pancreas_tumor")


@pytest.fixture
def pool():
    """Opens pools, and closes them in the end; all patches are from synthetic patients where not said."""
    opened = []

    def open_pool(cases=(), maps=(), **changes):
        config = FullConfig(**{"rendered_share": 1.0, "pool_cases": 3, "pool_steps": 2, "seed": 4, **changes})
        opened.append(CasePool(cases, maps, ORGANS, 8.0, config))
        return opened[-1]

    yield open_pool
    for one in opened:
        one.close()


def picked(pool, step: int, item: int = 0):
    return pool.pick(step, np.random.default_rng([4, step, item]))


def at_hand(pool, step: int) -> set[int]:
    """Numbers of the synthetic patients that patches of a step are drawn from."""
    return {int(picked(pool, step, item)[0].key) % 1_000_000 for item in range(40)}


def test_a_step_has_the_same_pair_whether_or_not_earlier_steps_were_asked_for(pool, rendered):
    through, straight = pool(), pool()
    for step in range(9):
        case, seen = picked(through, step)
    again, seen_again = picked(straight, 8)
    assert case.key == again.key
    assert np.array_equal(case.hu, again.hu)
    assert np.array_equal(case.masks.codes, again.masks.codes)
    assert torch.equal(seen, seen_again)


def test_the_pool_moves_on_by_one_every_so_many_steps_and_renders_each_once(pool, rendered):
    one = pool()
    assert [at_hand(one, step) for step in range(6)] == [{k, k + 1, k + 2} for k in (0, 0, 1, 1, 2, 2)]
    one.close()
    assert [seed % 1_000_000 for seed in rendered] == sorted({seed % 1_000_000 for seed in rendered})
    assert len(rendered) <= 6, "one more than those at hand is rendered ahead"


def test_a_pool_of_one_is_enough(pool, rendered):
    assert [at_hand(pool(pool_cases=1, pool_steps=1), step) for step in (0, 1, 7)] == [{0}, {1}, {7}]


def test_the_overview_is_of_the_whole_case(pool, rendered, boxes):
    for cases in ((), (boxes,)):
        case, seen = picked(pool(cases, rendered_share=float(not cases)), 0)
        expected = overview(torch.from_numpy(case.hu.astype(np.float32))[None, None])
        assert torch.equal(seen[None], expected)


def test_without_a_share_nothing_is_rendered(pool, rendered, boxes):
    before = threading.active_count()
    one = pool([boxes], rendered_share=0.0)
    assert {picked(one, step)[0].case_id for step in range(50)} == {"a"}
    assert rendered == []
    assert threading.active_count() == before


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_synthetic_patients_have_their_share_of_patches(pool, rendered, boxes, share):
    one = pool([boxes], rendered_share=share)
    made = [picked(one, 0, item)[0].case_id.startswith("made_") for item in range(400)]
    assert np.mean(made) == pytest.approx(share, abs=0.07)


def test_without_cases_all_patches_are_from_synthetic_patients(pool, rendered):
    assert picked(pool(rendered_share=0.01), 0)[0].case_id.startswith("made_")


@pytest.mark.parametrize("seed", [0, 1, 4])
def test_patients_of_training_are_none_of_another_seeds_and_none_of_evaluations(pool, rendered, seed):
    one = pool(seed=seed)
    for step in (0, 50_000):
        picked(one, step)
    one.close()
    assert min(rendered) >= 1_000_000 * (seed + 1), "evaluation and shipped cohorts stay far below"
    assert max(rendered) < 1_000_000 * (seed + 2)


def test_closing_ends_the_thread_and_drops_what_waits(rendered):
    before = threading.active_count()
    config = FullConfig(rendered_share=1.0, pool_cases=500)
    with closing(CasePool((), (), ORGANS, 8.0, config)) as one:
        picked(one, 0)
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert len(rendered) < 500


def test_what_rendering_refuses_is_told_where_the_case_is_asked_for(pool, label_map):
    whole = read_anatomy(label_map, "totalsegmentator")
    organs_only = replace(
        whole, parts={tissue: whole.parts[tissue] for tissue in whole.parts if tissue != "bone"}
    )
    with pytest.raises(ConfigError, match="at least one map must have bones"):
        picked(pool(maps=[organs_only], pool_cases=1), 0)


@pytest.mark.parametrize("made_share", [0.0, 1.0])
def test_a_synthetic_patient_is_what_was_rendered_and_says_nothing_of_organs_it_lacks(label_map, made_share):
    maps = [read_anatomy(label_map, "totalsegmentator")]
    case = rendered_case(1_000_007, maps, ORGANS, 8.0, made_share)
    pair = render_pair(1_000_007, maps, 8.0, made_share=made_share)
    assert np.array_equal(case.hu, pair.hu)
    assert case.sources == dict.fromkeys(("spleen", "liver"), MaskSource.ORIGINAL)
    assert "pancreas_tumor" not in LABELLED
    for name in case.sources:
        assert np.array_equal(case.masks.mask(name), pair.labels == organ(name).index)
        assert case.masks.mask(name).any()
