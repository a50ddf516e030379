"""Records become values of rows and come back equal."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from omentum.records import Audit, MaskFinding, MaskSource, OrganScore, Prediction
from omentum.records.promotions import GateOutcome, OrganGain
from omentum.store.convert import json_value, record_of, row_values
from omentum.store.paths import Paths
from omentum.store.tables import AuditRow, OrganScoreRow, PredictionRow

PATHS = Paths(Path("/data/atlas"))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_numbers_of_numpy_become_those_of_python():
    score = OrganScore(
        organ="liver", attention_voxels=np.int64(3), attention_ml=np.float32(0.5), priority=1.0,
        spots_ml=(np.float32(0.25),),
    )  # fmt: skip
    values = row_values(score, OrganScoreRow, PATHS)
    assert type(values["attention_voxels"]) is int
    assert type(values["attention_ml"]) is float
    assert values["spots_ml"] == [0.25]
    assert record_of(OrganScore, OrganScoreRow(**values), PATHS) == score


def test_what_is_inside_a_record_comes_back_as_it_was():
    frame = {"b": ("liver", "spleen"), "a": ("liver",)}
    audit = Audit(
        round_number=1, network="n", weights_sha256="5", seed=7, frame=frame, n_cases_drawn=1,
        drawn=(("b", "spleen"),), time=NOON,
    )  # fmt: skip
    kept = record_of(Audit, AuditRow(**row_values(audit, AuditRow, PATHS)), PATHS)
    assert kept == audit
    assert list(kept.frame) == ["a", "b"]


def test_findings_come_back_and_what_the_row_does_not_have_is_given():
    finding = MaskFinding(organ="liver", rule="pieces", said="in 2 pieces", severity=0.5)
    made = Prediction(
        case_id="a", network="n", weights_sha256="5", folder=Path("x"), organs=("liver",), findings=(finding,)
    )
    values = row_values(made, PredictionRow, PATHS)
    assert "folder" not in values
    assert record_of(Prediction, PredictionRow(**values), PATHS, folder=Path("x")) == made


def test_json_holds_paths_below_the_root_and_enumerations_by_value():
    gain = OrganGain(organ="liver", differences=(0.5,), mean=0.5, bound=None, outcome=GateOutcome.PROMOTED)
    assert json_value({"gain": gain, "at": Path("/data/atlas/a"), "from": MaskSource.REVISED}, PATHS) == {
        "gain": {"organ": "liver", "differences": [0.5], "mean": 0.5, "bound": None, "outcome": "promoted",
                 "is_revised": True},
        "at": "a",
        "from": "revised",
    }  # fmt: skip
