import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.phantom import make_phantom
from omentum.phantoms.seeded_errors import ERRORS, Labelled, with_error
from omentum.volumes.labels import organ


@pytest.fixture(scope="module")
def truth() -> Labelled:
    phantom = make_phantom(5, spacing_mm=(4.0, 4.0, 4.0))
    return Labelled(hu=phantom.ct.voxels, labels=phantom.labels.voxels, geometry=phantom.ct.geometry)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_changes_what_it_says_and_leaves_the_truth_alone(error, truth):
    before = truth.labels.copy(), truth.hu.copy()
    made = with_error(truth, error, np.random.default_rng(1))
    assert (truth.labels == before[0]).all()
    assert (truth.hu == before[1]).all()
    if made is not None:
        assert made.wrong
        same = [(made.labels == truth.labels).all(), (made.hu == truth.hu).all()]
        assert not all([*same, (made.geometry.affine == truth.geometry.affine).all()])


@pytest.mark.parametrize("error", ERRORS)
def test_the_same_draw_is_the_same_error(error, truth):
    first, second = (with_error(truth, error, np.random.default_rng(3)) for _ in range(2))
    assert (first is None) == (second is None)
    if first is not None:
        assert (first.labels == second.labels).all()
        assert (first.hu == second.hu).all()


def test_swapping_sides_exchanges_both_kidneys(truth):
    made = with_error(truth, "sides swapped", np.random.default_rng(0))
    assert (made.mask("kidney_left") == truth.mask("kidney_right")).all()
    assert (made.mask("kidney_right") == truth.mask("kidney_left")).all()


def test_a_patient_without_the_organ_cannot_have_the_error(truth):
    bare = Labelled(hu=truth.hu, labels=np.zeros_like(truth.labels), geometry=truth.geometry)
    assert all(with_error(bare, error, np.random.default_rng(0)) is None for error in ERRORS)


def test_shrinking_and_growing_keep_their_factors(truth):
    rng = np.random.default_rng(2)
    small, large = (with_error(truth, error, rng) for error in ("shrunk to a seventh", "grown fourfold"))
    (name,), (other,) = small.wrong, large.wrong
    # distances come in steps, so many voxels may share the one that the goal falls on
    assert 0 < small.mask(name).sum() < 0.45 * truth.mask(name).sum()
    assert 2.5 < large.mask(other).sum() / truth.mask(other).sum() <= 4.0
    assert organ(name).kind == "organ"


def test_an_unknown_error_is_refused(truth):
    with pytest.raises(ConfigError, match="nonsense"):
        with_error(truth, "nonsense", np.random.default_rng(0))
