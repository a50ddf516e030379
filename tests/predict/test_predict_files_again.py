"""The same folder once more: what is done stays, what is stale goes, what is somebody else's is let alone."""

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from omentum.abdomenatlas import tree
from omentum.predict import predict_files as stage
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predict_files import FolderLedger, predict_files
from omentum.volumes import atomic
from omentum.volumes.atomic import writing

pytestmark = pytest.mark.usefixtures("quick_pictures")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def sources(ct_file):
    """Two, so that each has a folder of its own in any layout."""
    return {name: ct_file(f"{name}.nii.gz") for name in ("one", "two")}


@pytest.fixture
def variants(plan, sources, predictor, weights, write_weights, tmp_path):
    """Function: the name of a change to a plan that differs in it alone; `nothing` changes nothing."""

    def make(change):
        configs = {
            "recipe": InferenceConfig(recipe="published", overlap=0.5),
            "without": InferenceConfig(without=("holes",)),
            "overlap": InferenceConfig(overlap=0.25),
        }
        config = configs.get(change, InferenceConfig())
        one = {
            "weights": lambda: NetworkPredictor(
                "bands", write_weights(tmp_path / "w" / "w.safetensors", gain=0.25)
            ),
            "organs": lambda: NetworkPredictor("bands", weights, organs=["liver"]),
            "name": lambda: NetworkPredictor("other", weights),
        }.get(change, lambda: NetworkPredictor("bands", weights, config=config))()
        more = {
            "save": {"save": frozenset({"entropy"})},
            "layout": {"layout": "published"},
            "tilt": {"resample_tilt": True},
            "another network": {},
        }.get(change, {})
        opinions = [one, NetworkPredictor("second", weights)] if change == "another network" else [one]
        return plan(sources, *opinions, config=config, **more)

    return make


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


CHANGES = [
    *("recipe", "without", "overlap", "weights", "organs", "name", "another network"),
    *("save", "layout", "tilt"),
]


def test_a_second_run_does_nothing(variants, out):
    for change in ("nothing", *CHANGES):
        shutil.rmtree(out, ignore_errors=True)
        assert predict_files(variants(change)).done == ("one", "two")
        before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        again = predict_files(variants(change))
        assert (again.done, again.skipped) == ((), ("one", "two"))
        assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_else_is_asked_for_is_predicted_anew_and_leaves_nothing_of_the_earlier_one(
    variants, out, change, tmp_path
):
    predict_files(variants(change))
    expected = files(out)
    out.rename(tmp_path / "alone")
    predict_files(variants("nothing"))
    (out / "one" / "segmentations" / "aorta.nii.gz").write_bytes(b"drawn by somebody")
    (out / "two" / "notes.txt").write_text("look at the spleen")
    batch = predict_files(variants(change))
    assert batch.done == ("one", "two")
    own = {"one/segmentations/aorta.nii.gz", "two/notes.txt"}
    assert files(out) == expected | own
    assert (out / "one" / "segmentations" / "aorta.nii.gz").read_bytes() == b"drawn by somebody"
    for name in expected:
        if name.endswith(".nii.gz"):
            assert (out / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()
    assert predict_files(variants(change)).skipped == ("one", "two")
    assert predict_files(variants("nothing")).done == ("one", "two")
    folders = {path.relative_to(out).parts[1:] for path in out.rglob("*") if path.is_dir()}
    assert folders == {(), ("segmentations",)}, "no empty folder is left"


def test_a_summary_that_lists_files_elsewhere_deletes_nothing_there(variants, out, tmp_path):
    predict_files(variants("nothing"))
    folder = out / "one"
    outside = [tmp_path / "mine.txt", out / "x", out / "two" / "labels.nii.gz", tmp_path / "linked" / "mine"]
    for path in outside:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (folder / "link").symlink_to(tmp_path / "linked")
    summary = json.loads((folder / "summary.json").read_text())
    own = folder / "own.txt"
    own.write_text("listed, so it goes")
    summary["files"] += [
        *(str(path) for path in outside), *("../x", "../../mine.txt", "link/mine", "segmentations/../../x"),
        *("own.txt", ".", "", "segmentations", "a\0b", "gone.nii.gz", 7, None),
    ]  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    batch = predict_files(variants("without"))
    assert set(batch.done) == {"one", "two"}
    assert all(path.exists() for path in outside)
    assert all(path.read_text() == "mine" for path in (outside[0], outside[1], outside[3]))
    assert not own.exists()


@pytest.mark.parametrize("listed", [None, 3, "labels.nii.gz", {}, {"labels.nii.gz": 1}])
def test_a_summary_whose_list_is_none_deletes_nothing_and_does_no_harm(variants, out, listed):
    predict_files(variants("nothing"))
    summary = json.loads((out / "one" / "summary.json").read_text())
    (out / "one" / "summary.json").write_text(json.dumps({**summary, "files": listed}))
    before = {name for name in files(out) if name.startswith("one/")}
    assert predict_files(variants("save")).done == ("one", "two")
    assert before < files(out)
    assert "two/labels.nii.gz" not in files(out)


@pytest.mark.parametrize("layout", ["omentum", "published"])
def test_a_ct_that_an_earlier_prediction_left_may_be_predicted_where_it_lies(
    plan, dicom_folder, out, layout, weights
):
    """The NIfTI file of a DICOM series is listed as ours; but now it is the source."""
    predict_files(plan({"one": dicom_folder, "two": dicom_folder}, layout=layout))
    ct = out / "one" / "ct.nii.gz"
    before = ct.read_bytes()
    for organs in (["liver"], ["spleen"], ["liver"]):
        one = NetworkPredictor("bands", weights, organs=organs)
        batch = predict_files(plan({"one": ct, "two": dicom_folder}, one, layout=layout))
        assert batch.done == ("one", "two")
        assert ct.read_bytes() == before
        assert "ct.nii.gz" not in json.loads((out / "one" / "summary.json").read_text())["files"]
    assert predict_files(plan({"one": ct, "two": dicom_folder}, one, layout=layout)).done == ()
    assert ct.read_bytes() == before


@pytest.mark.parametrize("layout", ["omentum", "published"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_ct_that_lies_in_its_own_folder_stays(plan, ct_file, out, layout, weights, tmp_path, linked):
    source = out / "one" / "ct.nii.gz"
    source.parent.mkdir(parents=True)
    shutil.copy(ct_file(), source)
    given = source
    if linked:
        given = tmp_path / "link.nii.gz"
        given.symlink_to(source)
    for name in ("first", "second"):
        sources = {"one": given, "two": ct_file()}
        predict_files(plan(sources, NetworkPredictor(name, weights), layout=layout))
    assert source.read_bytes() == ct_file().read_bytes()


@pytest.mark.parametrize(
    "removed", ["segmentations/liver.nii.gz", "labels.json", "preview.png", "summary.json"]
)
def test_a_case_of_which_somebody_removed_a_file_is_done_again(variants, out, removed):
    predict_files(variants("nothing"))
    (out / "two" / removed).unlink()
    batch = predict_files(variants("nothing"))
    assert (batch.done, batch.skipped) == (("two",), ("one",))
    assert (out / "two" / removed).is_file()


def test_another_ct_under_the_same_name_is_not_taken_for_the_first(plan, ct_file, box_ct, out, organ_hu):
    made = plan({"one": ct_file("one.nii.gz")})
    predict_files(made)
    other = plan({"one": ct_file("other.nii.gz")})
    assert not FolderLedger(other).done("one")
    assert FolderLedger(made).done("one")


def test_the_same_ct_by_another_path_is_done(plan, ct_file, monkeypatch):
    source = ct_file()
    predict_files(plan({"one": source}))
    monkeypatch.chdir(source.parent)
    assert FolderLedger(plan({"one": Path("one.nii.gz")})).done("one")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", "3", "{}", "\xff", '{"made_with": null}', '{"files": ["labels.nii.gz"]}'),
        '{"made_with": {}, "files": ["summary.json"]}',
    ],
)
def test_a_summary_that_is_none_of_ours_is_not_done_and_does_no_harm(plan, ct_file, out, text):
    made = plan({"one": ct_file()})
    out.mkdir()
    (out / "summary.json").write_text(text, encoding="latin-1")
    assert not FolderLedger(made).done("one")
    assert predict_files(made).done == ("one",)
    assert FolderLedger(made).done("one")


@pytest.mark.parametrize(
    ("layout", "module", "write"),
    [
        *(("omentum", stage, write) for write in ("write_organ_files", "write_painted", "write_preview")),
        *(("published", tree, write) for write in ("copy", "write_nifti")),
        *((layout, stage, "write_json") for layout in ("omentum", "published")),
    ],
)
def test_a_prediction_that_was_killed_between_files_does_not_count_and_is_done_again(
    plan, sources, out, monkeypatch, layout, module, write, tmp_path
):
    made = plan(sources, layout=layout)
    ledger = FolderLedger(made)
    predict_files(made)
    expected = {name: (out / name).read_bytes() for name in files(out) if name.endswith(".nii.gz")}
    (out / "one" / "summary.json").unlink()

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(module, write, killed)
        with pytest.raises(KeyboardInterrupt):
            predict_files(made)
    assert not ledger.done("one")
    assert ledger.done("two")
    batch = predict_files(made)
    assert (batch.done, batch.skipped) == (("one",), ("two",))
    assert {name: (out / name).read_bytes() for name in expected} == expected


@pytest.mark.parametrize("write", ["write_painted", "write_json"])
def test_an_earlier_prediction_does_not_count_while_its_files_are_replaced(
    plan, sources, monkeypatch, weights, write
):
    first = plan(sources)
    predict_files(first)

    def killed(*_args, **_kwargs):
        raise KeyboardInterrupt

    other = plan(sources, NetworkPredictor("other", weights))
    with monkeypatch.context() as broken:
        broken.setattr(stage, write, killed)
        with pytest.raises(KeyboardInterrupt):
            predict_files(other)
    assert not FolderLedger(first).done("one")
    assert not FolderLedger(other).done("one")
    assert predict_files(other).done == ("one", "two")


def test_what_a_killed_writer_left_among_the_masks_is_swept_away(plan, ct_file, out, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr(atomic.os, "getpid", lambda: 2**22 + 1)  # over any process's number
        with pytest.raises(RuntimeError), writing(out / "segmentations" / "liver.nii.gz") as part:  # noqa: PT012
            part.write_bytes(b"half")
            dying.setattr(type(part), "unlink", lambda *_args, **_kwargs: None)
            raise RuntimeError
    assert part.exists()
    predict_files(plan({"one": ct_file()}))
    assert not part.exists()
    assert nib.load(out / "segmentations" / "liver.nii.gz").get_data_dtype() == np.uint8
