"""`omentum predict`: CTs into a folder, by one network or several; and what it takes in a project."""

import json
import shutil

import nibabel as nib
import numpy as np
import pytest


@pytest.fixture
def ct(cohort):
    return cohort / "phantom_0002" / "ct.nii.gz"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def predict(omentum, home_of_two, ct, out):
    """Predict the CT into `out` by `tiny`, or by the networks that are named."""

    def run(*arguments, networks=("tiny",)):
        named = [part for name in networks for part in ("--network", name)]
        return omentum("predict", ct, "-o", out, "--organs", "liver,spleen", *named, *arguments)

    return run


@pytest.fixture
def project(omentum, home_of_two, cohort, tmp_path):
    """A project of two cases and two networks, none predicted."""
    folder = tmp_path / "atlas"
    assert omentum("init", folder, "--network", "tiny", "--network", "tiny-second").code == 0
    assert omentum("-C", folder, "add", cohort / "phantom_0000", cohort / "phantom_0001").code == 0
    return folder


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def refused(ran):
    """Tell whether a command ended with code 2 and one sentence."""
    return ran.code == 2 and ran.err.startswith("omentum: ") and ran.err.count("\n") == 1 and not ran.out


def test_several_networks_give_their_mean_and_each_its_own(predict, out):
    ran = predict("--save", "masks, probabilities", networks=("tiny", "tiny-second"))
    assert ran.code == 0
    assert ran.err.endswith("predicted 1 case\n")
    own = {
        f"{kind}/{name}.nii.gz" for kind in ("segmentations", "probabilities") for name in ("liver", "spleen")
    }
    own |= {"labels.nii.gz", "labels.json"}
    below = {f"networks/{network}/{file}" for network in ("tiny", "tiny-second") for file in own}
    assert files(out) == own | below | {"preview.png", "summary.json"}
    each = [
        voxels(out / "networks" / name / "probabilities/liver.nii.gz") for name in ("tiny", "tiny-second")
    ]
    mean = sum(one.astype(float) for one in each) / 2
    assert np.abs(voxels(out / "probabilities/liver.nii.gz") - mean).max() <= 1.01
    assert np.abs(each[0] - mean).max() > 2
    assert summary_of(out)["made_with"]["network"] == "average"
    assert [one["network"] for one in summary_of(out)["made_with"]["networks"]] == ["tiny", "tiny-second"]
    assert predict("--save", "probabilities,masks", networks=("tiny", "tiny-second")).err == (
        "predicted 0 cases, 1 before\n"
    )


def test_the_published_tree_and_all_that_can_be_saved(predict, ct, out):
    everything = ("--layout", "published", "--save", "masks,probabilities,entropy")
    assert predict(*everything, networks=("tiny", "tiny-second")).code == 0
    organs = ("liver.nii.gz", "spleen.nii.gz")
    masks = {"pseudo_label.nii.gz", *(f"segmentations/{name}" for name in organs)}
    soft = {f"{kind}/{name}" for kind in ("soft_pred", "entropy") for name in organs}
    tree = {f"backbones/{network}/{file}" for network in ("tiny", "tiny-second") for file in masks | soft}
    tree |= {f"average/{file}" for file in masks} | {"ct.nii.gz", "summary.json"}
    assert files(out / "phantom_0002") == tree
    assert files(out) == {f"phantom_0002/{file}" for file in tree}
    assert (out / "phantom_0002" / "ct.nii.gz").read_bytes() == ct.read_bytes()


def test_the_published_recipe_can_be_chosen_and_rules_left_out(predict, out):
    assert predict("--postprocessing", "published").code == 0
    made_with = summary_of(out)["made_with"]
    assert (made_with["recipe"], made_with["without"], made_with["overlap"]) == ("published", [], 0.75)
    old = predict("--recipe", "published", "--without", "veins, hosts", "--overlap", "0.25")
    assert (old.code, "--recipe is now called --postprocessing" in old.err) == (0, True)
    made_with = summary_of(out)["made_with"]
    assert (made_with["without"], made_with["overlap"]) == (["hosts", "veins"], 0.25)
    assert predict("--without", "specks,largest", "--numbers", "float32").code == 0
    made_with = summary_of(out)["made_with"]
    assert (made_with["recipe"], made_with["numbers"]) == ("default", "float32")
    again = predict("--without", "largest,specks", "--numbers", "float32")
    assert again.err == "predicted 0 cases, 1 before\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--postprocessing", "mine"], "postprocessing is 'mine', but the recipes are default, published"),
        (["--without", "hols"], "'hols', but the rules of recipe default are specks"),
        (["--postprocessing", "published", "--without", "holes"], "the rules of recipe published are hosts"),
        (["--layout", "bids"], "--layout is 'bids', but the layouts are omentum, published"),
        (["--save", "masks,logits"], "--save is 'logits', but what can be saved is entropy, masks"),
        (["--overlap", "1"], "overlap is 1.0"),
        (["--overlap", "-0.5"], "overlap is -0.5"),
        (["--overlap", "nan"], "overlap is nan"),
        (["--numbers", "float7"], "'float7', but known are auto, float32"),
        (["--numbers", "float16"], "processors are slow with it"),
        (["--network", "tiny"], "each must be named once"),
        (["--network", "average"], "'average'"),
        (["--network", "nobodys"], "'nobodys'"),
        (["--organs", "soul"], "'soul'"),
        (["--organs", "aorta,colon"], "'colon'"),
        (["--device", "abacus"], "'abacus'"),
        (["--average"], "it is for projects"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_value_that_cannot_be_is_refused_in_one_sentence_and_nothing_is_written(
    predict, out, arguments, said
):
    ran = predict(*arguments)
    assert refused(ran), ran
    assert said in ran.err
    assert not out.exists()


def test_a_network_computes_in_half_where_asked_and_says_so(predict, out):
    assert predict("--numbers", "bfloat16").code == 0
    assert summary_of(out)["made_with"]["numbers"] == "bfloat16"


def test_cts_need_a_folder_for_their_masks(omentum, home, ct):
    ran = omentum("predict", ct, "--network", "tiny")
    assert refused(ran)
    assert "give one with -o OUT" in ran.err


def test_a_folder_that_was_predicted_before_may_be_predicted_by_others(predict, out):
    predict(networks=("tiny", "tiny-second"))
    (out / "segmentations" / "colon.nii.gz").write_bytes(b"drawn by somebody")
    assert predict("--save", "entropy").code == 0
    entropies = {"entropy/liver.nii.gz", "entropy/spleen.nii.gz"}
    assert files(out) == entropies | {"segmentations/colon.nii.gz", "preview.png", "summary.json"}


def test_of_several_cts_one_that_cannot_be_used_is_set_aside(omentum, home_of_two, cohort, ct, out, tmp_path):
    bad = tmp_path / "bad.nii.gz"
    bad.write_bytes(ct.read_bytes()[:200])
    named = ("--network", "tiny", "--network", "tiny-second", "--layout", "published")
    ran = omentum("predict", ct, bad, cohort / "phantom_0003", "-o", out, *named)
    assert ran.code == 1
    assert "predicted 2 cases\n" in ran.err
    assert "bad was set aside" in ran.err
    assert {path.name for path in out.iterdir()} == {"phantom_0002", "phantom_0003"}


def test_a_tree_that_was_written_may_be_given_again_and_its_cts_stay(omentum, home_of_two, cohort, out):
    """In the published tree the CT lies beside what is made of it."""
    for name in ("phantom_0000", "phantom_0001"):
        (out / name).mkdir(parents=True)
        shutil.copy(cohort / name / "ct.nii.gz", out / name)
    before = {path: path.read_bytes() for path in out.rglob("ct.nii.gz")}
    for organs in ("liver", "spleen"):
        named = ("--network", "tiny", "--organs", organs, "--layout", "published")
        ran = omentum("predict", out, "-o", out, *named)
        assert ran.code == 0
        assert ran.err.endswith("predicted 2 cases\n")
        assert {path: path.read_bytes() for path in out.rglob("ct.nii.gz")} == before
        for folder in out.iterdir():
            assert files(folder / "backbones") == {
                f"tiny/segmentations/{organs}.nii.gz",
                "tiny/pseudo_label.nii.gz",
            }


def test_a_project_is_predicted_by_all_its_networks_and_by_their_mean(omentum, project, as_published):
    as_published(project)
    ran = omentum("-C", project, "predict", "--average")
    assert ran.code == 0
    assert ran.err.endswith("predicted 2 cases\n")
    networks = {path.name for path in (project / "cases/phantom_0000/networks").iterdir()}
    assert networks == {"tiny", "tiny-second", "average"}
    summary = summary_of(project / "cases/phantom_0001/networks/average")
    assert summary["made_with"]["networks"] == ["tiny", "tiny-second"]
    assert omentum("-C", project, "predict", "--average").err == "predicted 0 cases, 2 before\n"
    status = json.loads(omentum("-C", project, "status", "--json").out)
    assert (status["predicted"], status["next"]) == (2, "omentum score")
    assert omentum("-C", project, "score").code == 0


def test_what_is_wrong_with_whole_cts_and_what_is_held_back_is_told_as_cases_are_predicted(omentum, project):
    ran = omentum("-C", project, "predict", "--network", "tiny")
    told = json.loads(omentum("-C", project, "predict", "--network", "tiny", "--json").out)
    assert (told["done"], told["skipped"]) == ([], ["phantom_0000", "phantom_0001"])
    of_ct = [one for one in told["findings"] if one["organ"] == "whole_ct"]
    assert of_ct, "an untrained network finds no abdomen, or one that is turned"
    for one in of_ct:
        assert f"{one['case']}: whole CT: " in ran.err
        assert one["said"] in ran.err
    held = {(one["case"], one["organ"]) for one in told["findings"] if one["holds"]}
    assert held == {(one["case"], one["organ"]) for one in told["held_back"]}
    assert (f"{len(held)} mask" in ran.err) == bool(held)
    assert ran.err.endswith("predicted 2 cases\n")


def test_without_a_project_it_is_told_too_and_stands_in_the_summary(predict, out):
    ran = predict()
    of_ct = [one for one in summary_of(out)["findings"] if one["organ"] == "whole_ct"]
    assert of_ct
    assert all(f"phantom_0002: whole CT: {one['said']}" in ran.err for one in of_ct[:1])
    told = json.loads(predict("--json").out)
    assert told["skipped"] == ["phantom_0002"]
    assert [{"case": "phantom_0002", **one} for one in summary_of(out)["findings"]] == told["findings"]


def test_the_mean_of_one_network_is_refused_before_any_case_is_read(omentum, project):
    ran = omentum("-C", project, "predict", "--average", "--network", "tiny")
    assert refused(ran)
    assert "it takes two networks or more" in ran.err
    assert not (project / "cases/phantom_0000/networks").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        *(["-o", "masks"], ["--organs", "liver"], ["--save", "masks"], ["--layout", "omentum"]),
        *(
            ["--postprocessing", "default"],
            ["--without", "holes"],
            ["--numbers", "float32"],
            ["--resample-tilt"],
        ),
        *(["--overlap", "0"], ["--overlap", "0.5"]),
    ],
    ids=" ".join,
)
def test_in_a_project_options_for_cts_are_refused(omentum, project, arguments):
    ran = omentum("-C", project, "predict", *arguments)
    assert refused(ran), ran
    taken = "--network, --average, --keep, --shard, --device, --runner and --workers"
    assert f"without CTs only {taken} are taken" in ran.err
    assert not (project / "cases/phantom_0000/networks").exists()


def test_a_project_says_in_its_settings_how_masks_are_cleaned_up(omentum, project):
    toml = project / "omentum.toml"
    toml.write_text(toml.read_text().replace('postprocessing = "default"', 'postprocessing = "published"'))
    assert omentum("-C", project, "predict", "--network", "tiny").code == 0
    summary = summary_of(project / "cases/phantom_0000/networks/tiny")
    assert summary["made_with"]["recipe"] == "published"
    toml.write_text(toml.read_text().replace('postprocessing = "published"', 'postprocessing = "tidy"'))
    ran = omentum("-C", project, "predict")
    assert refused(ran)
    assert "postprocessing is 'tidy'" in ran.err


def test_what_is_kept_is_set_and_its_cost_said_before_the_run(omentum, project):
    ran = omentum("-C", project, "predict", "--network", "tiny", "--keep", "revisit")
    assert ran.code == 0, ran.err
    assert 'keep = "revisit"' in (project / "omentum.toml").read_text()
    again = omentum("-C", project, "predict", "--network", "tiny", "--keep", "none")
    assert again.code == 0, again.err
    said = next(line for line in again.err.splitlines() if line.startswith("probabilities:"))
    assert "MB a case by tiny (measured in this project, 2 cases) x 2 cases" in said
    assert "nothing once they are scored; with `--keep all` all stay" in said
    assert "with `--keep revisit` about" in said
    assert "probabilities:" not in omentum("-C", project, "predict", "--network", "tiny").err, "too little"


def test_what_is_kept_is_of_projects_and_one_of_three(predict, omentum, project):
    ran = predict("--keep", "none")
    assert refused(ran)
    assert "--keep is 'none', but it is for projects; of CTs, --save says what is written" in ran.err
    ran = omentum("-C", project, "predict", "--keep", "some")
    assert refused(ran)
    assert "keep is 'some', but it must be one of all, revisit, none" in ran.err


def test_probabilities_go_with_the_score_and_this_is_said(omentum, project, as_published):
    as_published(project)
    assert omentum("-C", project, "predict", "--keep", "none").code == 0
    assert list(project.rglob("probabilities.zarr.zip"))
    ran = omentum("-C", project, "score")
    assert "probabilities: dropped for 2 scored cases" in ran.err
    assert not list(project.rglob("probabilities.zarr.zip"))
    assert omentum("-C", project, "predict").err.endswith("predicted 0 cases, 2 before\n")
