import json

from omentum.incoming import add_cases
from omentum.predict.stage import predict_round
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings

from .conftest import CASE, write_tree


def test_an_imported_network_is_a_second_opinion_and_needs_no_weights(project, tmp_path):
    write_tree(tmp_path / "tree")
    add_cases(project, [tmp_path / "tree"])
    (batch,) = predict_round(project, networks=["unet"])
    assert (batch.skipped, batch.failed) == ((CASE,), ())
    write_tree(tmp_path / "more", case_id="04_LiTS_liver_8")
    add_cases(project, [tmp_path / "more/04_LiTS_liver_8/ct.nii.gz"])
    (batch,) = predict_round(project, networks=["unet"])
    (failure,) = batch.failed
    assert "no weights here" in failure.reason


def test_a_network_that_predicts_here_is_not_mixed_with_what_others_made_by_its_name(home, tmp_path):
    case = write_tree(tmp_path / "tree")
    (case / "backbones/unet").rename(case / "backbones/tiny")
    begin_project(tmp_path / "p", Settings(organs=("liver",), networks=("tiny",), held_out_share=0.0))
    with opened(tmp_path / "p") as workspace:
        added = add_cases(workspace, [tmp_path / "tree"])
        assert workspace.predictions("tiny") == {}
        assert added.predictions.done == (f"{CASE}/swinunetr",)
        (alone,) = added.left_alone
        assert "same weights" in alone.reason


def test_a_second_opinion_from_a_tree_counts_in_scoring_and_in_a_release(
    home, omentum, as_published, tmp_path
):
    write_tree(tmp_path / "tree")
    project = tmp_path / "p"
    assert omentum("init", project, "--network", "tiny", "--organs", "liver,kidney_left").code == 0
    as_published(project)
    ran = omentum("-C", project, "add", tmp_path / "tree", "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told["predictions"] == [f"{CASE}/swinunetr", f"{CASE}/unet"]
    assert told["revisions"] == [f"{CASE}/celiac_trunk", f"{CASE}/kidney_left"]
    settings = project / "omentum.toml"
    text = settings.read_text()
    assert '"tiny"' in text
    settings.write_text(text.replace('["tiny"]', '["tiny", "unet"]'))
    for words in (
        ("predict",),
        ("score",),
        ("review", "confirm", "--rule", "extreme_volume", "--cases", CASE),  # these organs are tiny boxes
        ("assemble", "--version", "V1", "--network", "unet"),
    ):
        ran = omentum("-C", project, *words)
        assert ran.code == 0, ran.err
    with opened(project) as workspace:
        assert workspace.networks == ("tiny", "unet")
        assert len(workspace.opinions()[CASE]) == 2
    organs = json.loads((project / "releases/V1" / CASE / "lineage.json").read_text())["organs"]
    assert {name: row["source"] for name, row in organs.items()} == {
        "liver": "original", "liver_tumor": "original", "kidney_left": "revised", "celiac_trunk": "revised",
    }  # fmt: skip
