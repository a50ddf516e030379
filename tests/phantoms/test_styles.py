"""Styles, the patients drawn from them, and the HU of their tissues."""

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.patient import draw_patient
from omentum.phantoms.styles import PHASES, STYLES, style_named
from omentum.phantoms.tissue import draw_tissues


def patients(style: str, n_patients: int = 120):
    return [draw_patient(seed, style_named(style)) for seed in range(n_patients)]


def test_an_unknown_style_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'soft'.*easy, mixed, hard"):
        style_named("soft")


@pytest.mark.parametrize("style", STYLES)
def test_phases_are_drawn_as_often_as_the_style_says(style):
    drawn = [patient.phase for patient in patients(style, 400)]
    shares = [drawn.count(phase) / 400 for phase in PHASES]
    assert shares == pytest.approx(style_named(style).phase_weights, abs=0.08)


def test_easy_is_always_portal_venous_and_hard_never():
    assert {patient.phase for patient in patients("easy")} == {"portal_venous"}
    assert "portal_venous" not in {patient.phase for patient in patients("hard")}


def test_hard_patients_are_noisier_and_vary_more_than_easy_ones():
    easy, hard = patients("easy"), patients("hard")
    assert max(p.noise_hu for p in easy) < min(p.noise_hu for p in hard)
    assert np.std([p.size for p in hard]) > 1.3 * np.std([p.size for p in easy])
    assert sum(p.lesions for p in hard) > 2 * sum(p.lesions for p in easy)
    assert sum(not p.has_gall_bladder for p in hard) > sum(not p.has_gall_bladder for p in easy)


def test_broad_spans_what_the_other_styles_draw():
    broad = style_named("broad")
    assert min(broad.phase_weights) > 0.1
    for other in STYLES.values():
        assert broad.variation >= other.variation
        assert broad.noise_hu[0] <= other.noise_hu[0]
        assert broad.slice_mm[0] <= other.slice_mm[0] <= other.slice_mm[1] <= broad.slice_mm[1]
        assert {name for name, _ in other.fields} <= {name for name, _ in broad.fields}


@pytest.mark.parametrize("style", STYLES)
def test_shares_of_phases_and_fields_sum_to_one(style):
    chosen = style_named(style)
    assert sum(chosen.phase_weights) == pytest.approx(1.0)
    assert sum(share for _, share in chosen.fields) == pytest.approx(1.0)


def test_a_patient_is_the_same_for_the_same_seed():
    first, again = (draw_patient(11, style_named("mixed")) for _ in range(2))
    assert all(getattr(first, name) == getattr(again, name) for name in first.__slots__)


def test_the_patients_frame_is_never_mirrored():
    assert all(np.linalg.det(patient.to_scanner) > 0.4 for patient in patients("hard"))


def test_the_aorta_is_brightest_in_the_arterial_phase_and_darkest_without_contrast():
    by_phase = {phase: [] for phase in PHASES}
    for patient in patients("mixed", 200):
        by_phase[patient.phase].append(draw_tissues(patient)["aorta"])
    native, arterial, portal, delayed = (np.mean(by_phase[phase]) for phase in PHASES)
    assert arterial > portal + 80 > portal > delayed > native + 30


def test_liver_and_spleen_trade_places_between_phases():
    for phase, sign in (("non_contrast", -1), ("arterial", 1)):
        tissues = [draw_tissues(p) for p in patients("mixed", 200) if p.phase == phase and not p.fatty_liver]
        assert sign * np.mean([t["spleen"] - t["liver"] for t in tissues]) > 3


def test_fat_floats_and_bile_is_water_in_every_phase():
    for patient in patients("mixed", 60):
        tissues = draw_tissues(patient)
        assert -125 < tissues["fat"] < -80
        assert -15 < tissues["bile"] < 35
