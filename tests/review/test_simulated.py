from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from omentum.errors import ConfigError
from omentum.measures.effort import CostModel
from omentum.records import WHOLE_CT, TaskKind
from omentum.review.export import ExportHeader, export_task
from omentum.review.simulated import SimulatedReader

ML = 1.5 * 1.25 * 3.0 / 1000


@pytest.fixture
def truth(masks, box):
    """The liver has 350 voxels more than was shown; the spleen was missed (600 voxels)."""
    true = {"liver": masks.mask("liver") | box((12, 17), (2, 12), (2, 9))}
    true["spleen"] = box((14, 20), (5, 15), (1, 11))
    return lambda _case_id, organ: true[organ]


@pytest.fixture
def folder(case, shown, tasks, attention_dir, tmp_path):
    """The case, exported as `c1` and as `c2`."""
    out = tmp_path / "out"
    header = ExportHeader(project="0123", holder="anna", network="starter")
    for case_id in ("c1", "c2"):
        copy = replace(case, case_id=case_id)
        own = [replace(task, case_id=case_id) for task in tasks]
        export_task(own, copy, shown, header=header, attention_dir=attention_dir, folder=out)
    return out


def queue(tasks, order):
    by_organ = {task.organ: task for task in tasks}
    return [
        replace(by_organ[organ], case_id=case_id, rank=rank)
        for rank, (case_id, organ) in enumerate(order, start=1)
    ]


EVERYTHING = [("c1", "liver"), ("c2", "spleen"), ("c1", "spleen"), ("c2", "liver")]
LIVER = 0.5 + 0.3 * 350 * ML
SPLEEN = 0.5 + 0.3 * 600 * ML


def test_minutes_are_for_cases_looks_and_millilitres(tasks, folder, truth):
    reader = SimulatedReader(truth=truth, budget_minutes=60)
    assert reader.revise(queue(tasks, EVERYTHING), folder) == {
        ("c1", "liver"): pytest.approx(0.5 + LIVER),
        ("c2", "spleen"): pytest.approx(0.5 + SPLEEN),
        ("c1", "spleen"): pytest.approx(SPLEEN),
        ("c2", "liver"): pytest.approx(LIVER),
    }


def saved(folder):
    return sorted(
        (path.parent.name, path.name.removesuffix("_revised.nii.gz"))
        for path in folder.rglob("*_revised.nii.gz")
    )


def test_what_is_saved_is_the_truth_as_a_person_would_save_it(tasks, folder, truth):
    SimulatedReader(truth=truth, budget_minutes=60).revise(queue(tasks, EVERYTHING), folder)
    assert saved(folder) == sorted(EVERYTHING)
    for case_id, organ in EVERYTHING:
        voxels = nib.load(folder / case_id / f"{organ}_revised.nii.gz").get_fdata()
        assert set(np.unique(voxels)) == {0, {"liver": 6, "spleen": 1}[organ]}
        np.testing.assert_array_equal(voxels > 0, truth(case_id, organ))


def test_a_task_about_a_whole_ct_is_left(tasks, folder, truth):
    about_ct = replace(tasks[0], organ=WHOLE_CT, kind=TaskKind.FINDING)
    assert SimulatedReader(truth=truth, budget_minutes=60).revise([about_ct], folder) == {}


@pytest.mark.parametrize("budget", np.linspace(0, 9, 10))
def test_the_budget_is_never_passed_and_used_as_far_as_tasks_fit(tasks, folder, truth, budget):
    spent = SimulatedReader(truth=truth, budget_minutes=budget).revise(queue(tasks, EVERYTHING), folder)
    assert sum(spent.values()) <= budget
    assert set(saved(folder)) == set(spent)
    order = [key for key in EVERYTHING if key in spent]
    assert list(spent) == order


def test_a_task_that_does_not_fit_does_not_keep_the_reader_from_the_next(tasks, folder, truth):
    order = [("c1", "spleen"), ("c1", "liver")]
    reader = SimulatedReader(truth=truth, budget_minutes=0.5 + LIVER + 0.01)
    assert set(reader.revise(queue(tasks, order), folder)) == {("c1", "liver")}


def test_a_right_mask_is_accepted_for_the_price_of_a_look(tasks, folder, masks):
    reader = SimulatedReader(truth=lambda _, organ: masks.mask(organ), budget_minutes=60)
    assert reader.revise(queue(tasks, [("c1", "spleen")]), folder) == {("c1", "spleen"): 1.0}


def test_a_budget_that_is_no_time_is_refused(truth):
    with pytest.raises(ConfigError, match="budget_minutes is -1"):
        SimulatedReader(truth=truth, budget_minutes=-1)


def test_audits_are_done_first_as_they_count_only_together(tasks, folder, truth):
    ordered = queue(tasks, EVERYTHING)
    ordered[-1] = replace(ordered[-1], kind=TaskKind.AUDIT)
    spent = SimulatedReader(truth=truth, budget_minutes=0.5 + LIVER + 0.01).revise(ordered, folder)
    assert list(spent) == [("c2", "liver")]


def test_a_reader_who_is_twice_as_fast_at_drawing_pays_half_for_it(tasks, folder, truth):
    reader = SimulatedReader(truth=truth, budget_minutes=60, costs=CostModel(minutes_per_ml=0.15))
    assert reader.revise(queue(tasks, [("c1", "spleen")]), folder) == {
        ("c1", "spleen"): pytest.approx(0.5 + 0.5 + 0.15 * 600 * ML)
    }


def test_a_reader_who_leaves_what_is_near_the_surface_accepts_a_mask_that_is_hardly_off(tasks, folder, truth):
    reader = SimulatedReader(truth=truth, budget_minutes=60, leaves_mm=1000.0)
    spent = reader.revise(queue(tasks, [("c1", "spleen")]), folder)
    assert spent == {("c1", "spleen"): pytest.approx(0.5 + 0.5)}
