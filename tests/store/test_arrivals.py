"""What was seen of a case when it came in is kept."""

from dataclasses import replace
from datetime import UTC, datetime

from omentum.records import WHOLE_CT, Arrival, MaskFinding

FULL = Arrival(
    case_id="a",
    ct_sha256="ab" * 32,
    voxels="cd" * 16,
    thumbnail="00ff",
    same_voxels_as="b",
    likely_patient_of="c",
    patient_in_source="anna",
    patients_conflict=True,
    findings=(MaskFinding(organ=WHOLE_CT, rule="hounsfield", said="not in HU", severity=0.9),),
    time=datetime(2026, 11, 23, 12, tzinfo=UTC),
)


def test_an_arrival_comes_out_as_it_went_in(each_store):
    older = Arrival(case_id="b")
    for arrival in (older, FULL):
        each_store.arrivals.keep(arrival)
    assert each_store.arrivals.all() == {"a": FULL, "b": older}
    assert each_store.arrivals.of_case("a") == FULL
    assert each_store.arrivals.of_case("c") is None


def test_what_was_seen_last_counts(busy_store):
    busy_store.arrivals.keep(replace(FULL, ct_sha256="old"))
    busy_store.arrivals.keep(FULL)
    busy_store.arrivals.keep(Arrival(case_id="b"))
    assert busy_store.arrivals.of_case("a") == FULL
