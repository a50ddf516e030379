"""How bright the tissues of a label map are, and what lies in them."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.phantoms.mapped import PAINTED
from omentum.phantoms.mapped_fill import fill_of, inner_structures
from omentum.phantoms.shapes import ellipsoid
from omentum.phantoms.space import make_space, stream
from omentum.phantoms.structure import KEEP, Fill, Structure
from omentum.phantoms.styles import PHASES
from omentum.phantoms.tissue import draw_tissues

ENDS_MM = np.array([[-80.0, -80.0, -80.0], [80.0, 80.0, 80.0]])
HEIGHTS_MM = np.linspace(40.0, 100.0, 50, dtype=np.float32)


@pytest.fixture(scope="module")
def space():
    return make_space(0, np.eye(3), warp_mm=0.0, ends_mm=ENDS_MM)


@pytest.fixture(scope="module")
def ball(space):
    """A ball of 50 mm that can stand for any organ."""

    def named(name: str) -> Structure:
        box = space.box((-55, -55, -55), (55, 55, 55))
        distance = ellipsoid(space.at(box), (0, 0, 0), (50, 50, 50))
        return Structure(name, box, distance, Fill(hu=100.0), label=6)

    return named


@pytest.fixture
def draw(still):
    """Draw a tissue's fill for one seed."""

    def fill(tissue: str, seed: int = 0, heights=HEIGHTS_MM, **traits) -> Fill:
        patient = replace(still, seed=seed, **traits)
        return fill_of(tissue, stream(seed, "fill"), patient, draw_tissues(patient), heights)

    return fill


def within(one: Structure, space, seed: int, patient) -> list[Structure]:
    return inner_structures(one, space, stream(seed, "inner"), patient, draw_tissues(patient))


@pytest.mark.parametrize("tissue", PAINTED)
@pytest.mark.parametrize("phase", PHASES)
def test_every_tissue_has_a_brightness_of_the_living(draw, tissue, phase):
    for seed in range(5):
        fill = draw(tissue, seed, phase=phase)
        values = [fill.hu, *([fill.core.hu] if fill.core else [])]
        assert all(-1000 <= value <= 800 for value in values)
        assert min(fill.texture_hu, fill.patchy_hu) >= 0


@pytest.mark.parametrize("tissue", ["aorta", "artery", "heart"])
def test_arteries_shine_first(draw, tissue):
    means = {p: np.mean([draw(tissue, s, phase=p).hu for s in range(8)]) for p in PHASES}
    assert means["arterial"] > means["portal_venous"] > means["delayed"] > means["non_contrast"]


@pytest.mark.parametrize("tissue", ["postcava", "portal_vein", "vein"])
def test_veins_shine_later(draw, tissue):
    means = {p: np.mean([draw(tissue, s, phase=p).hu for s in range(8)]) for p in PHASES}
    assert means["portal_venous"] > means["arterial"] > means["non_contrast"]


def test_a_kidneys_cortex_outshines_its_medulla_in_the_arterial_phase(draw):
    for seed in range(8):
        arterial, native = (draw("kidney_left", seed, phase=p) for p in ("arterial", "non_contrast"))
        assert arterial.hu > arterial.core.hu + 50
        assert abs(native.hu - native.core.hu) < 30


def test_bone_is_hard_outside_and_spongy_inside(draw):
    for seed in range(8):
        bone = draw("bone", seed)
        assert bone.hu > bone.core.hu + 200 > 250


def test_the_level_of_gas_in_a_stomach_is_within_it(draw):
    levels = [draw("stomach", seed).core.gas_above_mm for seed in range(60)]
    known = [level for level in levels if level is not None]
    assert 0.7 < len(known) / len(levels) < 0.97
    assert min(known) >= HEIGHTS_MM.min()
    assert max(known) <= HEIGHTS_MM.max()


def test_a_stomach_out_of_view_has_no_level_and_a_bladder_no_gas(draw):
    nowhere = np.empty(0, dtype=np.float32)
    assert all(draw("stomach", seed, nowhere).core.gas_above_mm is None for seed in range(10))
    assert all(draw("bladder", seed).core.gas_above_mm is None for seed in range(10))


def test_swallowed_contrast_shows_in_stomach_and_bowel(draw):
    for tissue in ("stomach", "intestine", "colon"):
        plain = np.mean([draw(tissue, seed).core.hu for seed in range(8)])
        drunk = np.mean([draw(tissue, seed, oral_contrast=True).core.hu for seed in range(8)])
        assert drunk > plain + 80, tissue


def test_the_colon_holds_most_gas(draw):
    shares = {t: np.mean([draw(t, s).core.gas_share for s in range(20)]) for t in ("colon", "intestine")}
    assert shares["colon"] > 2 * shares["intestine"]


@pytest.mark.parametrize("name", ["liver", "spleen", "kidney_right", "lung_left", "gall_bladder"])
def test_what_lies_within_an_organ_stays_within_and_keeps_its_label(space, ball, still, name):
    one = ball(name)
    whole = np.zeros(space.shape, dtype=bool)
    whole[one.box] = one.distance < 0
    found = [s for seed in range(24) for s in within(one, space, seed, replace(still, lesions=4))]
    assert found
    for structure in found:
        inside = structure.distance < 0
        assert structure.label == KEEP
        assert not (inside & ~whole[structure.box]).any()


def test_the_liver_has_vessels_and_more_lesions_than_the_spleen(space, ball, still):
    sick = replace(still, lesions=4)
    blobs = {
        name: sum(
            s.name == f"blob in {name}" for seed in range(8) for s in within(ball(name), space, seed, sick)
        )
        for name in ("liver", "spleen")
    }
    assert blobs["liver"] > 2 * blobs["spleen"] > 0
    assert [s.name for s in within(ball("liver"), space, 0, still)] == ["in liver", "in liver"]
    assert within(ball("pancreas"), space, 0, sick) == []


def test_an_organ_too_thin_for_a_lesion_gets_none(space, ball, still):
    thin = replace(ball("spleen"), distance=ball("spleen").distance + 48)
    assert all(within(thin, space, seed, replace(still, lesions=9)) == [] for seed in range(5))
