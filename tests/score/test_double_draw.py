"""A share of a round's tasks is drawn to be read by two readers."""

import json

import pytest

from omentum.records import Task
from omentum.score.double_draw import drawn_twice, keys_drawn, seed_of

KEYS = [(f"case_{number:04}", "liver") for number in range(200)]


def tasks_of(keys):
    return [
        Task(round_number=1, case_id=case_id, organ=organ, rank=rank, attention_ml=1.0)
        for rank, (case_id, organ) in enumerate(keys, start=1)
    ]


@pytest.fixture
def project(atlas):
    settings = atlas.workspace.settings.model_copy(update={"double_reading_share": 0.2})
    object.__setattr__(atlas.workspace, "settings", settings)
    return atlas.workspace


def test_the_share_is_kept_and_spread_over_the_queue():
    places = [KEYS.index(key) for key in keys_drawn(KEYS, 0.2, "0f")]
    assert len(places) == 40
    assert 10 < sum(place < 100 for place in places) < 30
    assert (keys_drawn(KEYS, 0.0, "0f"), len(keys_drawn(KEYS, 1.0, "0f"))) == ((), 200)


def test_a_second_queue_draws_the_same_and_what_was_drawn_stays_in_a_longer_one(project, tmp_path):
    path = tmp_path / "queue.json"
    first, draw = drawn_twice(project, tasks_of(KEYS[:50]), path)
    path.write_text(json.dumps({"double_reading": draw}))
    assert drawn_twice(project, tasks_of(KEYS[:50]), path) == (first, draw)
    longer, _ = drawn_twice(project, tasks_of(KEYS), path)
    twice = {task.key for task in longer if task.n_readings == 2}
    assert {task.key for task in first if task.n_readings == 2} <= twice
    assert (len(draw["drawn"]), len(twice)) == (10, 40)


def test_another_round_and_another_project_draw_others(project):
    first = keys_drawn(KEYS, 0.2, seed_of(project, 1))
    assert set(first) != set(keys_drawn(KEYS, 0.2, seed_of(project, 2)))
    project.folder.secret_path.chmod(0o600)
    project.folder.secret_path.write_text("ab" * 32)
    assert set(first) != set(keys_drawn(KEYS, 0.2, seed_of(project, 1)))


def test_nothing_is_drawn_by_default(atlas, tmp_path):
    tasks, draw = drawn_twice(atlas.workspace, tasks_of(KEYS), tmp_path / "queue.json")
    assert all(task.n_readings == 1 for task in tasks)
    assert draw["drawn"] == []
