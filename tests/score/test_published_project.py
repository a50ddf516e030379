"""A project whose networks are files of a published tree: what it scores equals the reference's outputs."""

import nibabel as nib
import numpy as np
import pytest

from omentum.abdomenatlas.datasets import organs_to_score
from omentum.predict.mask_files import MaskFilesPredictor
from omentum.predict.predict_case import CaseWork
from omentum.records import Case
from omentum.score.published_case import heat_path, score_published_case
from omentum.score.queue import priority_rows, ranked
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.probabilities import ENTROPIES_NAME
from omentum.volumes.volume import Volume

NETWORKS = ("swinunetr", "unet", "nnunet")


@pytest.fixture(scope="module")
def scored(reference, tmp_path_factory):
    """Scores of the reference's nine-organ run, and where the maps are."""
    folder = tmp_path_factory.mktemp("project")
    expected = reference.expected["lung9"]
    tree = reference.write_tree(folder / "tree", expected["per_case"], NETWORKS)
    scores = {}
    for case_id in expected["per_case"]:
        case = _case(folder, case_id, reference.inputs(case_id))
        made = {name: _predicted(folder, tree, case, name) for name in (*NETWORKS, "average")}
        average = made.pop("average")
        assert all((one.folder / ENTROPIES_NAME).is_file() for one in made.values())
        out = folder / "attention" / case_id
        scores[case_id] = score_published_case(
            case, list(made.values()), organs_to_score("10_06"), out, average=average
        )
    return scores, folder / "attention"


def _case(folder, case_id, stored):
    geometry = Geometry(tuple(stored["shape"].tolist()), stored["affine"])
    ct_path = folder / "cts" / f"{case_id}.nii.gz"
    write_nifti(ct_path, Volume(np.zeros(geometry.shape, dtype=np.int16), geometry))
    return Case(case_id=case_id, patient_id=case_id, ct_path=ct_path, geometry=geometry, source="made")


def _predicted(folder, tree, case, name):
    opinion = MaskFilesPredictor(name=name, folder=tree)
    place = folder / "networks" / case.case_id / name
    steps = CaseWork(predictor=opinion, folder_of=lambda _: place).steps
    return steps.write(case, steps.compute(case, steps.read(case))).prediction


def test_scores_and_the_priority_list_equal_the_published_ones(scored, reference):
    expected = reference.expected["lung9"]
    scores = scored[0].values()
    assert {one.case_id: one.score for one in scores} == expected["case_score_binary_voxels"]
    assert [one.case_id for one in ranked(scores)] == expected["sorted_cases"]
    assert priority_rows(scores) == expected["priority_csv"]


def test_heat_maps_equal_the_published_files_voxel_for_voxel(scored, reference):
    scores, folder = scored
    stored = np.load(reference.folder / "output_lung9.npz")
    for case_id, score in scores.items():
        for one in score.organs:
            heat = stored[f"{case_id}/{one.organ}/attention_u8"]
            binary = reference.unpacked(stored[f"{case_id}/{one.organ}/binary"], heat.shape)
            assert one.attention_voxels == np.count_nonzero(binary)
            path = heat_path(folder / case_id, one.organ)
            ours = np.asarray(nib.load(path).dataobj) if path.is_file() else np.zeros_like(heat)
            assert (ours == heat).all()
