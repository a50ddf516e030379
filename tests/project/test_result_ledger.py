"""A case that is erased while a program works on it leaves nothing, and stops nothing."""

from omentum.predict.prediction_ledger import PredictionLedger, WrittenPrediction
from omentum.project.case_life import erase_case
from omentum.project.project import prediction_stage


def test_what_is_made_of_an_erased_case_is_removed_and_the_run_goes_on(atlas):
    liver = {"liver": atlas.box((4, 12), (4, 12), (4, 12))}
    project = atlas.workspace
    network = project.networks[0]
    atlas.add("gone", "there")
    for name in ("gone", "there"):
        atlas.predict(name, liver)
    made = project.predictions(network)
    for name in ("gone", "there"):
        project.store.predictions.forget(name, network)
        project.store.ledger.forget(prediction_stage(network), name)
    ledger = PredictionLedger(project, network)
    ledger.offer(["gone", "there"])
    assert ledger.claim(2) == ["gone", "there"]
    erase_case(project, "gone", why="consent withdrawn", by="owner")
    written = project.folder.case_dir("gone") / "networks" / network
    written.mkdir(parents=True)
    (written / "masks.nii.gz").write_bytes(b"what the program writes meanwhile")
    for name in ("gone", "there"):
        ledger.mark_done(name, WrittenPrediction(prediction=made[name], organ_sha256s={}))
    assert not project.folder.case_dir("gone").exists()
    assert set(project.store.predictions.of_network(network)) == {"there"}
    assert [one.key for one in project.store.ledger.jobs(prediction_stage(network))] == ["there"]
