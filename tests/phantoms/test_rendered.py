"""Training pairs on the fly: each number has its pair."""

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.rendered import Pair, render_pair
from omentum.volumes.labels import organ

COARSE_MM = 8.0


@pytest.fixture(scope="module")
def maps(toy, toy_map):
    """A whole person, and the organs alone of a larger one."""
    return [toy_map, toy(grown=1.1, without=("bone",)).map(name="organs")]


def has_same_labels(first: Pair, second: Pair) -> bool:
    return first.geometry.same_grid(second.geometry) and np.array_equal(first.labels, second.labels)


def is_same(first: Pair, second: Pair) -> bool:
    return has_same_labels(first, second) and np.array_equal(first.hu, second.hu)


@pytest.mark.parametrize("made_share", [0.0, 1.0])
def test_the_same_number_gives_the_same_pair_whatever_came_before(maps, made_share):
    first = render_pair(5, maps, COARSE_MM, made_share=made_share)
    other = render_pair(6, maps, COARSE_MM, made_share=made_share)
    assert is_same(first, render_pair(5, maps, COARSE_MM, made_share=made_share))
    assert not is_same(first, other)


def test_a_pair_is_ct_and_labels_on_a_cubic_grid_that_points_right_front_head(maps):
    for seed, some in ((1, maps), (2, [])):
        pair = render_pair(seed, some, COARSE_MM)
        assert (pair.hu.dtype, pair.labels.dtype) == (np.int16, np.uint8)
        assert pair.hu.shape == pair.labels.shape == pair.geometry.shape
        assert pair.geometry.orientation == "RAS"
        assert pair.geometry.spacing_mm == pytest.approx((COARSE_MM,) * 3)
        assert set(np.unique(pair.labels)) <= {0, *(organ(name).index for name in LABELLED)}
        assert (pair.labels == organ("liver").index).sum() * COARSE_MM**3 > 150_000


def test_without_maps_all_anatomy_is_made(maps):
    made, none_mapped, all_mapped = (
        render_pair(3, some, COARSE_MM, made_share=share)
        for some, share in (([], 0.0), (maps, 1.0), (maps, 0.0))
    )
    assert has_same_labels(made, none_mapped)
    assert not has_same_labels(made, all_mapped)


def test_guests_lend_their_organs_and_the_others_do_not_count(maps):
    alone = render_pair(4, maps[:1], COARSE_MM, made_share=0.0)
    assert has_same_labels(alone, render_pair(4, maps, COARSE_MM, made_share=0.0, guest_share=0.0))
    guest = render_pair(4, maps, COARSE_MM, made_share=0.0, guest_share=1.0)
    assert guest.geometry.same_grid(alone.geometry)
    assert not has_same_labels(guest, alone)


def test_a_scan_of_another_style_is_asked_for_by_name(maps):
    assert not is_same(render_pair(4, [], COARSE_MM, style="easy"), render_pair(4, [], COARSE_MM))
    with pytest.raises(ConfigError, match="'soft'"):
        render_pair(4, [], COARSE_MM, style="soft")


def test_maps_that_all_lack_bones_are_refused(maps):
    with pytest.raises(ConfigError, match=r"'organs'.*must have bones"):
        render_pair(0, maps[1:], COARSE_MM)
