"""Saves of several cases are handed in at once, and each of them is one revision."""

from collections import Counter

import pytest

from omentum.records import Task
from omentum.review import save_queue
from omentum.review.claims import claim_task
from omentum.review.page_masks import PageMasks
from omentum.review.save_queue import SaveQueue
from omentum.volumes.decoded import DecodedVolumes

CASES = [f"case_{number}" for number in range(4)]


@pytest.fixture
def project(atlas):
    """Four cases, each with a liver and a spleen to look at."""
    atlas.add(*CASES)
    liver, spleen = atlas.box((3, 19), (3, 17), (2, 17)), atlas.box((19, 23), (4, 14), (4, 14))
    for case_id in CASES:
        atlas.predict(case_id, {"liver": liver, "spleen": spleen})
    pairs = [(case_id, name) for case_id in CASES for name in ("liver", "spleen")]
    tasks = [
        Task(round_number=1, case_id=case_id, organ=name, rank=rank, attention_ml=1.0, network="synthetic")
        for rank, (case_id, name) in enumerate(pairs, start=1)
    ]
    atlas.workspace.store.tasks.replace(1, tasks)
    return atlas.workspace


def test_saves_of_several_cases_are_each_one_revision(project, tmp_path, monkeypatch):
    monkeypatch.setattr(save_queue, "_N_THREADS", 4)
    masks = PageMasks(project, DecodedVolumes(tmp_path / "volumes"))
    saves = SaveQueue(project, masks)
    saves.start()
    given = []
    for number, one in enumerate(project.store.tasks.of_round(1)):
        task, reader = claim_task(project, one.number, f"reader-{number}"), f"reader-{number}"
        base = masks.bases(masks.about(task, reader))[task.organ].sha256
        given.append((task.number, reader, saves.answer(task, reader, "accept", base).name))
    saves.drained()
    saves.close()
    kept = Counter((one.task_number, one.reader) for one in project.store.revisions.all())
    assert kept == Counter((number, reader) for number, reader, _ in given)
    assert {saves.get(name, reader).state for _, reader, name in given} == {"done"}
