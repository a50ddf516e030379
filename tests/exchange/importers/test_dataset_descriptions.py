import json
from pathlib import Path

import pytest

from omentum.errors import ConfigError
from omentum.exchange.importers.dataset_descriptions import (
    DatasetLayout,
    data_set_named,
    known_data_sets,
    read_data_set,
)
from omentum.volumes.labels import PAIRS, organ


@pytest.fixture(scope="session")
def table(shared):
    return {
        row["key"]: row
        for row in json.loads((shared / "reference/tables/datasets.json").read_text())["datasets"]
    }


@pytest.mark.parametrize("data_set", known_data_sets(), ids=lambda one: one.name)
def test_ids_are_those_of_the_published_table(table, data_set):
    row = table.get(data_set.key)
    if row is None or row["own_id_to_class"] is None:
        pytest.skip("the table does not map it")
    joined = {PAIRS[pair][0]: values for pair, values in data_set.scheme.joined.items()}
    ours = {
        value: organ(name).index
        for name, values in {**data_set.scheme.values, **joined}.items()
        for value in values
    }
    theirs = {int(own): index for own, index in row["own_id_to_class"].items() if index}
    assert ours == theirs
    dropped = {int(own) for own, index in row["own_id_to_class"].items() if not index}
    assert dropped <= data_set.scheme.others
    assert not dropped & set(ours)


@pytest.mark.parametrize("data_set", known_data_sets(), ids=lambda one: one.name)
def test_pairs_that_are_joined_are_those_of_the_published_table(table, data_set):
    row = table.get(data_set.key)
    if row is None:
        pytest.skip("the table does not have it")
    split = {organ(right).name for right, _ in row["right_left_split"]}
    ours = {PAIRS[pair][0] for pair in data_set.scheme.joined}
    assert ours == split - ({"kidney_right"} if data_set.key == "02" else set())  # its id 2 is never there


def test_every_data_set_of_the_published_assembly_is_described(table):
    mapped = {key for key, row in table.items() if row["own_id_to_class"] is not None}
    assert mapped <= {one.key for one in known_data_sets()}


def test_names_of_data_sets_are_their_own():
    names = [name for one in known_data_sets() for name in one.folder_names]
    assert len(set(names)) == len(names)


def test_lobes_are_lungs_and_whole_femurs_are_left_out():
    meaning = data_set_named("totalsegmentator").scheme
    assert meaning.values["lung_right"] == (12, 13, 14)
    assert {75, 76} <= meaning.others
    assert not {"femur_left", "femur_right"} & set(meaning.organs)


def test_a_data_set_is_found_by_name_key_or_file(tmp_path):
    assert data_set_named("18").name == "18_FLARE"
    assert data_set_named("Task10_colon").scheme.values == {"colon_tumor": (1,)}
    path = tmp_path / "ours.yaml"
    path.write_text(
        "name: ours\nlayouts: [{ct: 'scans/{case}', label: 'truth/{case}'}]\nvalues: {lung: 7, liver: [1, 2]}"
    )
    ours = data_set_named(str(path))
    assert ours.scheme.joined == {"lung": (7,)}
    assert ours.scheme.organs == ("liver", "lung_right", "lung_left")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("values: {liver: 1}", "must hold `name`"),
        ("name: a\ncolour: red", "must hold `name`"),
        ("name: a\nvalues: {livr: 1}", "livr"),
        ("name: a\nvalues: {liver: 300}", "300"),
        ("name: a\nvalues: {liver: one}", "'one'"),
        ("name: a\nlayouts: [{label: x}]", "ct"),
        ("{", "no YAML"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_refused(tmp_path, text, seen):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=seen):
        read_data_set(path)


def test_a_name_that_is_none_is_refused_with_those_there_are():
    with pytest.raises(ConfigError, match="04_LiTS"):
        data_set_named("lots")
    with pytest.raises(ConfigError, match="cannot be read"):
        data_set_named("none.yaml")


def test_a_case_has_one_name_in_a_layout():
    layout = DatasetLayout(ct="{case}/ct_{case}", label="{case}/seg")
    assert layout.match("data/a/ct_a") == ("data/", "a")
    assert layout.match("data/a/ct_b") is None
    assert DatasetLayout(ct="volume-{case}", label=None).match("x/volume-3") == ("x/", "3")


def test_mr_scans_and_patients_are_known_by_their_names():
    amos = data_set_named("amos")
    assert amos.why_left_out("amos_0507")
    assert amos.why_left_out("amos_0410") is None
    lits = data_set_named("lits").source_of(Path("volume-007.nii"))
    decathlon = data_set_named("10_03").source_of(Path("liver_7.nii.gz"))
    assert lits.patient == decathlon.patient == "lits-7"
