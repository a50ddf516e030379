from omentum.assemble.released import read_release
from omentum.assemble.stage import assemble_round


def test_a_release_is_read_with_the_label_and_masks_that_it_was_made_from_though_newer_ones_came(atlas):
    liver, spleen = atlas.box((3, 10), (3, 10), (3, 10)), atlas.box((12, 18), (3, 10), (3, 10))
    atlas.add("a", original={"liver": liver})
    atlas.predict("a", {"spleen": spleen})
    source_label = atlas.folder("a") / "source_label.nii.gz"
    source_label.write_bytes(b"as it came")
    folder = assemble_round(atlas.workspace, "V1").folder
    atlas.label("a", {"liver": spleen})
    atlas.workspace.store.cases.exclude("a", "motion")
    known = {case.case_id: case for case in atlas.workspace.store.cases.every()}
    (case,) = read_release(folder, known)
    assert case.original_label_path == atlas.folder("a") / "original_label.nii.gz"
    assert case.source_label_path == source_label
    assert case.prediction_path is not None
    atlas.predict("a", {"spleen": liver})
    (case,) = read_release(folder, known)
    assert case.prediction_path is None, "another one is there now"
    assert read_release(folder)[0].original_label_path is None
