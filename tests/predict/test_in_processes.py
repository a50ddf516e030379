"""Work that travels: predictions, scores and folders made in other processes equal those made here."""

import hashlib
import pickle
import shutil
import zipfile

import pytest

from omentum.errors import CheckpointError
from omentum.incoming import add_cases
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.portable import portable_predictor
from omentum.predict.predict_files import FolderPlan, predict_files
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings
from omentum.runners.processes import ProcessRunner
from omentum.score.stage import score_round
from omentum.volumes.read import read_ct

TIMED = {"summary.json"}


@pytest.fixture
def projects(tmp_path, home_of_two, ct_file):
    """The same project twice, with two cases and two networks."""
    first = tmp_path / "first" / "atlas"
    settings = Settings(organs=("spleen", "liver"), networks=("tiny", "tiny-second"), scoring="published")
    begin_project(first, settings)
    with opened(first) as project:
        add_cases(project, [ct_file("a.nii.gz"), ct_file("b.nii.gz", orientation="SAR")])
    second = tmp_path / "second" / "atlas"
    shutil.copytree(first, second)
    return first, second


def _contents(root):
    """Hash all that is made of cases, but for what notes times."""
    return {
        path.relative_to(root).as_posix(): _content_sha256(path)
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name not in TIMED and not path.name.startswith("omentum.db")
    }


def _content_sha256(path):
    if path.suffix != ".zip":
        return hashlib.sha256(path.read_bytes()).hexdigest()
    with zipfile.ZipFile(path) as archive:  # the archive itself holds the time
        members = b"".join(name.encode() + archive.read(name) for name in sorted(archive.namelist()))
    return hashlib.sha256(members).hexdigest()


def _records(project):
    made = {
        name: {
            case_id: (one.masks_sha256, one.organs, one.findings)
            for case_id, one in project.predictions(name).items()
        }
        for name in ("tiny", "tiny-second", "average")
    }
    scores = project.store.scores.of_round(1)
    return made, {one.case_id: (one.score, one.organs) for one in scores}


@pytest.mark.slow
def test_predictions_and_scores_from_processes_equal_those_made_here(projects):
    found = []
    for root, runner in zip(projects, (None, ProcessRunner(2)), strict=True):
        with opened(root, runner) as project:
            batches = predict_round(project, average=True)
            assert [(sorted(one.done), one.failed) for one in batches] == [(["a", "b"], ())] * 3
            assert sorted(score_round(project).done) == ["a", "b"]
            found.append((_contents(root / "cases"), _records(project)))
    assert found[0] == found[1]


@pytest.mark.slow
def test_cts_in_folders_from_processes_equal_those_made_here(tmp_path, home, ct_file):
    predictor = portable_predictor("tiny")
    sources = {"a": ct_file("a.nii.gz"), "b": ct_file("b.nii.gz", orientation="SAR")}
    contents = []
    for name, runner in (("here", None), ("there", ProcessRunner(2))):
        plan = FolderPlan(sources=sources, out=tmp_path / name, predictor=predictor)
        assert sorted(predict_files(plan, runner).done) == ["a", "b"]
        contents.append(_contents(tmp_path / name))
    assert len(contents[0]) > 4
    assert contents[0] == contents[1]


def test_a_predictor_is_sent_without_its_tensors_and_says_the_same_there(home, ct_file, tiny_weights):
    sent = portable_predictor("tiny", config=InferenceConfig(overlap=0.25))
    data = pickle.dumps(sent)
    assert len(data) < tiny_weights.stat().st_size / 10
    there = pickle.loads(data)
    assert (there.name, there.organs) == (sent.name, sent.organs)
    assert there.settings("one") == sent.settings("one")
    ct = read_ct(ct_file())
    assert (there.predict(ct, "one").masks.codes == sent.predict(ct, "one").masks.codes).all()


def test_weights_that_changed_on_the_way_are_refused(tmp_path, write_weights, ct_file):
    path = tmp_path / "networks" / "bands" / "weights.safetensors"
    write_weights(path)
    there = pickle.loads(pickle.dumps(portable_predictor("bands", project_networks=tmp_path / "networks")))
    write_weights(path, gain=0.25)
    with pytest.raises(CheckpointError, match="changed since the work on these cases began"):
        there.predict(read_ct(ct_file()), "one")
