import numpy as np
import pytest

from omentum.errors import UnreadableImageError
from omentum.project import read_masks
from omentum.project.read_masks import read_chosen
from omentum.records import MaskSource


@pytest.fixture
def masks(atlas):
    """Liver and spleen overlap, as predictions do; the pancreas is somewhere else."""
    return {
        "liver": atlas.box((4, 12), (4, 12), (4, 12)),
        "spleen": atlas.box((10, 16), (4, 12), (4, 12)),
        "pancreas": atlas.box((4, 8), (14, 17), (4, 8)),
    }


def test_each_kind_of_file_gives_the_mask_of_the_organ_that_was_asked_for(atlas, masks, hand_in):
    drawn = atlas.box((6, 9), (14, 17), (5, 9))
    atlas.add("a", original={"liver": masks["liver"]})
    atlas.predict("a", {"liver": masks["spleen"], "spleen": masks["spleen"], "pancreas": masks["pancreas"]})
    hand_in(atlas.workspace, "a", "pancreas", drawn)
    (labelled,) = atlas.workspace.standing()
    read = {mask.organ: (mask.source, volume) for mask, volume in read_chosen(labelled)}
    expected = {
        "liver": (MaskSource.ORIGINAL, masks["liver"]),
        "spleen": (MaskSource.PREDICTED, masks["spleen"]),
        "pancreas": (MaskSource.REVISED, drawn),
    }
    assert read.keys() == expected.keys()
    for name, (source, mask) in expected.items():
        assert read[name][0] is source
        assert read[name][1].voxels.dtype == bool
        assert read[name][1].geometry.same_grid(labelled.case.geometry)
        np.testing.assert_array_equal(read[name][1].voxels, mask)


def test_predicted_organs_that_overlap_are_both_whole_and_their_file_is_read_once(atlas, masks, monkeypatch):
    atlas.add("a")
    atlas.predict("a", masks)
    (labelled,) = atlas.workspace.standing()
    reads = []
    original = read_masks.read_masks
    monkeypatch.setattr(read_masks, "read_masks", lambda path: reads.append(path) or original(path))
    for mask, volume in read_chosen(labelled):
        np.testing.assert_array_equal(volume.voxels, masks[mask.organ])
    assert len(reads) == 1


def test_an_original_label_of_several_organs_is_read_once(atlas, masks, monkeypatch):
    atlas.add("a", original={"liver": masks["liver"], "pancreas": masks["pancreas"]})
    (labelled,) = atlas.workspace.standing()
    reads = []
    original = read_masks.read_nifti
    monkeypatch.setattr(read_masks, "read_nifti", lambda path: reads.append(path) or original(path))
    for mask, volume in read_chosen(labelled):
        np.testing.assert_array_equal(volume.voxels, masks[mask.organ])
    assert len(reads) == 1


def test_an_organ_that_is_known_to_be_nowhere_is_an_empty_mask(atlas, masks):
    atlas.add("a", original={"liver": masks["liver"], "spleen": np.zeros(atlas.shape, dtype=bool)})
    (labelled,) = atlas.workspace.standing()
    read = {mask.organ: volume.voxels for mask, volume in read_chosen(labelled)}
    assert read.keys() == {"liver", "spleen"}
    assert not read["spleen"].any()


def test_a_file_that_is_gone_is_named(atlas, masks):
    atlas.add("a", original={"liver": masks["liver"]})
    (labelled,) = atlas.workspace.standing()
    labelled.masks[0].path.unlink()
    with pytest.raises(UnreadableImageError, match=r"original_label\.nii\.gz"):
        list(read_chosen(labelled))
