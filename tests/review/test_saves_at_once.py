"""Saves of several cases are handed in at once, and each of them is one revision."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from omentum.records import Task
from omentum.review import save_queue
from omentum.review.claims import claim_task
from omentum.review.draft_files import DraftFiles
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


def test_a_save_does_not_wait_for_that_of_another_case(project, tmp_path, monkeypatch):
    masks = PageMasks(project, DecodedVolumes(tmp_path / "volumes"))
    saves = SaveQueue(project, masks)
    first, other = (
        next(one for one in project.store.tasks.of_round(1) if one.case_id == case_id)
        for case_id in CASES[:2]
    )
    bases = {}
    for task in (first, other):
        claim_task(project, task.number, "reader")
        bases[task.number] = masks.bases(masks.about(task, "reader"))[task.organ].sha256
    has_begun, may_end = threading.Event(), threading.Event()
    put_save = DraftFiles.put_save

    def slowly(self, name, kind, content, **told):
        if self.case_id == first.case_id:
            has_begun.set()
            assert may_end.wait(60)
        return put_save(self, name, kind, content, **told)

    monkeypatch.setattr(DraftFiles, "put_save", slowly)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(saves.answer, first, "reader", "accept", bases[first.number])
        assert has_begun.wait(60)
        assert saves.answer(other, "reader", "accept", bases[other.number]).state == "queued"
        assert not slow.done()
        may_end.set()
        assert slow.result(60).state == "queued"
