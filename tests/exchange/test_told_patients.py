"""What `add` and `status --patients` tell of patients, through the command line."""

import json

import pytest

from omentum.project.patients import similar_names

STUDY, FRAME = "1.2.826.0.1.3680043.8.498.10", "1.2.826.0.1.3680043.8.498.11"


@pytest.fixture
def add(omentum, home, tmp_path, write_series):
    """Adds one series a case, whose headers are given; gives what was told of each, and of all patients."""

    def run(**series):
        nobody = {"PatientID": "", "PatientBirthDate": "", "PatientSex": ""}
        for number, (name, header) in enumerate(series.items()):
            write_series(tmp_path / "data" / name / "ct", SeriesNumber=number, **{**nobody, **header})
        project = tmp_path / "atlas"
        assert omentum("init", project, "--network", "tiny").code == 0
        added = omentum("-C", project, "add", tmp_path / "data", "--accept-values", "--json")
        assert added.code == 0, added.err
        told = json.loads(omentum("-C", project, "status", "--patients", "--json").out)["patient_list"]
        return {one["case"]: one for one in json.loads(added.out)["added"]}, told

    return run


def groups(told):
    return [one["cases"] for one in told["patients"]]


@pytest.mark.parametrize("name", ["", "0", "000", "ANON", "Anonymous", "UNKNOWN"])
def test_a_placeholder_joins_nothing_and_one_study_or_frame_does(add, name):
    of_name = {"PatientID": name}
    rows, told = add(
        a=of_name,
        b=of_name,
        c={**of_name, "StudyInstanceUID": STUDY},
        d={**of_name, "StudyInstanceUID": STUDY, "FrameOfReferenceUID": FRAME},
        e={**of_name, "FrameOfReferenceUID": FRAME},
    )
    assert groups(told) == [["c", "d", "e"]]
    assert [one["why"] for one in told["patients"][0]["joined"]] == [
        "the same study",
        "the same frame of reference",
    ]
    assert [link["other"] for link in rows["e"]["patient_links"]] == ["d"]
    assert (told["apart"], told["contradictions"], told["perhaps"]) == ([], [], [])


def test_one_patient_id_of_a_woman_and_a_man_is_told(add, omentum, tmp_path):
    rows, told = add(
        a={"PatientID": "P7", "PatientSex": "F", "PatientBirthDate": "19600101"},
        b={"PatientID": "P7", "PatientSex": "M"},
        c={"PatientID": "P7", "PatientSex": "F", "PatientBirthDate": "19600201"},
    )
    assert groups(told) == [["a", "c"]]
    assert [(one["case"], one["other"], one["why"]) for one in told["apart"]] == [
        ("b", "a", "the sex is another")
    ]
    assert [(one["case"], one["why"]) for one in told["contradictions"]] == [
        ("c", "the date of birth is another")
    ]
    assert rows["b"]["patient_links"][0]["kind"] == "split"
    said = omentum("-C", tmp_path / "atlas", "status", "--patients").out
    assert "b: its source names the same patient as a, but the sex is another" in said
    assert "c: it counts for the patient of a, but the date of birth is another" in said


def test_names_that_differ_in_the_scan_alone_are_perhaps_one_patient_and_stay_several(add):
    rows, told = add(case_01_a={}, case_01_b={}, case_02={})
    assert told["perhaps"] == [{"cases": ["case_01_a", "case_01_b"], "on_both_sides": False}]
    assert rows["case_01_b"]["perhaps_patient_of"] == ["case_01_a"]
    assert "perhaps_patient_of" not in rows["case_02"]
    assert groups(told) == []


@pytest.mark.parametrize(
    "names",
    [
        ("case_01_a", "case_01_b"),
        ("liver_12_pre", "liver_12_post"),
        ("P003_arterial", "P003_portal-venous", "P003"),
        ("case_012_1", "case_012_2"),
        ("s12_t0", "s12_t1"),
        ("12-scan1", "12-scan2"),
    ],
)
def test_scans_of_one_number_have_similar_names(names):
    assert similar_names(names) == [tuple(sorted(names))]


@pytest.mark.parametrize(
    "names",
    [
        ("liver_1", "liver_2"),
        ("04_LiTS_liver_1", "04_LiTS_liver_2"),
        ("BDMAP_00000001", "BDMAP_00000002"),
        ("2019_0001", "2019_0002"),
        ("subject_a", "subject_b"),
        tuple(f"site_3_{k}" for k in range(1, 16)),
    ],
)
def test_numbered_patients_have_not(names):
    assert similar_names(names) == []


def test_a_pattern_of_patients_that_fits_no_file_is_an_error(omentum, home, tmp_path, write_volume):
    for seed, name in enumerate(("p1_x", "p1_y", "p2_x")):
        write_volume(tmp_path / "data" / name / "ct.nii.gz", seed=seed)
    ours = tmp_path / "ours.yaml"
    text = "name: ours\nlayouts: [{{ct: '{{case}}/ct'}}]\npatients: {{from: '{}', name: 'ours-\\1'}}\n"
    project = tmp_path / "atlas"
    assert omentum("init", project, "--network", "tiny").code == 0
    ours.write_text(text.format(r"q(\d+)_.*"))
    refused = omentum("-C", project, "add", tmp_path / "data", "--dataset", ours)
    assert refused.code != 0
    assert "fits the name of none of the 3 CTs, such as 'p1_x'" in " ".join(refused.err.split())
    ours.write_text(text.format(r"p(\d+)_.*"))
    assert omentum("-C", project, "add", tmp_path / "data", "--dataset", ours, "--accept-values").code == 0
    told = json.loads(omentum("-C", project, "status", "--patients", "--json").out)["patient_list"]
    assert groups(told) == [["ours_p1_x", "ours_p1_y"]]


def test_a_pattern_of_patients_joins_beside_patient_ids_of_headers(omentum, home, tmp_path, write_series):
    """As where each scan was given a PatientID of its own."""
    for number, name in enumerate(("p12_a", "p12_b", "p13_a")):
        write_series(tmp_path / "data" / name, SeriesNumber=number, PatientID=name)
    described = tmp_path / "ours.yaml"
    described.write_text(
        "name: ours\nvalues: {liver: 1}\nlayouts: [{ct: '{case}'}]\n"
        "patients: {from: 'p(\\d+)_.*', name: 'ours-\\1'}\n"
    )
    project = tmp_path / "atlas"
    assert omentum("init", project, "--network", "tiny").code == 0
    flags = ("--dataset", described, "--accept-values")
    assert omentum("-C", project, "add", tmp_path / "data", *flags).code == 0
    told = json.loads(omentum("-C", project, "status", "--patients", "--json").out)["patient_list"]
    assert groups(told) == [["ours_p12_a", "ours_p12_b"]]
