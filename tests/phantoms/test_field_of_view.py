"""Fields of view over a label map."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.phantoms.field_of_view import draw_map_view
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.styles import STYLES, style_named

SPACING_MM = (3.0, 3.0, 3.0)


def view(host, seed: int, style: str = "broad", **traits):
    chosen = style_named(style)
    return draw_map_view(replace(draw_patient(seed, chosen), **traits), host, chosen, SPACING_MM)


@pytest.mark.parametrize("style", STYLES)
def test_the_view_lies_within_the_map(toy_map, style):
    for seed in range(30):
        grid, height = view(toy_map, seed, style), draw_patient(seed, style_named(style)).size[2]
        low, high = grid.corners_mm[:, 2].min() / height, grid.corners_mm[:, 2].max() / height
        assert toy_map.low_mm + 12.0 - 3.0 <= low < high <= toy_map.high_mm - 12.0 + 3.0
        assert high - low > 80.0


def test_axes_point_right_front_head_and_the_spacing_is_kept(toy_map):
    for seed in range(5):
        grid = view(toy_map, seed)
        assert grid.orientation == "RAS"
        assert grid.spacing_mm == pytest.approx(SPACING_MM)
        assert min(grid.shape) >= 24


def test_most_views_show_the_whole_width_and_some_cut_it(toy_map):
    widths = [
        np.ptp(view(toy_map, seed, size=(1.0, 1.0, 1.0), fat_mm=10.0).corners_mm[:, 0]) for seed in range(80)
    ]
    whole = np.array(widths) > 300.0
    assert 0.7 < whole.mean() < 0.99
    assert min(widths) > 200.0


def test_a_larger_patient_gets_a_larger_view(toy_map):
    small, large = (view(toy_map, 3, size=(size,) * 3) for size in (0.85, 1.15))
    assert all(a < b for a, b in zip(small.shape, large.shape, strict=True))


def test_the_body_is_in_the_middle(toy_map):
    middles = [view(toy_map, seed).corners_mm.mean(axis=0) for seed in range(40)]
    assert np.mean(middles, axis=0)[:2] == pytest.approx(toy_map.body.centre_mm[:2], abs=8.0)


def test_the_same_seed_gives_the_same_view(toy_map):
    assert view(toy_map, 6).same_grid(view(toy_map, 6))
    assert not view(toy_map, 6).same_grid(view(toy_map, 7))
