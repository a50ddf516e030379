"""What a project asks its database does not rise with the number of its cases."""

import re
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from fixtures.large_project import fill_project
from fixtures.large_size import MADE_WITH, SECOND, LargeProject
from omentum.app.next_steps import next_steps
from omentum.app.status import gather, summary
from omentum.predict import stage as predict_stage
from omentum.project.database_change import move_database
from omentum.project.project import opened
from omentum.project.standing import standing_masks
from omentum.review.claims import claim_next, free_tasks
from omentum.score.round_queue import queue_options, queue_round
from omentum.score.stage import score_round
from omentum.volumes.labels import SUBSETS

FEW, MANY = 5, 50
N_ROUNDS = 3
ONE_OR_MORE = re.compile(r"\(\?(?:, \?)*\)")
"""A list of values, whose length is no matter."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Function: the folder of a project of some size."""
    made: dict[LargeProject, Path] = {}

    def fill(size: LargeProject) -> Path:
        if size not in made:
            made[size] = tmp_path_factory.mktemp("filled") / "atlas"
            fill_project(made[size], size)
        return made[size]

    return fill


@contextmanager
def counted():
    """Count every statement, whichever database it goes to."""
    seen: Counter[str] = Counter()

    def count(_connection, _cursor, statement, *_):
        seen[ONE_OR_MORE.sub("(?)", " ".join(statement.split()))] += 1

    event.listen(Engine, "before_cursor_execute", count)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", count)


class KnownPredictor:
    """Stands for a network that has predicted every case with these settings."""

    organs = SUBSETS["abdomenatlas-1.0"]

    def __init__(self, name: str) -> None:
        self.name = name

    def settings(self, _case_id: str) -> dict[str, object]:
        return dict(MADE_WITH)


def plan_to_predict(project):
    with pytest.MonkeyPatch.context() as patch:
        made = [KnownPredictor(name) for name in (*project.networks[:1], SECOND)]
        patch.setattr(predict_stage, "predictors_of", lambda *_, **__: made)
        patch.setattr(predict_stage, "is_predicted", lambda _: True)
        batches = predict_stage.predict_round(project)
    assert not any(batch.done or batch.failed for batch in batches)


def plan_to_score(project):
    batch = score_round(project)
    assert batch.done == batch.failed == ()


def make_the_queue(project):
    scores = project.store.scores.of_round(N_ROUNDS)
    queue_round(project, scores, queue_options(project.settings))


WAYS = {
    "status": summary,
    "next steps": next_steps,
    "standing masks": standing_masks,
    "plan to predict": plan_to_predict,
    "plan to score": plan_to_score,
    "queue": make_the_queue,
    "list of free tasks": lambda project: free_tasks(project, "reader-30"),
    "next task": lambda project: claim_next(project, "reader-30", lasting=timedelta(hours=1)),
}


@pytest.mark.parametrize("way", WAYS)
def test_as_many_statements_are_asked_for_few_cases_as_for_many(filled, way):
    counts = []
    for n_cases in (FEW, MANY):
        size = LargeProject(n_cases=n_cases, n_rounds=N_ROUNDS, tasks_per_case=1.0)
        with opened(filled(size)) as project:
            WAYS[way](project)  # what is computed once and kept is no matter of size
            with counted() as seen:
                WAYS[way](project)
        counts.append(seen)
    few, many = counts
    assert many - few == Counter()
    assert few.total() > 0


@pytest.mark.parametrize("is_audited", [False, True])
def test_status_says_the_same_from_findings_alone_as_from_every_case(filled, is_audited):
    with opened(filled(LargeProject(n_cases=300, is_audited=is_audited))) as project:
        alone = summary(project)
        assert alone == summary(project, gathered=gather(project))
    assert alone["cases"] == alone["predicted"] == 300
    assert len(alone["held"]) == 3
    assert len(alone["findings"]) > 30
    assert alone["conflicts"]
    assert ("no bound" in alone["audit"]) is not is_audited


def test_status_says_the_same_from_each_kind_of_database(tmp_path, postgresql_url):
    fill_project(tmp_path / "atlas", LargeProject(n_cases=FEW, n_rounds=N_ROUNDS))
    told = []
    for url in (None, postgresql_url):
        if url is not None:
            with opened(tmp_path / "atlas") as project:
                move_database(project, url, anyway=True)
        with opened(tmp_path / "atlas") as project:
            told.append(summary(project))
    assert told[0] == told[1]
