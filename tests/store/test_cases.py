"""Cases go in and come out as they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omentum.errors import CaseClashError, ProjectError, UnknownCaseError
from omentum.records import Case
from omentum.store.store import Store
from omentum.volumes.geometry import Geometry

URL = "sqlite:///omentum.db"


def everything(case):
    values = {name: getattr(case, name) for name in Case.__slots__ if name != "geometry"}
    return {**values, "shape": case.geometry.shape, "affine": case.geometry.affine.tobytes()}


def test_a_case_comes_out_as_it_went_in(store, case_of, tmp_path):
    full = case_of(
        original_label_path=tmp_path / "cases/a/original_label.nii.gz",
        original_organs=("liver", "spleen"),
        held_out=True,
        data_set="BTCV",
        licence="CC BY 4.0",
        excluded_why="its table covers the liver",
    )
    assert store.cases.add(full)
    assert store.cases.add(case_of("b"))
    assert everything(store.cases.get("a")) == everything(full)
    assert everything(store.cases.get("b")) == everything(case_of("b"))


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6))
def test_an_affine_comes_out_to_the_last_bit(numbers, tmp_path_factory):
    root = tmp_path_factory.mktemp("project")
    affine = np.eye(4)
    affine[0, 1], affine[0, 2], affine[1, 2] = numbers[:3]
    affine[:3, 3] = numbers[3:]
    case = Case(
        case_id="a",
        patient_id="p",
        ct_path=root / "ct.nii.gz",
        geometry=Geometry((8, 9, 10), affine),
        source="s",
    )
    with Store.open(URL, root) as store:
        store.cases.add(case)
        assert everything(store.cases.get("a")) == everything(case)


def test_cases_are_listed_by_name(store, case_of):
    for case_id in ("b", "B", "a10", "a9", "a"):
        store.cases.add(case_of(case_id))
    assert [case.case_id for case in store.cases.all()] == ["B", "a", "a10", "a9", "b"]


def test_a_project_without_cases_lists_none(store):
    assert store.cases.all() == []
    assert store.cases.add_all([]) == ()


def test_the_same_case_again_changes_nothing_and_says_so(store, case_of):
    assert store.cases.add(case_of("a"))
    assert not store.cases.add(case_of("a", patient_id="somebody-else"))
    assert store.cases.get("a").patient_id == "patient-of-a"


def test_the_same_name_from_elsewhere_is_refused_with_both_sources(store, case_of):
    store.cases.add(case_of("a"))
    with pytest.raises(CaseClashError) as caught:
        store.cases.add(case_of("a", source="/other/a.nii.gz"))
    assert "/other/a.nii.gz" in str(caught.value)
    assert "/scans/a.nii.gz" in str(caught.value)


def test_many_cases_say_which_were_new(store, case_of):
    store.cases.add(case_of("b"))
    assert store.cases.add_all(case_of(case_id) for case_id in "cbac") == ("c", "a")
    assert [case.case_id for case in store.cases.all()] == ["a", "b", "c"]


def test_many_cases_are_all_refused_where_two_of_them_clash(store, case_of):
    with pytest.raises(CaseClashError):
        store.cases.add_all([case_of("a"), case_of("b"), case_of("a", source="/other/a.nii.gz")])
    assert store.cases.all() == []


def test_more_cases_than_one_question_can_name_are_added_once(store, case_of):
    many = [case_of(f"case-{number:05}") for number in range(1203)]
    assert len(store.cases.add_all(many)) == 1203
    assert store.cases.add_all(many) == ()
    assert [case.case_id for case in store.cases.all()] == [case.case_id for case in many]


def test_an_unknown_case_is_refused(store):
    with pytest.raises(UnknownCaseError, match="'a'"):
        store.cases.get("a")


def test_a_patient_is_held_out_with_all_cases_and_given_back(store, case_of):
    store.cases.add_all(
        [case_of("a1", patient_id="anna"), case_of("a2", patient_id="anna"), case_of("b1", patient_id="ben")]
    )
    store.cases.hold_out(["anna"])
    assert [case.case_id for case in store.cases.all() if case.held_out] == ["a1", "a2"]
    store.cases.hold_out(["anna"], held_out=False)
    assert not any(case.held_out for case in store.cases.all())


def test_an_unknown_patient_holds_out_nobody(store, case_of):
    store.cases.add(case_of("a", patient_id="anna"))
    with pytest.raises(ProjectError, match="'bert'"):
        store.cases.hold_out(["anna", "bert"])
    assert not store.cases.get("a").held_out


def test_an_excluded_case_takes_no_part_until_it_is_included(store, case_of):
    store.cases.add_all([case_of("a"), case_of("b"), case_of("c")])
    store.cases.exclude("b", "upside down")
    store.cases.exclude("c", "")
    assert [case.case_id for case in store.cases.all()] == ["a"]
    assert [case.case_id for case in store.cases.every()] == ["a", "b", "c"]
    assert store.cases.excluded() == {"b": "upside down", "c": ""}
    assert not store.cases.add(case_of("b")), "it is known all the same"
    store.cases.include("b")
    assert [case.case_id for case in store.cases.all()] == ["a", "b"]


def test_what_is_known_of_a_case_changes_for_it_alone(store, case_of):
    store.cases.add_all([case_of("a"), case_of("b")])
    store.cases.move_source("a", "/moved/a.nii.gz")
    assert store.cases.get("a").source == "/moved/a.nii.gz"
    assert everything(store.cases.get("b")) == everything(case_of("b"))
    for change in (store.cases.exclude, store.cases.move_source):
        with pytest.raises(UnknownCaseError, match="'z'"):
            change("z", "why")
