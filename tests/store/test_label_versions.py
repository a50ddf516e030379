"""Every version of an original label is kept, and the last one is the case's."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.errors import UnknownCaseError
from omentum.records import LabelVersion, MaskFinding

FINDING = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0, mask_sha256="11")


@pytest.fixture
def version_of(tmp_path):
    def make(name="original_label", **changes):
        plain = {
            "case_id": "a",
            "path": tmp_path / "cases/a" / f"{name}.nii.gz",
            "sha256": "ab" * 32,
            "organs": ("spleen", "liver"),
            "source": "/labels/a.nii.gz",
            "source_stamp": "12-34",
            "source_sha256": "cd" * 32,
            "notes": ("label 3 is left out",),
            "findings": (FINDING,),
            "time": datetime(2026, 11, 23, 12, tzinfo=UTC),
        }
        return LabelVersion(**{**plain, **changes})

    return make


def test_the_last_version_is_the_label_of_the_case_and_all_are_kept(each_store, version_of):
    first, second = version_of(), version_of("label-2", organs=("liver",), findings=(), sha256=None)
    for version in (first, second):
        each_store.labels.add(version)
    kept = each_store.labels.of_case("a")
    assert [replace(one, number=None) for one in kept] == [first, second]
    assert each_store.labels.current() == {"a": kept[1]}
    case = each_store.cases.get("a")
    assert (case.original_label_path, case.original_organs) == (second.path, ("liver",))
    assert each_store.labels.of_case("b") == []


def test_a_hash_and_a_stamp_are_kept_of_one_version_alone(busy_store, version_of):
    for version in (version_of(), version_of("label-2", sha256=None)):
        busy_store.labels.add(version)
    first, second = busy_store.labels.of_case("a")
    busy_store.labels.keep_hash(second.number, "ef" * 32)
    busy_store.labels.keep_stamp(second.number, "56-78")
    assert busy_store.labels.of_case("a") == [first, replace(second, sha256="ef" * 32, source_stamp="56-78")]


def test_a_label_of_no_case_is_refused(busy_store, version_of):
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.labels.add(version_of(case_id="z"))
    assert busy_store.labels.current() == {}


def test_inside_a_transaction_a_new_version_is_there_at_once(busy_store, version_of):
    with busy_store.together():
        assert busy_store.labels.of_case("a") == []
        busy_store.labels.add(version_of())
        assert len(busy_store.labels.of_case("a")) == 1
