import numpy as np
import pytest
from scipy import ndimage

from omentum.errors import GridMismatchError, ProjectError
from omentum.measures.probability_bytes import entropy_bytes
from omentum.score.network_outputs import n_organs_map, organ_outputs, read_outputs
from omentum.volumes.geometry import Geometry

SHAPE = (64, 64, 48)


def ball(centre, radius):
    index = np.indices(SHAPE)
    distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(index, centre, strict=True)))
    return np.clip(127.5 + 20 * (radius - distance), 0, 255).astype(np.uint8)


@pytest.fixture
def two_networks(desk):
    """Both see a liver, at slightly different places; only one knows the stomach and the aorta."""
    first = {"liver": ball((20, 30, 20), 9), "stomach": ball((30, 30, 20), 7), "aorta": ball((24, 30, 20), 5)}
    second = {"liver": ball((22, 30, 20), 9)}
    return [
        desk.predict(network, seen, {name: values > 127 for name, values in seen.items()})
        for network, seen in (("a", first), ("b", second))
    ], (first, second)


def on_whole_grid(box, part):
    whole = np.zeros(SHAPE, dtype=part.dtype)
    whole[box] = part
    return whole


def test_soft_prediction_is_the_stored_probability_inside_the_dilated_mask(desk, two_networks):
    predictions, (first, second) = two_networks
    heard = organ_outputs(read_outputs(desk.case, predictions), "liver", desk.geometry)
    for soft, stored in zip(heard.soft, (first["liver"], second["liver"]), strict=True):
        grown = ndimage.binary_dilation(stored > 127, np.ones((3, 3, 3)))
        assert (on_whole_grid(heard.box, soft) == np.where(grown, stored, 0)).all()


def test_entropy_is_kept_outside_the_mask_too(desk, two_networks):
    predictions, (first, _) = two_networks
    heard = organ_outputs(read_outputs(desk.case, predictions[:1]), "liver", desk.geometry)
    stored = np.where(first["liver"] >= 3, first["liver"], 0).astype(np.float32) / 255
    difference = on_whole_grid(heard.box, heard.entropies[0]).astype(int) - entropy_bytes(stored)
    outside = ~ndimage.binary_dilation(first["liver"] > 127, np.ones((3, 3, 3)))
    box_only = on_whole_grid(heard.box, np.ones_like(heard.average))
    assert (difference[box_only & (first["liver"] >= 3)] == 0).all()
    assert on_whole_grid(heard.box, heard.entropies[0])[outside].any()


def test_average_of_one_network_is_its_own_mask(desk, two_networks):
    predictions, (first, _) = two_networks
    for organ in ("stomach", "liver"):
        heard = organ_outputs(read_outputs(desk.case, predictions[:1]), organ, desk.geometry)
        assert (on_whole_grid(heard.box, heard.average) == (first[organ] > 127)).all()


def test_average_of_two_networks_is_where_their_mean_is_over_a_half(desk, two_networks):
    predictions, (first, second) = two_networks
    heard = organ_outputs(read_outputs(desk.case, predictions), "liver", desk.geometry)
    soft = [
        np.where(ndimage.binary_dilation(one["liver"] > 127, np.ones((3, 3, 3))), one["liver"], 0)
        for one in (first, second)
    ]
    expected = np.mean(soft, axis=0) / 255 > 0.5
    assert (on_whole_grid(heard.box, heard.average) == expected).all()
    assert (expected != (first["liver"] > 127)).any()


def test_network_that_does_not_know_an_organ_has_no_say(desk, two_networks):
    heard = organ_outputs(read_outputs(desk.case, two_networks[0]), "stomach", desk.geometry)
    assert len(heard.soft) == len(heard.entropies) == 1


def test_network_that_knows_an_organ_and_does_not_see_it_says_no(desk):
    liver, nothing = ball((20, 30, 20), 9), np.zeros(SHAPE, dtype=np.uint8)
    predictions = [
        desk.predict(network, {"liver": seen}, {"liver": seen > 127})
        for network, seen in (("a", liver), ("b", nothing))
    ]
    heard = organ_outputs(read_outputs(desk.case, predictions), "liver", desk.geometry)
    assert not heard.soft[1].any()
    assert not heard.average.any()


def test_organ_that_no_network_sees_has_no_opinions(desk):
    nothing = np.zeros(SHAPE, dtype=np.uint8)
    outputs = read_outputs(desk.case, [desk.predict("a", {"liver": nothing}, {"liver": nothing > 127})])
    assert organ_outputs(outputs, "liver", desk.geometry) is None
    assert organ_outputs(outputs, "spleen", desk.geometry) is None
    assert not n_organs_map(outputs, desk.geometry).any()


def test_mask_beyond_the_probabilities_is_not_lost(desk):
    liver = ball((20, 30, 20), 9)
    filled = (liver > 127) | (ball((45, 30, 20), 5) > 127)
    outputs = read_outputs(desk.case, [desk.predict("a", {"liver": liver}, {"liver": filled})])
    heard = organ_outputs(outputs, "liver", desk.geometry)
    assert (on_whole_grid(heard.box, heard.average) == filled).all()


def test_overlap_organs_are_counted_voxel_by_voxel_and_the_aorta_is_none_of_them(desk, two_networks):
    predictions, (first, _) = two_networks
    outputs = read_outputs(desk.case, predictions)
    liver = organ_outputs(outputs, "liver", desk.geometry)
    expected = on_whole_grid(liver.box, liver.average).astype(int) + (first["stomach"] > 127)
    counts = n_organs_map(outputs, desk.geometry)
    assert (counts == expected).all()
    assert counts.max() == 2


def test_case_without_predictions_is_refused(desk):
    with pytest.raises(ProjectError, match="omentum predict"):
        read_outputs(desk.case, [])


def test_prediction_of_another_case_is_refused(desk):
    other = desk.predict("a", {}, {"liver": np.zeros(SHAPE, dtype=bool)}, case_id="two")
    with pytest.raises(ProjectError, match="'two'"):
        read_outputs(desk.case, [other])


def test_masks_off_the_cts_grid_are_refused(desk):
    prediction = desk.predict("a", {}, {"liver": np.zeros(SHAPE, dtype=bool)})
    moved = np.array(desk.geometry.affine)
    moved[0, 3] += 0.5
    with pytest.raises(GridMismatchError):
        read_outputs(desk.case_with(geometry=Geometry(SHAPE, moved)), [prediction])
