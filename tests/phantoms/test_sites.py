"""Sites: what is drawn for each, and the six for measuring as they were when they were fixed."""

import json
from pathlib import Path

import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.phantoms.phantom import LABELLED, Phantom, make_phantom
from omentum.phantoms.sites import SITE_SEEDS, site_named, site_style
from omentum.phantoms.styles import STYLES
from omentum.volumes.labels import organ

FROZEN = json.loads(Path(__file__).with_name("frozen_sites.json").read_text())
"""Mean HU of a small phantom of each site for measuring, and volumes of its organs in mL."""
MEASURING = tuple(name for name in SITE_SEEDS if name.startswith("site-"))
SMALL = {"seed": 9100, "spacing_mm": (8.0, 8.0, 8.0)}


def facts(phantom: Phantom) -> dict[str, float]:
    labels, ct = phantom.labels, phantom.ct.voxels
    found = {
        name: float((labels.voxels == organ(name).index).sum() * labels.geometry.voxel_ml)
        for name in LABELLED
    }
    return {"mean_hu": float(ct.mean()), "body_hu": float(ct[ct > -200].mean()), **found}


@pytest.mark.parametrize("name", MEASURING)
def test_a_site_for_measuring_is_what_it_was_when_it_was_fixed(name):
    assert facts(make_phantom(style=name, **SMALL)) == pytest.approx(FROZEN[name], rel=2e-3, abs=0.6)


def test_there_are_six_sites_for_measuring_and_others_for_development():
    assert tuple(f"site-{n}" for n in range(1, 7)) == MEASURING
    assert len(set(SITE_SEEDS.values())) == len(SITE_SEEDS) == 10


def test_no_two_sites_scan_or_draw_alike():
    sites = [site_named(name) for name in SITE_SEEDS]
    for place, one in enumerate(sites):
        for other in sites[:place]:
            assert one.conventions != other.conventions
            assert one.scan != other.scan
            assert one.style.noise_hu != other.style.noise_hu


def test_the_sites_for_measuring_have_several_usual_phases():
    usual = {int(np.argmax(site_named(name).style.phase_weights)) for name in MEASURING}
    assert len(usual) >= 3


def test_a_site_scans_mostly_in_one_phase_and_as_coarsely_as_style_mixed():
    for seed in range(40):
        style = site_style(seed).style
        assert sum(style.phase_weights) == pytest.approx(1.0)
        assert max(style.phase_weights) > 0.8
        assert sum(share for _, share in style.fields) == pytest.approx(1.0)
        assert 2.2 <= style.spacing_mm[0] <= style.spacing_mm[1] <= 3.0
        assert 2.0 <= style.slice_mm[0] <= style.slice_mm[1] <= 5.0


def test_the_same_patient_of_a_site_is_the_same_again():
    first, again = (make_phantom(5, style="dev-site-1", spacing_mm=(9.0,) * 3) for _ in range(2))
    assert (first.ct.voxels == again.ct.voxels).all()
    assert (first.labels.voxels == again.labels.voxels).all()


def test_an_unknown_site_is_refused_with_styles_and_sites_that_there_are():
    with pytest.raises(ConfigError, match=r"'site-99'.*easy.*site-1.*dev-site-1"):
        make_phantom(0, style="site-99")
    with pytest.raises(ConfigError, match=r"the sites are site-1"):
        site_named(next(iter(STYLES)))
