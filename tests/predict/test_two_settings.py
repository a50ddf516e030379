"""A program that begins with new settings predicts every case by them, whatever older programs are doing."""

import threading
import time

import pytest

from omentum.errors import OutdatedRunError
from omentum.incoming import add_cases
from omentum.predict.aims import newest_aim
from omentum.predict.prediction_ledger import PredictionLedger, WrittenPrediction
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings, change_settings
from omentum.records.jobs import JobState

pytestmark = pytest.mark.usefixtures("quick_pictures")
CASES = ("a", "b", "c", "d")
STAGE = "predict bands"


@pytest.fixture(params=["sqlite", "postgresql"])
def project(request, tmp_path, monkeypatch, write_weights, ct_file):
    """A project with four cases and two networks of its own."""
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))
    root = tmp_path / "atlas"
    settings = Settings(organs=("spleen", "liver"), networks=("bands", "other"), overlap=0.25)
    if request.param == "postgresql":
        settings = settings.changed(database=request.getfixturevalue("postgresql_url"))
    begin_project(root, settings)
    write_weights(root / "networks" / "bands" / "weights.safetensors")
    write_weights(root / "networks" / "other" / "weights.safetensors", gain=0.25)
    with opened(root) as workspace:
        add_cases(workspace, [ct_file(f"{name}.nii.gz") for name in CASES])
    return root


class Program(threading.Thread):
    """Predicts in a thread, with a connection of its own to the project's database."""

    def __init__(self, root):
        super().__init__()
        self.root, self.batches = root, []

    def run(self):
        with opened(self.root) as workspace:
            self.batches = predict_round(workspace)

    def start_with(self, **settings):
        """Change the settings, begin, and return once other programs can see it."""
        change_settings(self.root / "omentum.toml", settings)
        before = aim_in(self.root)
        self.start()
        while aim_in(self.root) == before:
            time.sleep(0.01)


def aim_in(root):
    with opened(root, looking=True) as workspace:
        return newest_aim(workspace.store, "bands")


def overlaps(root, network):
    with opened(root, looking=True) as workspace:
        made = workspace.predictions(network)
        return {case_id: one.made_with["overlap"] for case_id, one in made.items()}


@pytest.mark.parametrize("at", [1, 4])
def test_the_newest_settings_count_for_every_case_and_the_older_program_ends(project, at):
    newer = Program(project)

    def begin_the_newer_one(step, n_done, _n_total, _note):
        if (step, n_done) == (STAGE, at):
            newer.start_with(overlap=0.5)

    with (
        opened(project) as workspace,
        pytest.raises(OutdatedRunError, match="another program has begun to predict"),
    ):
        predict_round(workspace, progress=begin_the_newer_one)
    newer.join()
    for network in ("bands", "other"):
        assert overlaps(project, network) == dict.fromkeys(CASES, 0.5)
    assert [batch.done for batch in newer.batches] == [CASES, CASES], "none was taken from the older program"
    with opened(project) as workspace:
        jobs = workspace.store.ledger.jobs()
        assert {job.state for job in jobs if job.stage.startswith("predict")} == {JobState.DONE}
        assert [batch.skipped for batch in predict_round(workspace)] == [CASES, CASES]


def test_a_case_whose_files_a_stopped_program_overwrote_is_predicted_again(project):
    with opened(project) as workspace:
        store, old = workspace.store, PredictionLedger(workspace, "bands", "old aim")
        store.facts.set("aim of bands", "old aim")
        old.offer(CASES)
        assert old.claim(1) == ["a"]
        store.ledger.end_leases(STAGE, lambda _worker: True)  # it stood still for longer than its lease
        (bands,) = predict_round(workspace, networks=["bands"])
        assert bands.done == CASES
        made = workspace.predictions("bands")["a"]
        with pytest.raises(OutdatedRunError):
            old.mark_done("a", WrittenPrediction(prediction=made, organ_sha256s={}))
        with pytest.raises(OutdatedRunError):
            old.claim(1)
        old.give_back()
        (bands,) = predict_round(workspace, networks=["bands"])
        assert (bands.done, bands.skipped) == (("a",), CASES[1:])
