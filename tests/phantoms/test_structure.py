"""Structures: fitting to a volume, trimming, and what every anatomy keeps to."""

import numpy as np
import pytest

from omentum.phantoms.anatomy import build_anatomy
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.shapes import ellipsoid
from omentum.phantoms.space import FAR_MM, STEP_MM, make_space
from omentum.phantoms.structure import KEEP, Fill, Structure, distance_at, fitted, fitted_within, trimmed
from omentum.phantoms.styles import style_named
from omentum.volumes.labels import ORGANS


@pytest.fixture(scope="module")
def space():
    return make_space(0, np.eye(3), warp_mm=0.0)


@pytest.fixture(scope="module")
def ball(space):
    """A ball of 40 mm, 268 mL."""
    return ellipsoid(space.points, (0, 40, 0), (40, 40, 40))


def volume_ml(distance: np.ndarray) -> float:
    return float((distance < 0).sum() * STEP_MM**3 / 1000)


def test_a_fitted_solid_has_the_volume_asked_for(ball):
    assert volume_ml(fitted(ball, 200.0)) == pytest.approx(200.0, rel=0.01)


def test_fitting_moves_the_surface_no_further_than_allowed(ball):
    assert fitted(ball, 2000.0, most_mm=5.0) == pytest.approx(ball - 5.0)


def test_a_solid_fitted_within_a_room_stays_in_it(space, ball):
    room = space.points[0] - np.float32(10.0)
    solid = fitted_within(ball, room, 150.0, 2.0)
    assert not (solid[room > 0] < 0).any()
    assert volume_ml(solid) == pytest.approx(150.0, rel=0.08)


def test_trimming_keeps_all_that_is_inside(space, ball):
    whole = Structure(name="ball", box=space.everywhere, distance=ball, fill=Fill(hu=0.0))
    cut = trimmed(whole)
    assert cut is not None
    assert cut.distance.size < 0.2 * ball.size
    assert (cut.distance < 0).sum() == (ball < 0).sum()
    assert (cut.distance == ball[cut.box]).all()


def test_another_box_sees_a_structure_where_it_is_and_nothing_elsewhere(space, ball):
    whole = Structure(name="ball", box=space.everywhere, distance=ball, fill=Fill(hu=0.0))
    cut = trimmed(whole)
    assert cut is not None
    box = (slice(0, 50), slice(20, 60), slice(55, 118))
    seen = distance_at(cut, box)
    known = np.zeros(space.shape, dtype=bool)
    known[cut.box] = True
    assert (seen[known[box]] == ball[box][known[box]]).all()
    assert (seen[~known[box]] == FAR_MM).all()
    assert (seen < 0).any()
    assert (distance_at(cut, (slice(0, 3), slice(0, 3), slice(0, 3))) == FAR_MM).all()


def test_what_is_nowhere_is_trimmed_away(space, ball):
    nowhere = Structure(name="none", box=space.everywhere, distance=ball + 500, fill=Fill(hu=0.0))
    assert trimmed(nowhere) is None


@pytest.mark.parametrize("seed", [1, 2])
def test_every_structure_is_float32_on_its_box_and_has_a_known_label(seed):
    _, structures = build_anatomy(draw_patient(seed, style_named("mixed")))
    known = {row.index for row in ORGANS} | {0, KEEP}
    for structure in structures:
        assert structure.distance.dtype == np.float32, structure.name
        assert structure.distance.shape == tuple(part.stop - part.start for part in structure.box)
        assert np.isfinite(structure.distance).all(), structure.name
        assert structure.label in known
