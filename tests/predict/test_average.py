"""The oracle interpolates whole volumes in float64 with scipy, knows no boxes, and rounds once."""

import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import ConfigError
from omentum.predict.average import average_maps
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry
from omentum.volumes.probabilities import LEAST, ProbabilityMaps

CT = Geometry(
    (40, 36, 20), np.array([[-1, 0, 0, 30], [0, -1.2, 0, 20], [0, 0, 2.5, -60], [0, 0, 0, 1]], float)
)


def blob(shape, seed, reach=0.7):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.random(shape), 2)
    edge = np.quantile(noise, reach)
    return np.clip(128 + 4000 * (noise - edge), 0, 255).astype(np.uint8)


def maps_of(grid, **organs):
    """Keep whole volumes: a box is only a saving."""
    parts = {name: BoxedArray.whole(values) for name, values in organs.items() if values is not None}
    return ProbabilityMaps(grid, tuple(organs), parts)


def placed(maps, name):
    full = np.zeros(maps.geometry.shape, dtype=np.uint8)
    if name in maps.parts:
        box, values = maps.parts[name]
        full[box] = values
    return full


def interpolated(values, source, target):
    at = source.to_index(target.to_mm(np.moveaxis(np.indices(target.shape), 0, -1)))
    return ndimage.map_coordinates(values.astype(float), np.moveaxis(at, -1, 0), order=1, mode="nearest")


@pytest.mark.parametrize("seed", range(5))
def test_mean_is_that_of_whole_volumes_on_the_finest_grid(seed):
    fine, coarse = CT.spaced((3, 3, 3)), CT.spaced((4, 4, 5))
    first, second = blob(fine.shape, seed), blob(coarse.shape, seed + 50)
    made = average_maps([maps_of(coarse, liver=second), maps_of(fine, liver=first)])
    assert made.geometry.same_grid(fine, tolerance_mm=0)
    exact = (first + interpolated(second, coarse, fine)) / 2
    assert np.abs(placed(made, "liver") - exact)[exact >= LEAST].max() <= 0.502
    assert placed(made, "liver")[exact < LEAST - 0.5].max(initial=0) < LEAST


def test_each_organ_is_the_mean_of_those_that_know_it():
    grid = CT.spaced((3, 3, 3))
    liver, spleen = blob(grid.shape, 1), blob(grid.shape, 2)
    made = average_maps(
        [maps_of(grid, liver=liver, spleen=spleen), maps_of(grid, liver=None, aorta=None), maps_of(grid)]
    )
    assert made.organs == ("spleen", "liver", "aorta")
    assert (placed(made, "spleen") == np.where(spleen >= LEAST, spleen, placed(made, "spleen"))).all()
    halved = np.ceil(liver / 2 - 0.5)  # the second network knows the liver and sees none
    assert (placed(made, "liver") == halved)[halved >= LEAST].all()
    assert "aorta" not in made.parts


def test_one_sure_yes_and_one_sure_no_are_not_over_a_half():
    grid = CT.spaced((3, 3, 3))
    yes, no = np.full(grid.shape, 255, np.uint8), np.zeros(grid.shape, np.uint8)
    made = average_maps([maps_of(grid, liver=yes), maps_of(grid, liver=no)])
    assert (placed(made, "liver") == 127).all()
    made = average_maps([maps_of(grid, liver=yes), maps_of(grid, liver=no), maps_of(grid, liver=yes)])
    assert (placed(made, "liver") == 170).all()


def test_parts_far_from_each_other_are_added_in_the_box_of_both():
    grid = CT.spaced((3, 3, 3))
    corner = np.full((2, 3, 1), 200, dtype=np.uint8)
    near = ProbabilityMaps(
        grid, ("liver",), {"liver": BoxedArray((slice(0, 2), slice(0, 3), slice(0, 1)), corner)}
    )
    x, y, z = grid.shape
    far_box = (slice(x - 2, x), slice(y - 3, y), slice(z - 1, z))
    made = average_maps([near, ProbabilityMaps(grid, ("liver",), {"liver": BoxedArray(far_box, corner)})])
    expected = np.zeros(grid.shape, dtype=np.uint8)
    expected[:2, :3, :1] = expected[far_box] = 100
    assert (placed(made, "liver") == expected).all()


def test_what_is_too_faint_to_keep_in_the_mean_is_nowhere():
    grid = CT.spaced((3, 3, 3))
    faint = np.full(grid.shape, LEAST, dtype=np.uint8)
    assert average_maps([maps_of(grid, liver=faint), maps_of(grid, liver=None)]).parts == {}


def test_one_network_alone_is_what_it_was():
    grid = CT.spaced((3, 3, 3))
    liver = blob(grid.shape, 9, reach=0.99)
    made = average_maps([maps_of(grid, liver=liver)])
    assert (placed(made, "liver") == liver)[liver >= LEAST].all()


def test_grids_that_are_not_parallel_are_refused():
    grid = CT.spaced((3, 3, 3))
    turned = CT.spaced((4, 4, 4)).reoriented("SRA")
    maps = [maps_of(one, liver=blob(one.shape, 3)) for one in (grid, turned)]
    with pytest.raises(ConfigError, match="parallel"):
        average_maps(maps)
