"""A data set goes in, through a release, and out as AbdomenAtlas is; and in again."""

from dataclasses import replace

import numpy as np
import pytest

from omentum import loop
from omentum.exchange.exporters.exporter import Export
from omentum.exchange.importers.dataset_descriptions import data_set_named, read_data_set
from omentum.exchange.importers.find_sources import find_sources
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.volumes.labels import organ
from omentum.volumes.nifti import read_nifti

CASE = "07_WORD_word_0012"
OWN_LIVER = 1  # in WORD's own ids


@pytest.fixture
def liver(atlas):
    return atlas.box((4, 9), (4, 9), (4, 9))


def new_project(root):
    begin_project(root, Settings(organs=("liver",), networks=("synthetic",), held_out_share=0.0))
    return root


@pytest.fixture
def tree(atlas, liver, tmp_path):
    """A tree of one case of WORD, with WORD's own label."""
    case = tmp_path / "tree" / CASE
    rng = np.random.default_rng(3)
    atlas.write(case / "ct.nii.gz", rng.integers(-900, 900, atlas.shape).astype(np.int16))
    atlas.write(case / "original_label.nii.gz", liver.astype(np.uint8) * OWN_LIVER)
    return case


def exported(workspace, out, version="V1"):
    loop.assemble(workspace, version)
    batch = loop.export(workspace, version, "abdomenatlas-8k", Export(version=version, out=out, organs=()))
    assert batch.failed == ()
    return out


def predict(atlas, liver):
    atlas.predict(CASE, {"liver": liver, "spleen": atlas.box((12, 16), (4, 9), (4, 9))})


def test_the_label_that_comes_out_is_the_file_that_went_in(atlas, liver, tree, tmp_path):
    loop.add_cases(atlas.workspace, [tree.parent])
    predict(atlas, liver)
    out = exported(atlas.workspace, tmp_path / "out")
    assert [path.name for path in out.iterdir() if path.is_dir()] == [CASE]
    assert (out / CASE / "original_label.nii.gz").read_bytes() == (
        tree / "original_label.nii.gz"
    ).read_bytes()
    (source,) = find_sources([out]).sources
    assert (source.case_id, source.data_set) == (CASE, "07_WORD")
    assert source.label.path == out / CASE / "original_label.nii.gz"


def test_a_project_from_before_own_labels_were_kept_gives_ours(atlas, liver, tree, tmp_path):
    loop.add_cases(atlas.workspace, [tree.parent])
    atlas.workspace.store.cases.get(CASE).source_label_path.unlink()
    predict(atlas, liver)
    out = exported(atlas.workspace, tmp_path / "out")
    label = read_nifti(out / CASE / "original_label.nii.gz").voxels
    np.testing.assert_array_equal(label == organ("liver").index, liver)
    with opened(new_project(tmp_path / "again")) as again:
        loop.add_cases(again, [out])  # in WORD's own ids, 6 is the gall bladder
        case = again.store.cases.get(CASE)
        kept = read_nifti(case.original_label_path).voxels
        assert not case.source_label_path.exists(), "it is no file of the data set's"
    np.testing.assert_array_equal(kept == organ("liver").index, liver)
    assert case.original_organs == data_set_named("07").scheme.organs


def test_the_card_names_the_data_set_that_add_recognised_unless_the_owner_says_else(
    atlas, liver, tree, tmp_path
):
    loop.add_cases(atlas.workspace, [tree.parent])
    predict(atlas, liver)
    first = loop.assemble(atlas.workspace, "V1")
    card = (first.folder / "data-set-card.md").read_text()
    assert "| 07_WORD | not stated | 1 |" in card
    assert "The licence of 1 CTs is not stated" in card
    toml = atlas.workspace.folder.root / "data-sets.toml"
    toml.write_text('["07_*"]\nlicence = "asked for by letter"\n')
    second = loop.assemble(atlas.workspace, "V2")
    assert "| 07_WORD | asked for by letter | 1 |" in (second.folder / "data-set-card.md").read_text()


def test_a_description_may_state_the_licence_of_its_data_set(atlas, tmp_path):
    yaml = tmp_path / "ours.yaml"
    yaml.write_text(
        "name: ours\nlicence: CC BY 4.0\nvalues: {liver: 1}\n"
        "layouts:\n  - {ct: 'scans/{case}', label: null}\n"
    )
    hu = np.random.default_rng(0).integers(-900, 900, atlas.shape).astype(np.int16)
    atlas.write(tmp_path / "data/scans/a.nii.gz", hu)
    looked = find_sources([tmp_path / "data"], read_data_set(yaml))
    loop.add_found(atlas.workspace, looked)
    case = atlas.workspace.store.cases.get("ours_a")
    assert (case.data_set, case.licence) == ("ours", "CC BY 4.0")


def test_a_changed_original_label_shows_neither(atlas, liver, tree, tmp_path):
    loop.add_cases(atlas.workspace, [tree.parent])
    predict(atlas, liver)
    release = loop.assemble(atlas.workspace, "V1")
    case = atlas.workspace.store.cases.get(CASE)
    atlas.write(case.original_label_path, np.roll(liver, 1, axis=0).astype(np.uint8) * 6)
    asked = Export(version="V1", out=tmp_path / "out", organs=())
    loop.export(atlas.workspace, "V1", "abdomenatlas-8k", replace(asked, version=release.version))
    assert not (tmp_path / "out" / CASE / "original_label.nii.gz").exists()
