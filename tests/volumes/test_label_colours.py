"""No two organs look alike, whoever looks: CIEDE2000, also under simulated deuteranopia and protanopia.

The matrices are those of Machado, Oliveira and Fernandes 2009 (IEEE TVCG 15:1291), severity 1, linear RGB.
"""

from itertools import combinations

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from omentum.volumes.labels import ORGANS, SUBSETS, organ

LEAST_OF_NINE = 19.0
"""What nine colours allow while the liver is reddish brown, aorta red, postcava blue, gall bladder green."""
LEAST_OF_ALL = 8.5
LEAST_ON_CT = 16.0
"""Of the nine, from black and from the grey of soft tissue."""

VISIONS = {
    "usual": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}
NINE = SUBSETS["abdomenatlas-1.0"]
PUBLISHED = tuple(row.name for row in ORGANS[:32])


@pytest.fixture(params=VISIONS)
def seen(request):
    """Function: the CIE Lab coordinates of a colour as a person sees it."""

    def lab(colour):
        encoded = np.asarray(colour) / 255
        linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
        mixed = np.clip(VISIONS[request.param] @ linear, 0, 1)
        return rgb2lab(np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055))

    return lab


def nearest(names, seen):
    """Give the two organs that look most alike, and how far apart they are."""
    labs = {name: seen(organ(name).colour) for name in names}
    return min(
        (float(deltaE_ciede2000(labs[one], labs[two])), one, two) for one, two in combinations(names, 2)
    )


def test_no_two_of_the_nine_organs_look_alike(seen):
    distance, *pair = nearest(NINE, seen)
    assert distance >= LEAST_OF_NINE, pair


def test_no_two_of_all_classes_look_the_same(seen):
    distance, *pair = nearest(PUBLISHED, seen)
    assert distance >= LEAST_OF_ALL, pair


@pytest.mark.parametrize("grey", [(0, 0, 0), (128, 128, 128)])
def test_each_of_the_nine_is_seen_on_a_ct(seen, grey):
    distances = {name: float(deltaE_ciede2000(seen(organ(name).colour), seen(grey))) for name in NINE}
    assert min(distances.values()) >= LEAST_ON_CT, distances


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("liver", 30, 60), ("aorta", 20, 50), ("postcava", 265, 310), ("gall_bladder", 115, 170)],
)
def test_organs_have_the_hues_that_readers_know(name, low, high):
    """Hue angles in CIE Lab: red is about 40 degrees, green 135, blue 300."""
    _, a, b = rgb2lab(np.array(organ(name).colour) / 255)
    assert low <= np.degrees(np.arctan2(b, a)) % 360 <= high
