"""Fields of view and grids."""

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.styles import STYLES, style_named
from omentum.phantoms.view import checked_grid, draw_ends, draw_view


def view(seed: int, style: str = "mixed", shape=None, spacing_mm=None):
    return draw_view(draw_patient(seed, style_named(style)), style_named(style), shape, spacing_mm)


@pytest.mark.parametrize("style", ["easy", "mixed", "hard"])
def test_drawn_grids_are_modest_and_within_the_styles_spacing(style):
    limits = style_named(style)
    for seed in range(40):
        grid = view(seed, style)
        assert 105 <= grid.shape[0] == grid.shape[1] <= 200
        assert 30 <= grid.shape[2] <= 200
        assert limits.spacing_mm[0] <= grid.spacing_mm[0] <= limits.spacing_mm[1]
        assert limits.slice_mm[0] <= grid.spacing_mm[2] <= limits.slice_mm[1]


def test_broad_grids_are_larger_and_show_the_trunk_at_times():
    limits = style_named("broad")
    grids = [view(seed, "broad") for seed in range(60)]
    for grid in grids:
        assert 90 <= grid.shape[0] == grid.shape[1] <= 400
        assert limits.spacing_mm[0] <= grid.spacing_mm[0] <= limits.spacing_mm[1]
        assert limits.slice_mm[0] <= grid.spacing_mm[2] <= limits.slice_mm[1]
    heights = [np.ptp(grid.corners_mm[:, 2]) for grid in grids]
    assert min(heights) < 220
    assert max(heights) > 360


@pytest.mark.parametrize("style", STYLES)
def test_a_scan_ends_below_the_kidneys_and_above_the_liver_of_the_atlas(style):
    rng = np.random.default_rng(0)
    for _ in range(100):
        feet, head = draw_ends(rng, style_named(style))
        assert feet < -20
        assert head > 45


def test_what_is_fixed_is_kept_and_the_rest_follows_from_the_field_of_view():
    free = view(4)
    by_shape, by_spacing = view(4, shape=(64, 64, 40)), view(4, spacing_mm=(3.0, 3.0, 5.0))
    assert by_shape.shape == (64, 64, 40)
    assert by_spacing.spacing_mm == pytest.approx((3.0, 3.0, 5.0))
    for grid in (by_shape, by_spacing):
        for axis in range(3):
            extent = grid.shape[axis] * grid.spacing_mm[axis]
            assert extent == pytest.approx(free.shape[axis] * free.spacing_mm[axis], abs=6.0)


def test_a_fixed_grid_lies_about_the_middle_of_the_field_of_view():
    free, fixed = view(4), view(4, shape=(50, 60, 30), spacing_mm=(4.0, 3.0, 6.0))
    middles = [grid.corners_mm.mean(axis=0) for grid in (free, fixed)]
    assert middles[0] == pytest.approx(middles[1], abs=1e-6)


def test_the_axes_point_right_front_head():
    assert view(0).orientation == "RAS"


def test_hard_scans_have_thicker_slices():
    assert min(view(s, "hard").spacing_mm[2] for s in range(20)) > max(
        view(s, "easy").spacing_mm[2] for s in range(20)
    )


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [
        ((7, 64, 64), None),
        ((64, 64, 5000), None),
        ((64, 64), None),
        (None, (0.05, 1, 1)),
        (None, (1, 1, 21)),
        (None, (1, float("nan"), 1)),
    ],
)
def test_a_grid_that_no_scan_has_is_refused(shape, spacing_mm):
    with pytest.raises(ConfigError):
        checked_grid(shape, spacing_mm)
