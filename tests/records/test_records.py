import dataclasses
import typing
from pathlib import Path

import numpy as np
import pytest

import omentum.records
from omentum.records import Batch, Case, MaskSource, Prediction, Task, TaskState
from omentum.volumes.geometry import Geometry

RECORDS = [
    getattr(omentum.records, name)
    for name in omentum.records.__all__
    if dataclasses.is_dataclass(getattr(omentum.records, name))
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_records_are_frozen_named_and_carry_no_arrays(record):
    assert record.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(record))
    assert not hasattr(record, "__dict__") or "__slots__" in vars(record)
    hints = typing.get_type_hints(record)
    assert all(
        np.ndarray not in (hint, typing.get_origin(hint), *typing.get_args(hint)) for hint in hints.values()
    )


def test_a_case_annotates_nothing_unless_that_is_stated():
    grid = Geometry((8, 8, 8), np.eye(4))
    case = Case(case_id="a", patient_id="p", ct_path=Path("ct.nii.gz"), geometry=grid, source="/data/a")
    assert (case.original_label_path, case.original_organs, case.held_out) == (None, (), False)
    with pytest.raises(dataclasses.FrozenInstanceError):
        case.case_id = "b"


def test_the_files_of_a_prediction_lie_in_its_folder():
    folder = Path("cases/a/networks/starter")
    made = Prediction(
        case_id="a", network="starter", weights_sha256="0" * 64, folder=folder, organs=("liver",)
    )
    paths = [made.masks_path, made.probabilities_path, made.summary_path, made.preview_path]
    assert [path.name for path in paths] == [
        "masks.nii.gz", "probabilities.zarr.zip", "summary.json", "preview.png",
    ]  # fmt: skip
    assert {path.parent for path in paths} == {folder}


def test_states_and_sources_are_written_as_words():
    assert [str(source) for source in MaskSource] == ["original", "revised", "predicted"]
    assert TaskState("in adjudication") is TaskState.IN_ADJUDICATION
    assert (
        Task(round_number=1, case_id="a", organ="liver", rank=1, attention_ml=2.0).state is TaskState.QUEUED
    )


def test_a_batch_lists_its_items_by_outcome():
    batch = Batch(done=("a",), skipped=(), failed=())
    assert dataclasses.asdict(batch) == {"done": ("a",), "skipped": (), "failed": ()}
