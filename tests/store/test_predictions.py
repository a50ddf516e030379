"""What networks made of cases is kept with the hashes of its masks."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.errors import UnknownCaseError
from omentum.records import MaskFinding, Prediction

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FINDING = MaskFinding(
    organ="liver", rule="side", said="on the left", severity=1.0, holds=True, mask_sha256="11"
)


@pytest.fixture
def prediction_of(tmp_path):
    def make(case_id="a", network="starter", **changes):
        plain = {
            "case_id": case_id,
            "network": network,
            "weights_sha256": "5" * 64,
            "folder": tmp_path / "cases" / case_id / "networks" / network,
            "organs": ("liver", "spleen"),
            "masks_sha256": "ab" * 32,
            "time": NOON,
        }
        return Prediction(**{**plain, **changes})

    return make


def test_a_prediction_comes_out_as_it_went_in_with_the_hash_of_each_organ(each_store, prediction_of):
    full = prediction_of(
        made_with={"overlap": 0.5, "organs": ["liver"], "postprocessing": None},
        origin="/other/masks",
        source_stamp="12-34",
        unusable={"spleen": "its grid is another"},
        findings=(FINDING,),
    )
    each_store.predictions.keep(full, {"liver": "11", "spleen": "22"})
    each_store.predictions.keep(prediction_of("b", masks_sha256=None), {})
    assert each_store.predictions.of_network("starter") == {
        "a": full,
        "b": prediction_of("b", masks_sha256=None),
    }
    assert each_store.predictions.organ_hashes("starter") == {"a": {"liver": "11", "spleen": "22"}, "b": {}}


def test_what_a_network_made_last_takes_the_place_of_what_it_made_before(busy_store, prediction_of):
    busy_store.predictions.keep(prediction_of(findings=(FINDING,)), {"liver": "11"})
    again = prediction_of(weights_sha256="6" * 64, organs=("liver",))
    busy_store.predictions.keep(again, {"liver": "33"})
    assert busy_store.predictions.of_case("a") == {"starter": again}
    assert busy_store.predictions.organ_hashes("starter") == {"a": {"liver": "33"}}


def test_networks_do_not_see_each_other(busy_store, prediction_of):
    for case_id, network in (("b", "starter"), ("a", "starter"), ("a", "second")):
        busy_store.predictions.keep(prediction_of(case_id, network), {"liver": network})
    assert list(busy_store.predictions.of_network("starter")) == ["a", "b"]
    assert list(busy_store.predictions.of_case("a")) == ["second", "starter"]
    busy_store.predictions.forget("a", "starter")
    assert busy_store.predictions.networks_by_case() == {"a": ("second",), "b": ("starter",)}
    assert busy_store.predictions.organ_hashes("second") == {"a": {"liver": "second"}}


def test_hashes_that_an_older_version_did_not_keep_are_filled_in(busy_store, prediction_of):
    older = prediction_of(masks_sha256=None)
    busy_store.predictions.keep(older, {})
    busy_store.predictions.keep_hashes("a", "starter", "cd" * 32, {"liver": "44"})
    assert busy_store.predictions.of_case("a") == {"starter": replace(older, masks_sha256="cd" * 32)}
    assert busy_store.predictions.organ_hashes("starter") == {"a": {"liver": "44"}}


def test_one_without_a_time_is_of_now_and_one_of_no_case_is_refused(busy_store, prediction_of):
    before = datetime.now(UTC)
    busy_store.predictions.keep(prediction_of(time=None), {})
    assert before <= busy_store.predictions.of_case("a")["starter"].time <= datetime.now(UTC)
    with pytest.raises(UnknownCaseError, match="'z'"):
        busy_store.predictions.keep(prediction_of("z"), {})
