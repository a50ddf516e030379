"""Differences of readings are shown in the CT's own voxels and in mm, on any grid."""

import numpy as np
import pytest

from omentum.project.standing import CaseFacts
from omentum.records import Case, ReaderAnswer, Revision, Task, TaskState
from omentum.review.adjudicate import Reading
from omentum.review.page_bases import TaskFacts
from omentum.review.reading_masks import ReadingMasks
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import Geometry

OBLIQUE = Geometry(
    (20, 16, 12),
    np.array([[-0.7, 0.1, 0.6, 20], [0.05, 1.2, -0.8, -31], [0.02, 0.3, 4.9, 7.5], [0, 0, 0, 1.0]]),
)


class _Parts:
    """Gives masks by the number of their revision."""

    def __init__(self, parts):
        self._parts = parts

    def part(self, _, base):
        return self._parts[base.revision.number]


@pytest.fixture
def shown(tmp_path):
    """Function: the readings' masks, and what is known of their task on an oblique grid."""
    from datetime import UTC, datetime

    case = Case(case_id="a", patient_id="p", ct_path=tmp_path / "ct.nii.gz", geometry=OBLIQUE, source="made")
    task = Task(
        round_number=1, case_id="a", organ="liver", rank=1, attention_ml=1.0, state=TaskState.IN_ADJUDICATION
    )
    about = TaskFacts(task=task, reader="dora", facts=CaseFacts(case=case), tasks=(task,))

    def make(*parts):
        readings = tuple(
            Reading(
                label="ABC"[number - 1],
                revision=Revision(
                    case_id="a", organ="liver", path=tmp_path / f"{number}", sha256=f"{number}",
                    round_number=1, reader=f"r{number}", says=ReaderAnswer.REVISED,
                    time=datetime.now(UTC), number=number,
                ),
            )
            for number in range(1, len(parts) + 1)
        )  # fmt: skip
        masks = ReadingMasks(None, _Parts(dict(enumerate(parts, start=1))))
        return masks, about, readings

    return make


def block(*sides):
    return BoxedArray(
        tuple(slice(*side) for side in sides), np.ones([high - low for low, high in sides], dtype=bool)
    )


def test_a_spot_of_an_oblique_anisotropic_grid_has_its_box_volume_and_centre(shown):
    a, b = block((2, 12), (2, 12), (2, 9)), block((2, 12), (2, 12), (2, 8))
    masks, about, readings = shown(a, b)
    (spot,) = masks.spots(about, readings)
    volume_ml = 100 * abs(np.linalg.det(OBLIQUE.affine[:3, :3])) / 1000
    assert spot.volume_ml == pytest.approx(volume_ml, abs=1e-4)
    assert spot.said == f"A holds {volume_ml:.1f} mL that B does not"
    assert (spot.low_voxel, spot.high_voxel) == ((2, 2, 8), (11, 11, 8))
    assert spot.centre_mm == pytest.approx((OBLIQUE.affine @ [6.5, 6.5, 8, 1])[:3], abs=1e-3)


def test_three_readings_say_who_holds_what(shown):
    parts = [block((2, high), (2, 12), (2, 9)) for high in (8, 10, 12)]
    masks, about, readings = shown(*parts)
    said = {spot.said.split(" hold")[0] for spot in masks.spots(about, readings)}
    assert said == {"B and C", "C"}
    assert masks.volume_ml(about, readings, "majority") == masks.volume_ml(about, readings, "revision:2")


def test_a_difference_of_one_small_voxel_is_not_said_to_be_nothing(shown):
    a, b = block((2, 12), (2, 12), (2, 9)), block((2, 12), (2, 12), (2, 9))
    b.values[0, 0, 0] = False
    masks, about, readings = shown(a, b)
    (spot,) = masks.spots(about, readings)
    assert spot.said == "A holds 0.004 mL that B does not"
