"""What a reader is told of a task does not depend on whether somebody else reads it too."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.server.conftest import PORT, logged_in, save
from omentum.app.server.app import make_app, make_state
from omentum.project.project import opened
from omentum.records.people import Person

_TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.+]+|s-\d{6}-[0-9a-f]{8}")

_LOCKED = re.compile(r'"is_editable":false,"why_locked":"task 1 is about the whole liver[^"]*"')
_OPEN = '"is_editable":true,"why_locked":""'
"""Beside its task the organ stays locked, in the words of an audited one."""


def plain(answer: Any) -> str:
    """Give an answer without what differs from run to run: times, names of saves, numbers of revisions."""
    text = _LOCKED.sub(_OPEN, _TIMES.sub("TIME", answer.text))
    return re.sub(r'("revision": ?|revision[: ])\d+', r"\1N", text)


@pytest.fixture
def run(
    tmp_path: Path, begun_queue: Path, people: dict[str, Person], edits: Callable[..., bytes], drawn: Any
) -> Callable[..., tuple[list[str], list[tuple[str, dict[str, Any]]]]]:
    """Function: let anna read the first task, perhaps with a second reader before her; what she is told."""

    def work(name: str, other: Any = None, n_readings: int = 1) -> tuple[list[str], list[Any]]:
        root = shutil.copytree(begun_queue, tmp_path / name)
        with opened(root) as project:
            for person in people.values():
                project.store.people.add(person, "omentum")
            if n_readings > 1:
                project.store.tasks.want_readings(1, n_readings)
            state = make_state(project, "owner")
            app = make_app(state, PORT, tmp_path / "no-page")
            with logged_in(app, "chief") as chief:
                anna = logged_in(app, "anna")
                if other is not None:
                    base = chief.post("/api/tasks/1/claim").json()["base"]
                    assert save(chief, edits({"liver": (base, other)})).status_code == 202
                    state.saves.drained()
                since = state.events.last
                return told_to(anna, state, edits, drawn), _heard_by("anna", state, since)

    return work


def told_to(reader: Any, state: Any, edits: Any, mask: Any) -> list[str]:
    """Claim, save and look at everything as a reader; give all answers."""
    answers = [reader.get("/api/queue"), reader.get("/api/tasks/1")]
    answers.append(reader.post("/api/tasks/1/claim"))
    base = answers[-1].json()["base"]
    saved = save(reader, edits({"liver": (base, mask)}))
    state.saves.drained()
    answers += [saved, reader.get(f"/api/saves/{saved.json()['save']}")]
    answers += [reader.get("/api/queue"), reader.get("/api/tasks/1"), reader.get("/api/tasks/2")]
    answers.append(reader.post("/api/tasks/1/claim"))
    answers += [reader.get(f"/api/tasks/1/masks/{one}") for one in ("revision:9", "common", "majority")]
    return [plain(one) for one in answers]


def _heard_by(name: str, state: Any, since: int) -> list[tuple[str, dict[str, Any]]]:
    mine = [one for one in state.events._recent if one.number > since and one.only_for in (None, name)]
    return [(one.name, one.data) for one in mine if one.name in ("task", "organ", "draft")]


def test_a_reader_is_told_the_same_whether_alone_first_or_second(run, liver, drawn):
    alone, heard = run("alone")
    first, heard_first = run("first", n_readings=2)
    agreeing, heard_agreeing = run("agreeing", other=drawn, n_readings=3)
    differing, heard_differing = run("differing", other=liver, n_readings=2)
    for told in (first, agreeing, differing):
        for expected, got in zip(alone, told, strict=True):
            assert got == expected
    assert heard == heard_first == heard_agreeing == heard_differing


def test_who_reads_hears_nothing_of_the_other_reader(run, state, app, queued, people, edits, liver, drawn):
    queued.workspace.store.tasks.want_readings(1, 2)
    with logged_in(app, "chief") as chief:
        anna = logged_in(app, "anna")
        for reader, mask in ((chief, liver), (anna, drawn)):
            base = reader.post("/api/tasks/1/claim").json()["base"]
            since = state.events.last
            saved = save(reader, edits({"liver": (base, mask)})).json()["save"]
            state.saves.drained()
        assert _heard_by("chief", state, since) == []
        assert chief.get(f"/api/saves/{saved}").status_code == 404
        history = chief.get("/api/cases/a/organs/liver/history").text
        assert "anna" not in history
        assert chief.post("/api/cases/a/organs/liver/restore", json={"to": 1}).status_code == 409
        assert chief.get("/api/tasks/1/masks/revision:2").status_code == 403


def test_the_queue_names_nobody_and_no_number_of_readings_while_a_task_is_blinded(run, app, queued, people):
    queued.workspace.store.tasks.want_readings(1, 2)
    with logged_in(app, "chief") as chief:
        anna = logged_in(app, "anna")
        chief.post("/api/tasks/1/claim")
        (row,) = [one for one in anna.get("/api/queue").json()["next"] if one["task"] == 1]
        assert (row["holder"], row["state"], row["n_readings"]) == (None, "queued", 1)
        beside = {one["organ"]: one for one in anna.get("/api/tasks/2").json()["organs"]}
        assert (
            beside["liver"]["why_locked"]
            == "task 1 is about the whole liver, so that it is changed there alone"
        )
