import numpy as np
import pytest

from omentum.errors import ConfigError, GridMismatchError
from omentum.measures.plausibility.case_check import check_case
from omentum.phantoms.phantom import LABELLED
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.read import read_ct
from omentum.volumes.segmentations import read_mask
from omentum.volumes.volume import Volume


def masks_of(labelled, orientation="RAS", organs=LABELLED):
    labels = Volume(labelled.labels, labelled.geometry).reoriented(orientation)
    return MaskSet.from_labels(labels.voxels, labels.geometry, organs)


def ct_of(labelled):
    return Volume(labelled.hu, labelled.geometry)


def told(checked):
    return sorted(str(one) for one in (*checked.organs, *checked.ct))


def test_right_masks_of_a_ct_are_not_named(truth):
    assert told(check_case(masks_of(truth), ct_of(truth))) == []


@pytest.mark.parametrize("orientation", ["RAS", "LPS", "SAR", "PIL", "IRP", "ALI"])
@pytest.mark.parametrize("error", ["air or fat inside", "on the other side"])
def test_masks_with_axes_in_any_order_find_their_ct(error, orientation, wrong):
    made = wrong(error)
    checked = check_case(masks_of(made, orientation), ct_of(made))
    assert told(checked) == told(check_case(masks_of(made, made.geometry.orientation), ct_of(made))) != []


def test_a_turned_ct_is_a_finding_about_the_ct_that_a_person_may_confirm(wrong):
    made = wrong("whole CT turned")
    (one,) = check_case(masks_of(made), ct_of(made)).ct
    assert one.rule == "orientation"
    assert one.said.startswith("seems to be turned")
    confirmed = check_case(masks_of(made), ct_of(made), confirmed=["orientation"])
    assert told(confirmed) == []


def test_masks_held_back_are_named_once(wrong):
    made = wrong("sides swapped")
    assert set(check_case(masks_of(made), ct_of(made)).held) == set(made.wrong)


def test_values_that_are_not_hu_silence_density_until_and_after_they_are_confirmed(wrong):
    made = wrong("air or fat inside")
    stored = Volume(made.hu.astype(np.int16) + 1024, made.geometry)
    checked = check_case(masks_of(made), stored)
    assert [one.rule for one in checked.ct] == ["not_hu"]
    assert "HU + 1024" in checked.ct[0].said
    assert told(check_case(masks_of(made), stored, confirmed=["not_hu"])) == []
    assert not [one for one in checked.organs if one.rule == "density"]


def test_a_body_without_an_abdominal_organ_has_no_abdomen(truth):
    keep = [organ(name).index for name in ("aorta", "stomach")]
    labels = np.where(np.isin(truth.labels, keep), truth.labels, 0)
    masks = MaskSet.from_labels(labels, truth.geometry, LABELLED)
    (one,) = check_case(masks, ct_of(truth)).ct
    assert one.rule == "no_abdomen"
    assert check_case(masks, ct_of(truth), confirmed=["no_abdomen"]).ct == ()
    assert check_case(masks, None).ct == ()


def test_a_view_of_nothing_but_air_and_masks_of_few_organs_say_nothing_of_the_abdomen(truth):
    empty = np.zeros_like(truth.labels)
    air = np.random.default_rng(0).normal(-1000, 20, empty.shape).astype(np.int16)
    air[:3, :40, :40] = 40
    full = MaskSet.from_labels(empty, truth.geometry, LABELLED)
    assert "no_abdomen" not in {one.rule for one in check_case(full, Volume(air, truth.geometry)).ct}
    liver = MaskSet.from_labels(empty, truth.geometry, ["liver", "stomach"])
    assert check_case(liver, ct_of(truth)).ct == ()


def test_a_real_ct_with_its_labels_is_not_named(shared):
    folder = shared / "data/totalsegmentator_example"
    ct = read_ct(folder / "ct.nii.gz")
    ours = [0, 8, 4, 3, 2, 6, 11, 9, 1, 7]  # 9 ids of the shared data to indices
    labels = np.array(ours, dtype=np.uint8)[read_mask(folder / "labels.nii.gz", ct.geometry).voxels]
    nine = [organ(index).name for index in ours[1:]]
    assert told(check_case(MaskSet.from_labels(labels, ct.geometry, nine), ct)) == []


def test_masks_elsewhere_and_unknown_confirmations_are_refused(truth):
    masks = masks_of(truth)
    moved = Geometry(truth.geometry.shape, np.diag([3.0, 3.0, 3.0, 1.0]))
    with pytest.raises(GridMismatchError, match="lies elsewhere"):
        check_case(masks, Volume(truth.hu, moved))
    with pytest.raises(ConfigError, match="guesswork"):
        check_case(masks, None, confirmed=["guesswork"])
