import pytest

from omentum.errors import ConfigError
from omentum.exchange.batch import add_found
from omentum.exchange.importers.datalist import datalist, read_datalist, write_datalist
from omentum.exchange.importers.labels import NAMED


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_cases_are_listed_sorted_and_hidden_files_left_out(tmp_path):
    touch(tmp_path, "04_LiTS/img/liver_2.nii.gz", "04_LiTS/img/liver_10.nii.gz", "04_LiTS/img/.x.nii.gz")
    touch(tmp_path, "04_LiTS/img/._liver_2.nii.gz", "04_LiTS/img/readme.txt")
    assert datalist(tmp_path, "04_LiTS") == ["04_LiTS/img/liver_10.nii.gz", "04_LiTS/img/liver_2.nii.gz"]


def test_a_list_has_the_lines_of_the_published_ones(shared, tmp_path):
    import json

    for run in json.loads((shared / "reference/attention/expected.json").read_text()).values():
        lines = run.get("datalist", []) if isinstance(run, dict) else []
        touch(tmp_path, *lines)
        for folder in {line.rpartition("/")[0] for line in lines}:
            data_set, _, images = folder.rpartition("/")
            assert datalist(tmp_path, data_set, images) == sorted(
                line for line in lines if line.startswith(folder)
            )


def test_labels_follow_after_a_tab_and_are_paired_by_number(tmp_path):
    touch(tmp_path, "01/img/img0001.nii.gz", "01/img/img0002.nii.gz", "01/label/label0002.nii.gz")
    assert datalist(tmp_path, "01", "img", "label") == [
        "01/img/img0001.nii.gz",
        "01/img/img0002.nii.gz\t01/label/label0002.nii.gz",
    ]


def test_labels_of_the_same_name_are_paired_whatever_their_numbers(tmp_path):
    for name in ("a1", "b1", "FLARE22_Tr_0001"):
        touch(tmp_path, f"x/img/{name}_0000.nii.gz", f"x/label/{name}.nii.gz")
    assert all("\t" in line for line in datalist(tmp_path, "x", "img", "label"))


def test_numbers_that_two_files_have_are_refused(tmp_path):
    touch(tmp_path, "x/img/a1.nii.gz", "x/img/b1.nii.gz", "x/label/label1.nii.gz")
    with pytest.raises(ConfigError, match=r"a1\.nii\.gz and b1\.nii\.gz have the same number"):
        datalist(tmp_path, "x", "img", "label")


def test_folders_that_are_not_there_are_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no folder"):
        datalist(tmp_path, "x")
    (tmp_path / "x" / "img").mkdir(parents=True)
    with pytest.raises(ConfigError, match="no volume"):
        datalist(tmp_path, "x")


def test_a_list_is_read_back_with_what_its_labels_mean(atlas, tmp_path, write_volume):
    root = tmp_path / "data"
    write_volume(root / "04_LiTS/img/liver_3.nii.gz")
    write_volume(root / "04_LiTS/label/liver_3.nii.gz", values=[1, 2])
    write_volume(root / "04_LiTS/img/liver_4.nii.gz")
    path = tmp_path / "list.txt"
    write_datalist(path, [*datalist(root, "04_LiTS", "img", "label"), "04_LiTS/img/liver_9.nii.gz"])
    batch = add_found(atlas.workspace, read_datalist(path, root))
    assert batch.done == ("04_LiTS_liver_3", "04_LiTS_liver_4")
    assert "not in" in batch.failed[0].reason
    three, four = atlas.workspace.store.cases.all()
    assert (three.original_organs, four.original_organs) == (("liver", "liver_tumor"), ())


def test_a_label_of_which_nobody_says_what_it_means_is_left_out(tmp_path, write_volume):
    write_volume(tmp_path / "ours/img/a1.nii.gz")
    write_volume(tmp_path / "ours/label/a1.nii.gz", values=[1])
    write_datalist(tmp_path / "list.txt", datalist(tmp_path, "ours", "img", "label"))
    looked = read_datalist(tmp_path / "list.txt", tmp_path)
    assert looked.sources[0].label is None
    assert "--label-ids" in looked.left_out[0].reason
    assert read_datalist(tmp_path / "list.txt", tmp_path, ids="liver").sources[0].label.scheme.organs == (
        "liver",
    )


@pytest.mark.parametrize("line", ["/etc/x.nii.gz", "../x.nii.gz", "a/x.nii.gz\t../../y.nii.gz"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path, line):
    write_datalist(tmp_path / "list.txt", [line])
    with pytest.raises(ConfigError, match="below it"):
        read_datalist(tmp_path / "list.txt", tmp_path)


def test_the_commands_write_and_read_a_list(omentum, tmp_path, write_volume):
    write_volume(tmp_path / "04_LiTS/img/liver_3.nii.gz")
    write_volume(tmp_path / "04_LiTS/label/liver_3.nii.gz", values=[1])
    out = tmp_path / "lits.txt"
    assert omentum("datalist", tmp_path, "04_LiTS", "--folder", "img", "label", "-o", out).code == 0
    assert out.read_text() == "04_LiTS/img/liver_3.nii.gz\t04_LiTS/label/liver_3.nii.gz\n"
    assert omentum("init", tmp_path / "p", "--network", "starter").code == 0
    ran = omentum("-C", tmp_path / "p", "add", "--datalist", out, "--data-root", tmp_path, "--json")
    assert (ran.code, '"case": "04_LiTS_liver_3"' in ran.out) == (0, True)


def test_a_label_of_no_known_data_set_is_taken_by_the_names_beside_it(tmp_path, write_volume):
    write_volume(tmp_path / "ours/img/a.nii.gz")
    write_volume(tmp_path / "ours/label/a.nii.gz", values=[1])
    (tmp_path / "list.txt").write_text("ours/img/a.nii.gz\tours/label/a.nii.gz\n")
    assert read_datalist(tmp_path / "list.txt", tmp_path).sources[0].label is None
    (tmp_path / "ours/label/a.label").write_text('1 0 0 0 1 1 1 "Spleen"')
    found = read_datalist(tmp_path / "list.txt", tmp_path)
    assert (found.left_out, found.sources[0].label.ids) == ((), NAMED)
