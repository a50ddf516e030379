import json

import pytest

from omentum.errors import ConfigError
from omentum.volumes.label_schemes import LabelScheme, label_scheme, scheme_of_names
from omentum.volumes.labels import ORGANS, SUBSETS, organ, subset_ids


def of_labels(folder, labels) -> LabelScheme:
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    return label_scheme("dataset.json", folder)


@pytest.mark.parametrize("name", sorted(SUBSETS))
def test_a_subset_of_ours_means_what_it_means_everywhere(tmp_path, name):
    ids = label_scheme(name, tmp_path)
    assert {value: organ_name for organ_name, (value,) in ids.values.items()} == subset_ids(name)
    assert ids.known_values == {0, *subset_ids(name)}


def test_totalsegmentators_values_are_those_of_its_own_list(shared, tmp_path):
    listed = json.loads((shared / "data" / "label_maps" / "labels_117.json").read_text())
    ids = label_scheme("totalsegmentator", tmp_path)
    assert ids.known_values == {int(value) for value in listed}
    for name in ids.values:
        assert [listed[str(value)] for value in ids.values[name]] == list(ids.files[name])


def test_whole_femurs_are_no_heads_of_femurs_and_both_cysts_are_one_organ(tmp_path):
    ids = label_scheme("totalsegmentator", tmp_path)
    assert not {"femur_left", "femur_right"} & ids.values.keys()
    assert {75, 76} <= ids.others
    assert ids.values["kidney_cyst"] == (23, 24)
    assert {organ(name).name for name in ids.values} == set(ids.values)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("right kidney", "kidney_right"),
        ("Kidney_L", "kidney_left"),
        ("gallbladder", "gall_bladder"),
        ("gall bladder", "gall_bladder"),
        ("IVC", "postcava"),
        ("inferior_vena_cava", "postcava"),
        ("small_bowel", "intestine"),
        ("urinary bladder", "bladder"),
        ("RAG", "adrenal_gland_right"),
        ("Head_of_femur_R", "femur_right"),
        ("liver tumour", "liver_tumor"),
        ("celiac_truck", "celiac_trunk"),
        ("portal vein and splenic vein", "portal_vein_and_splenic_vein"),
    ],
)
def test_names_of_other_data_sets_are_known(tmp_path, label, name):
    ids = of_labels(tmp_path, {"background": 0, label: 7})
    assert ids.values == {name: (7,)}
    assert ids.files == {name: (label,)}


def test_all_our_names_are_known_but_those_of_whole_bones(tmp_path):
    ids = of_labels(tmp_path, {row.name: row.index for row in ORGANS})
    assert ids.values.keys() == {row.name for row in ORGANS} - {"femur_left", "femur_right"}
    assert ids.others == {organ("femur_left").index, organ("femur_right").index}


def test_regions_first_versions_and_lobes_are_unions(tmp_path):
    regions = of_labels(
        tmp_path, {"background": 0, "liver": [1, 2], "liver_tumor": 2, "kidney": 3, "ignore": 4}
    )
    assert regions.values == {"liver": (1, 2), "liver_tumor": (2,)}
    assert regions.joined == {"kidney": (3,)}
    assert not regions.others
    assert of_labels(tmp_path, {"0": "background", "6": "spleen"}).values == {"spleen": (6,)}
    lobes = {"lung_upper_lobe_left": 1, "lung_lower_lobe_left": 2, "lung_upper_lobe_right": 3}
    assert of_labels(tmp_path, lobes).values == {"lung_left": (1, 2)}


def test_what_is_no_numbering_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"totalsegmentator, dataset\.json"):
        label_scheme("amos", tmp_path)
    with pytest.raises(ConfigError, match=r"there is no .*copy nnU-Net's"):
        label_scheme("dataset.json", tmp_path)
    with pytest.raises(ConfigError, match="none of our organs"):
        of_labels(tmp_path, {"background": 0, "brain": 1})


@pytest.mark.parametrize("labels", [None, ["liver"], {"liver": 300}, {"liver": "one"}, {"liver": [1, None]}])
def test_tables_that_are_none_are_refused(tmp_path, labels):
    with pytest.raises(ConfigError, match=r"dataset\.json.*whole numbers from 0 to 255"):
        of_labels(tmp_path, labels)


def test_names_that_occur_twice_in_a_table_are_joined(tmp_path):
    (tmp_path / "dataset.json").write_text('{"labels": {"liver": 1, "liver": 2, "Spleen": 3, "SPLEEN": 4}}')
    assert label_scheme("dataset.json", tmp_path).values == {"spleen": (3, 4), "liver": (1, 2)}
    assert of_labels(tmp_path, {"1": "liver", "2": "liver"}).values == {"liver": (1, 2)}
    with pytest.raises(ConfigError, match="whole numbers"):
        of_labels(tmp_path, {"liver": True})


def test_a_name_of_no_organ_is_kept_for_people_also_where_its_values_are_part_of_one():
    scheme = scheme_of_names("x", {"kidneys": (1, 2), "masses": (2,), "bone": (3,), "Ignore": (9,)})
    assert scheme.joined == {"kidney": (1, 2)}
    assert scheme.unknown == {2: "masses", 3: "bone"}
    assert (scheme.others, scheme.ignore) == ({3}, {9})
    assert 9 not in scheme.known_values, "a prediction has no region to be ignored"


def test_whole_femurs_are_no_pair_of_heads():
    assert scheme_of_names("x", {"femurs": (1,), "liver": (2,)}).joined == {}
