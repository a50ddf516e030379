"""What every rule must stand: organs cut on all sides, CTs without a value, organs of one voxel."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from omentum.measures.plausibility.case_check import check_case
from omentum.measures.plausibility.rule_input import rule_input
from omentum.measures.plausibility.rules import _RULES, findings
from omentum.phantoms.phantom import LABELLED
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume

SHAPE = (24, 22, 20)
GRID = Geometry(SHAPE, np.diag([9.0, 9.0, 9.0, 1.0]))


def cut_views(truth) -> Iterator[tuple[np.ndarray, np.ndarray, Geometry]]:
    """Cut the view so that it ends inside the liver at the right, in front and at the top, and so on."""
    labels, hu = (Volume(one, truth.geometry).reoriented("RAS") for one in (truth.labels, truth.hu))
    for name in ("liver", "spleen", "pancreas"):
        for ends in ((0, 1), (1, 0), (1, 1)):
            at = np.argwhere(labels.voxels == organ(name).index)
            low, high = at.min(axis=0) + 2, at.max(axis=0) - 2
            x, y, z = (
                slice(int(low[k]) if ends[0] else 0, int(high[k]) if ends[1] else labels.voxels.shape[k])
                for k in range(3)
            )
            part = labels.cropped((x, y, z))
            yield part.voxels, hu.voxels[x, y, z], part.geometry


def made_up_labels() -> Iterator[np.ndarray]:
    """All organs touching the border on every side; all of one voxel; one slice; noise."""
    indices = np.array([organ(name).index for name in LABELLED], dtype=np.uint8)
    rng = np.random.default_rng(0)
    bars = np.zeros(SHAPE, dtype=np.uint8)
    for place, index in enumerate(indices):
        bars[:, 2 * place % SHAPE[1], :] = bars[2 * place % SHAPE[0], :, :] = index
        bars[:, :, 2 * place % SHAPE[2]] = index
    dots = np.zeros(SHAPE, dtype=np.uint8)
    dots.reshape(-1)[rng.choice(dots.size, len(indices), replace=False)] = indices
    corner = np.zeros(SHAPE, dtype=np.uint8)
    corner.reshape(-1)[: len(indices)] = indices
    slab = np.zeros(SHAPE, dtype=np.uint8)
    slab[:, :, 7] = rng.choice(indices, SHAPE[:2])
    yield from (bars, dots, corner, slab, rng.choice([0, *indices], SHAPE).astype(np.uint8))


def hard_values() -> list[float]:
    return [float("nan"), float("inf"), 0.0, -1000.0, 3e38]


def check(found) -> None:
    for one in found:
        words = one.said.split()
        assert not {"nan", "inf", "-inf"} & set(words), str(one)
        for value in (one.severity, getattr(one, "share", 1.0)):
            assert np.isfinite(value)
            assert 0 < value <= 1, str(one)


@pytest.mark.filterwarnings("error")
def test_right_masks_in_a_view_that_cuts_them_are_not_named(truth):
    for labels, hu, grid in cut_views(truth):
        masks = MaskSet.from_labels(labels, grid, LABELLED)
        found = findings(masks, hu)
        check(found)
        checked = check_case(masks, Volume(hu, grid))
        check((*checked.organs, *checked.ct))
        assert [str(one) for one in found if one.rule != "missing"] == []


@pytest.mark.filterwarnings("error")
def test_no_rule_stops_or_speaks_of_what_is_no_number():
    for labels in made_up_labels():
        masks = MaskSet.from_labels(labels, GRID, LABELLED)
        check(findings(masks))
        for value in hard_values():
            hu = np.full(SHAPE, value, dtype=np.float32)
            check(findings(masks, hu))
        checked = check_case(masks, Volume(hu, GRID))
        check((*checked.organs, *checked.ct))


@pytest.mark.filterwarnings("error")
def test_half_of_a_ct_without_values_names_no_density_there(truth):
    hu = truth.hu.astype(np.float32)
    hu[: hu.shape[0] // 2] = np.nan
    hu[:, : hu.shape[1] // 2] = np.inf
    found = findings(MaskSet.from_labels(truth.labels, truth.geometry, LABELLED), hu)
    assert [str(one) for one in found] == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rule", _RULES)
def test_a_place_that_is_not_known_passes_no_threshold(rule, truth, wrong):
    for made in (truth, wrong("sides swapped"), wrong("whole CT turned")):
        case = rule_input(MaskSet.from_labels(made.labels, made.geometry, LABELLED), made.hu)
        for unknown in product((1.0, np.nan), repeat=3):
            organs = {
                name: replace(seen, middle_mm=seen.middle_mm * unknown) for name, seen in case.organs.items()
            }
            found = list(_RULES[rule](replace(case, organs=organs)))
            check(found)
            assert found == [] or made is not truth
