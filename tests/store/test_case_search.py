"""Cases are found by patterns of their names, page by page."""

from dataclasses import replace

import numpy as np
import pytest

from omentum.records import Case
from omentum.store.case_search import CaseQuery
from omentum.volumes.geometry import Geometry


@pytest.fixture
def cases(store, tmp_path):
    grid = Geometry((3, 3, 3), np.eye(4))
    made = Case(case_id="", patient_id="", ct_path=tmp_path / "ct.nii.gz", geometry=grid, source="")
    for case_id, patient_id in [("a_1", "p1"), ("a%1", "p1"), ("ab1", "P2"), ("b", "p_2")]:
        store.cases.add(replace(made, case_id=case_id, patient_id=patient_id, source=case_id))
    return store


def names(store, **query):
    return {one.case_id for one in store.case_search.page(CaseQuery(**query), limit=10)}


def test_stars_and_question_marks_are_the_only_wildcards(cases):
    assert names(cases, case_like=("a?1",)) == {"a_1", "a%1", "ab1"}
    assert names(cases, case_like=("a_*",)) == {"a_1"}
    assert names(cases, case_like=("a%*",)) == {"a%1"}
    assert names(cases, case_like=("a_1",), patient_like=("p1",)) == {"a_1"}
    assert names(cases, patient_like=("p*2",)) == {"ab1", "b"}
    assert names(cases, patient_like=("p2",)) == set()
    assert names(cases, case_ids=("b", "c")) == {"b"}
    assert names(cases, has_masks=True) == set()


def test_pages_follow_each_other_and_excluded_cases_are_in_none(cases):
    cases.cases.exclude("b", "motion")
    pages = [cases.case_search.page(limit=2, offset=at) for at in (0, 2, 4)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert {one.case_id for page in pages for one in page} == {"a_1", "a%1", "ab1"}
    assert cases.case_search.count() == 3
