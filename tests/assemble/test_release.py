import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from omentum.assemble import assemble_case, release
from omentum.assemble.card import ReleaseNotes
from omentum.assemble.manifest import read_left_out, verify_release
from omentum.assemble.release import build_release
from omentum.errors import ConfigError, ReleaseError
from omentum.records import Batch
from omentum.volumes.nifti import writing_nifti


@pytest.fixture
def cases(make, blob):
    """Three cases: predicted alone; with a revision; with an original label and a revision."""
    known = []
    for n, original in enumerate([None, None, {"spleen": blob(7)}]):
        case = make.case(f"case_{n}", original)
        predicted = {"liver": blob(3 * n), "spleen": blob(3 * n + 1), "aorta": blob(3 * n + 2)}
        revisions = (make.revision(case, "liver", blob(50 + n)),) if n else ()
        prediction = make.prediction(case, predicted)
        known.append(make.inputs(case, prediction, *revisions))
    return known


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def calls(monkeypatch):
    """The cases that were assembled, in order."""
    seen = []

    def counted(inputs, folder):
        seen.append(inputs.case.case_id)
        return assemble_case.assemble_case(inputs, folder)

    monkeypatch.setattr(release, "assemble_case", counted)
    return seen


def test_a_release_holds_every_case_and_its_lists(cases, tmp_path):
    made = build_release("V1", tmp_path / "releases", cases)
    assert (made.version, made.folder, made.n_cases) == ("V1", tmp_path / "releases" / "V1", 3)
    assert {path.name for path in made.folder.iterdir()} == {
        "case_0", "case_1", "case_2", "manifest.json", "dataset.json", "SHA256SUMS", "labels.json",
        "lineage.parquet", "data-set-card.md",
    }  # fmt: skip
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["V1"]
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["n_organs_by_source"] == {"original": 1, "revised": 2, "predicted": 6}
    assert set(manifest["files"]) == set(tree(made.folder)) - {"manifest.json", "SHA256SUMS"}
    assert all(row["bytes"] == (made.folder / path).stat().st_size for path, row in manifest["files"].items())
    dataset = json.loads((made.folder / "dataset.json").read_text())
    assert dataset["labels"]["liver"] == 6
    assert dataset["cases"][2]["organs"] == {"aorta": "predicted", "liver": "revised", "spleen": "original"}


def test_the_revised_organ_is_in_the_release_voxel_for_voxel(cases, tmp_path, blob):
    folder = build_release("V1", tmp_path, cases).folder
    for n in (1, 2):
        image = nib.load(folder / f"case_{n}" / "segmentations" / "liver.nii.gz")
        np.testing.assert_array_equal(np.asarray(image.dataobj), blob(50 + n))
    combined = np.asarray(nib.load(folder / "case_1" / "combined_labels.nii.gz").dataobj)
    np.testing.assert_array_equal(combined == 6, blob(51))


def test_sha256sum_finds_the_release_whole(cases, tmp_path):
    made = build_release("V1", tmp_path, cases)
    done = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"],
        cwd=made.folder,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, b"")
    assert f"{made.manifest_sha256}  manifest.json" in (made.folder / "SHA256SUMS").read_text()
    assert verify_release(made.folder) == []


def test_files_of_a_release_are_read_only(cases, tmp_path):
    folder = build_release("V1", tmp_path, cases).folder
    assert {path.stat().st_mode & 0o222 for path in folder.rglob("*") if path.is_file()} == {0}


def test_a_release_never_changes(cases, tmp_path):
    folder = build_release("V1", tmp_path, cases).folder
    before = tree(folder)
    with pytest.raises(ReleaseError, match=r"already .*name another version"):
        build_release("V1", tmp_path, cases[:1])
    assert tree(folder) == before


def test_the_same_cases_in_another_order_and_place_are_the_same_release(cases, tmp_path):
    first = build_release("V1", tmp_path / "a", cases)
    second = build_release("V1", tmp_path / "b", cases[::-1])
    assert tree(first.folder) == tree(second.folder)
    assert first.manifest_sha256 == second.manifest_sha256


N_WRITES = 3 * (3 + 1 + 1) + 1
"""Of each case its organs, the combined map and the lineage; then the manifest."""


@pytest.mark.parametrize("n_writes", range(N_WRITES))
def test_a_release_that_was_broken_off_at_any_write_is_finished_and_the_same(
    cases, tmp_path, monkeypatch, n_writes
):
    whole = build_release("V1", tmp_path / "whole", cases)
    left = iter(range(n_writes))

    def broken_off(write):
        def limited(*arguments, **named):
            if next(left, None) is None:
                raise KeyboardInterrupt
            return write(*arguments, **named)

        return limited

    @contextmanager
    def broken_off_at_the_end(*arguments):
        with writing_nifti(*arguments) as stream:
            yield stream
            if next(left, None) is None:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(assemble_case, "writing_nifti", broken_off_at_the_end)
        patch.setattr(assemble_case, "write_json", broken_off(assemble_case.write_json))
        patch.setattr(release, "write_manifest", broken_off(release.write_manifest))
        with pytest.raises(KeyboardInterrupt):
            build_release("V1", tmp_path / "broken", cases)
    assert not (tmp_path / "broken" / "V1").exists()
    again = build_release("V1", tmp_path / "broken", cases)
    assert tree(again.folder) == tree(whole.folder)
    assert again.manifest_sha256 == whole.manifest_sha256


def test_a_release_that_was_killed_goes_on_where_it_was(cases, tmp_path, calls):
    whole = build_release("V1", tmp_path / "whole", cases)
    (tmp_path / "cases.pickle").write_bytes(pickle.dumps(cases))
    script = (
        "import os, pickle, signal, sys\nfrom pathlib import Path\n"
        "from omentum.assemble import assemble_case, release\n"
        "from contextlib import contextmanager\n"
        "writing = assemble_case.writing_nifti\n"
        "@contextmanager\n"
        "def killing(path, *arguments):\n"
        "    with writing(path, *arguments) as stream:\n"
        "        yield stream\n"
        "    if path.parts[-3:] == ('case_1', 'segmentations', 'aorta.nii.gz'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "assemble_case.writing_nifti = killing\n"
        "folder = Path(sys.argv[1])\n"
        "cases = pickle.loads((folder / 'cases.pickle').read_bytes())\n"
        "release.build_release('V1', folder / 'killed', cases)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(release.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], check=False, env=environment, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not (tmp_path / "killed" / "V1").exists()
    calls.clear()
    again = build_release("V1", tmp_path / "killed", cases)
    assert calls == ["case_1", "case_2"]
    assert tree(again.folder) == tree(whole.folder)
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["V1"]


def test_what_changed_while_a_release_was_broken_off_is_done_again(cases, tmp_path, calls, make, blob):
    def first_two(given, work, **_):
        for inputs in given[:2]:
            work(inputs)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_release("V1", tmp_path, cases, run=first_two)
    newer = make.revision(cases[1].case, "liver", blob(99), round_number=2)
    cases[1] = make.inputs(cases[1].case, cases[1].prediction, *cases[1].facts.revisions, newer)
    calls.clear()
    folder = build_release("V1", tmp_path, cases).folder
    assert calls == ["case_1", "case_2"]
    image = nib.load(folder / "case_1" / "segmentations" / "liver.nii.gz")
    np.testing.assert_array_equal(np.asarray(image.dataobj), blob(99))


def test_a_case_that_fails_is_left_out_with_its_reason_also_where_an_earlier_try_had_it(cases, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        build_release("V1", tmp_path, cases, run=_broken_off_at_the_end)
    assert (tmp_path / ".V1.partial" / "case_2" / "lineage.json").is_file()
    cases[2].prediction.masks_path.unlink()
    cases[1].case.ct_path.write_bytes(cases[0].case.ct_path.read_bytes())
    shutil.rmtree(tmp_path / ".V1.partial" / "case_1")
    notes = ReleaseNotes(left_out={"case_9": "not predicted"}, excluded={"case_8": "motion"})
    made = build_release("V1", tmp_path, cases, notes=notes)
    assert made.n_cases == 1
    assert {path.name for path in made.folder.iterdir() if path.is_dir()} == {"case_0"}
    told = read_left_out(made.folder)
    assert told.excluded == {"case_8": "motion"}
    assert sorted(told.left_out) == ["case_1", "case_2", "case_9"]
    assert "ct.nii.gz is not the file that came in" in told.left_out["case_1"]
    assert "masks.nii.gz: there is no such file" in told.left_out["case_2"]
    card = (made.folder / "data-set-card.md").read_text()
    assert "- `case_9`: not predicted.\n- `case_8` was excluded: motion." in card
    assert verify_release(made.folder) == []


def _broken_off_at_the_end(given, work, **_):
    for inputs in given:
        work(inputs)
    raise KeyboardInterrupt


def test_a_release_of_which_no_case_can_be_assembled_is_none(cases, tmp_path):
    for inputs in cases:
        inputs.case.ct_path.unlink()
    with pytest.raises(ReleaseError, match=r"none of 3 cases could be assembled .case_0: .*no such file"):
        build_release("V1", tmp_path / "releases", cases)
    assert list((tmp_path / "releases").iterdir()) == []


def test_the_work_on_a_case_can_go_to_another_process(cases, tmp_path):
    def through_pickle(given, work, **_):
        for inputs in given:
            pickle.loads(pickle.dumps(work))(pickle.loads(pickle.dumps(inputs)))
        return Batch(done=(), skipped=(), failed=())

    assert build_release("V1", tmp_path, cases, run=through_pickle).n_cases == 3


def test_a_release_that_cannot_be_is_refused_before_anything_is_written(cases, tmp_path):
    with pytest.raises(ReleaseError, match="no case"):
        build_release("V1", tmp_path, [])
    with pytest.raises(ReleaseError, match="'case_0' twice"):
        build_release("V1", tmp_path, [*cases, cases[0]])
    with pytest.raises(ConfigError, match="version"):
        build_release("../V1", tmp_path, cases)
    assert not (tmp_path / ".V1.partial").exists()
