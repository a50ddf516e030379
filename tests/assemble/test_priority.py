from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omentum.assemble.priority import CaseInputs, choose, latest_revisions
from omentum.records import Case, MaskSource, Prediction, Revision
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import SUBSETS, organ

NAMES = SUBSETS["abdomenatlas-1.0"]
TIME = datetime(2026, 1, 1, tzinfo=UTC)
CASE = Case(
    case_id="c",
    patient_id="p",
    ct_path=Path("ct.nii.gz"),
    geometry=Geometry((2, 2, 2), np.eye(4)),
    source="",
    original_label_path=Path("l.nii.gz"),
)


def revision(name: str, round_number: int = 1, sha256: str = "a", minutes_later: int = 0) -> Revision:
    return Revision(
        case_id="c",
        organ=name,
        path=Path(f"{sha256}.nii.gz"),
        sha256=sha256,
        round_number=round_number,
        reader="r",
        minutes=None,
        added_ml=0.0,
        removed_ml=0.0,
        dice_to_before=None,
        network="n",
        time=TIME + timedelta(minutes=minutes_later),
    )


def inputs(original=(), revised=(), predicted=(), decided=()) -> CaseInputs:
    prediction = Prediction(
        case_id="c", network="n", weights_sha256="w", folder=Path("n"), organs=tuple(predicted)
    )
    return CaseInputs(
        case=replace(CASE, original_organs=tuple(original)),
        revisions=tuple(revision(name) for name in revised),
        prediction=prediction,
        revised_over_original=frozenset(decided),
    )


def sources(given_inputs: CaseInputs) -> dict[str, str]:
    return {choice.organ: choice.source.value for choice in choose(given_inputs)}


def test_original_beats_revised_beats_predicted():
    known = inputs(original=["liver"], revised=["liver", "aorta"], predicted=["liver", "aorta", "spleen"])
    assert sources(known) == {"spleen": "predicted", "aorta": "revised", "liver": "original"}


def test_a_revision_of_an_original_label_wins_only_by_decision():
    known = inputs(original=["liver", "spleen"], revised=["liver", "spleen"], decided=["liver"])
    assert sources(known) == {"liver": "revised", "spleen": "original"}


def test_a_decision_without_a_revision_changes_nothing():
    assert sources(inputs(original=["liver"], predicted=["liver"], decided=["liver"])) == {
        "liver": "original"
    }


def test_without_a_prediction_what_people_made_is_there():
    known = replace(inputs(original=["liver"], revised=["aorta"]), prediction=None)
    assert sources(known) == {"aorta": "revised", "liver": "original"}


def test_of_several_revisions_the_latest_counts():
    old, new = revision("liver", 1, "old", 90), revision("liver", 2, "new", 0)
    newest = revision("liver", 2, "newest", 1)
    for order in ([old, new, newest], [newest, old, new]):
        known = replace(inputs(), revisions=tuple(order))
        assert latest_revisions(known) == {"liver": newest}
        assert choose(known)[0].revision == newest


organ_sets = st.sets(st.sampled_from(NAMES))


@given(organ_sets, organ_sets, organ_sets, organ_sets)
def test_every_known_organ_is_painted_once_and_people_cover_guesses(original, revised, predicted, decided):
    choices = choose(inputs(original, revised, predicted, decided))
    assert {choice.organ for choice in choices} == original | revised | predicted
    assert len({choice.organ for choice in choices}) == len(choices)
    layers = [MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL]
    order = [(layers.index(choice.source), organ(choice.organ).index) for choice in choices]
    assert order == sorted(order)


@pytest.mark.parametrize("name", NAMES)
def test_what_one_source_alone_knows_comes_from_it(name):
    assert sources(inputs(original=[name])) == {name: "original"}
    assert sources(inputs(revised=[name])) == {name: "revised"}
    assert sources(inputs(predicted=[name])) == {name: "predicted"}
