import json

import numpy as np
import pytest

from omentum.errors import LabelValueError, UnknownOrganError
from omentum.exchange.importers.dataset_descriptions import known_data_sets
from omentum.exchange.importers.transfer_labels import paint_masks, transfer_map
from omentum.volumes.geometry import ALL_ORIENTATIONS, Geometry
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import PAIRS, organ
from omentum.volumes.nifti import read_nifti
from omentum.volumes.volume import Volume

SHAPE = (64, 12, 10)
GRID = Geometry(SHAPE, np.array([[3.0, 0, 0, -94], [0, 3, 0, 10], [0, 0, 4, -30], [0, 0, 0, 1.0]]))
LEFT, RIGHT = slice(8, 22), slice(42, 56)  # of the patient: the first index runs to the right


def ids(data_set) -> list[int]:
    return sorted({value for own in data_set.scheme.values.values() for value in own})


@pytest.mark.parametrize("data_set", known_data_sets(), ids=lambda one: one.name)
@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS[::5])
def test_every_id_of_every_data_set_becomes_its_organ_on_its_side(data_set, orientation):
    for pair, (value, *_) in data_set.scheme.joined.items():
        own = np.zeros(SHAPE, dtype=np.uint8)
        own[LEFT, 2:8, 2:8] = own[RIGHT, 2:8, 2:8] = value
        turned = Volume(own, GRID).reoriented(orientation)
        labels = (
            Volume(transfer_map(turned.voxels, turned.geometry, data_set.scheme).labels, turned.geometry)
            .reoriented("RAS")
            .voxels
        )
        right, left = PAIRS[pair]
        assert set(np.unique(labels[LEFT])) == {0, organ(left).index}
        assert set(np.unique(labels[RIGHT])) == {0, organ(right).index}
    for name, values in data_set.scheme.values.items():
        own = np.zeros(SHAPE, dtype=np.uint8)
        own[3, 3, : len(values)] = values
        result = transfer_map(own, GRID, data_set.scheme)
        np.testing.assert_array_equal(result.labels == organ(name).index, own > 0)


def test_organs_that_a_data_set_does_not_have_are_unknown_and_not_empty():
    lits = next(one for one in known_data_sets() if one.key == "04").scheme
    result = transfer_map(np.zeros(SHAPE, dtype=np.uint8), GRID, lits)
    assert result.organs == ("liver", "liver_tumor")  # empty, and known to be


def test_values_that_nobody_named_are_refused():
    with pytest.raises(LabelValueError, match="the values 9"):
        transfer_map(np.full(SHAPE, 9, dtype=np.uint8), GRID, label_scheme("liver"))


def test_what_a_data_set_does_not_vouch_for_is_dropped():
    own = np.zeros(SHAPE, dtype=np.uint8)
    own[0], own[1] = 5, 8
    meaning = label_scheme("abdomenatlas-1.0")
    assert set(np.unique(transfer_map(own, GRID, meaning, organs=("liver",)).labels)) == {0, 6}


def test_one_kidney_alone_is_told_and_goes_to_its_side():
    own = np.zeros(SHAPE, dtype=np.uint8)
    own[LEFT, 2:8, 2:8] = 1
    meaning = LabelScheme(name="kits", values={}, joined={"kidney": (1,)})
    result = transfer_map(own, GRID, meaning)
    assert set(np.unique(result.labels)) == {0, organ("kidney_left").index}
    assert result.notes == ("kidney: there is one side only, the left",)
    assert result.organs == ("kidney_right", "kidney_left")


def test_a_meaning_names_only_what_there_is():
    with pytest.raises(UnknownOrganError):
        LabelScheme(name="x", values={"heart": (1,)})
    with pytest.raises(UnknownOrganError):
        LabelScheme(name="x", values={}, joined={"liver": (1,)})


def test_a_tumour_is_painted_on_its_host_and_what_it_covers_is_told():
    liver, tumour, kidneys = (np.zeros(SHAPE, dtype=bool) for _ in range(3))
    liver[30:40], tumour[34:36, :5] = True, True
    kidneys[LEFT, 2:4, 2:4] = kidneys[RIGHT, 2:4, 2:4] = True
    for order in ((0, 1), (1, 0)):
        masks = [("liver", liver), ("liver_tumor", tumour)]
        result = paint_masks([*(masks[k] for k in order), ("kidney", kidneys)], GRID)
        np.testing.assert_array_equal(result.labels == 27, tumour)
        np.testing.assert_array_equal(result.labels == 6, liver & ~tumour)
        assert result.notes == (f"liver: {tumour.sum()} voxels lie under liver_tumor",)
        assert (result.labels[RIGHT] == organ("kidney_right").index).any()
        assert result.organs == ("kidney_right", "kidney_left", "liver", "liver_tumor")


@pytest.mark.parametrize("name", ["s0327", "s0328"])
def test_a_real_map_of_117_structures_becomes_ours(shared, name):
    own = read_nifti(shared / f"data/label_maps/{name}.nii.gz")
    result = transfer_map(own.voxels, own.geometry, label_scheme("totalsegmentator"))
    table = json.loads((shared / "data/label_maps/labels_117.json").read_text())
    for value, theirs in table.items():
        ours = set(np.unique(result.labels[own.voxels == int(value)]).tolist())
        if theirs.startswith("lung_"):
            assert ours <= {organ(f"lung_{theirs.rpartition('_')[2]}").index}
        elif theirs in {"liver", "spleen", "kidney_left", "aorta"}:
            assert ours <= {organ(theirs).index}
        elif theirs.startswith(("femur", "vertebrae", "rib")) or theirs == "heart":
            assert ours <= {0}
