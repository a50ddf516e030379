"""A review server over a small project with a queue, and a browser that was let in."""

import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from fixtures.atlas import Atlas
from omentum.app.server.app import make_app, make_state
from omentum.app.server.context import ServerState
from omentum.project.passwords import hashed_password
from omentum.project.project import opened
from omentum.records import Task, TaskKind
from omentum.records.people import Person, Role
from omentum.review.edit_files import packed_edits

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
    from fastapi.testclient import TestClient

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def liver() -> np.ndarray:
    """As large as no rule holds it back."""
    return box((3, 19), (3, 17), (2, 17))


@pytest.fixture
def spleen() -> np.ndarray:
    return box((19, 23), (4, 14), (4, 14))


def box(*sides: tuple[int, int]) -> np.ndarray:
    """Make a mask that is one box."""
    mask = np.zeros(Atlas.shape, dtype=bool)
    mask[tuple(slice(*side) for side in sides)] = True
    return mask


@pytest.fixture(scope="session")
def begun_queue(tmp_path_factory: pytest.TempPathFactory, begun_atlas: Path) -> Path:
    """The folder of the project that `queued` is a copy of: its files are made once."""
    root = shutil.copytree(begun_atlas, tmp_path_factory.mktemp("queued") / "atlas")
    liver, spleen = box((3, 19), (3, 17), (2, 17)), box((19, 23), (4, 14), (4, 14))
    with opened(root) as project:
        atlas = Atlas(root.parent, project)
        atlas.add("a", "b", "c")
        atlas.predict("a", {"liver": liver, "spleen": spleen})
        atlas.predict("b", {"spleen": spleen})
        atlas.predict("c", {"liver": liver})
        rows = [("a", "liver"), ("a", "spleen"), ("b", "spleen"), ("c", "liver")]
        project.store.tasks.replace(1, [_task(rank, *row) for rank, row in enumerate(rows, start=1)])
    return root


def _task(rank: int, case_id: str, name: str) -> Task:
    return Task(
        round_number=1,
        case_id=case_id,
        organ=name,
        rank=rank,
        attention_ml=2.5,
        error_ml=1.5,
        n_spots=1,
        reason="it has two pieces",
        kind=TaskKind.AUDIT if case_id == "c" else TaskKind.ATTENTION,
        network="synthetic",
    )


@pytest.fixture
def queued(tmp_path: Path, begun_queue: Path) -> Iterator[Atlas]:
    """Liver and spleen of `a`, then the spleen of `b`, are in the queue; the liver of `c` is audited."""
    root = shutil.copytree(begun_queue, tmp_path / "atlas")
    with opened(root) as project:
        yield Atlas(tmp_path, project)


@pytest.fixture
def state(queued) -> ServerState:
    return make_state(queued.workspace, "anna")


@pytest.fixture
def app(state, tmp_path: Path) -> Any:
    return make_app(state, PORT, tmp_path / "no-page")


def entered(app: Any, **options: Any) -> TestClient:
    """Let a browser in, as a person does by the link of the terminal."""
    client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN}, **options)
    token = app.state.server.sessions.new_link_token()
    assert client.get("/enter", params={"token": token}).status_code == 200
    return client


@pytest.fixture
def client(app) -> Iterator[TestClient]:
    """A browser in which anna reads."""
    with entered(app) as client:
        yield client


@pytest.fixture
def caught_server(caught: Atlas, tmp_path: Path) -> Iterator[tuple[TestClient, ServerState]]:
    """A browser in which anna reads, and the server's state, over a project with a catch trial."""
    state = make_state(caught.workspace, "anna")
    with entered(make_app(state, PORT, tmp_path / "no-page")) as client:
        yield client, state


@pytest.fixture
def edits(queued) -> Callable[..., bytes]:
    """Function: `edits({"liver": (base, mask)})` packs whole masks as an edit file."""

    def pack(masks: dict[str, tuple[str | None, np.ndarray]], **more: Any) -> bytes:
        geometry = queued.workspace.store.cases.get("a").geometry
        rows = [
            {"organ": name, "base": base, "box": [0, 24, 0, 20, 0, 18]} for name, (base, _) in masks.items()
        ]
        header = {
            "geometry": {"shape": list(geometry.shape), "affine": geometry.affine.tolist()},
            "edits": rows,
            **more,
        }
        return packed_edits(header, [mask for _, mask in masks.values()])

    return pack


@pytest.fixture
def send(client, queued, tmp_path):
    """Function: `send(labels, {"liver": 1})` sends a label map as 3D Slicer does."""

    def put(labels, names, image="a", **query):
        path = tmp_path / "label.nii.gz"
        grid = queued.workspace.store.cases.get(image).geometry
        nib.save(nib.Nifti1Image(labels.astype(np.uint8), grid.affine), path)
        info = [{"name": name, "idx": number} for name, number in names.items()]
        params = {"label_info": info, "client_id": "slicer"}
        with path.open("rb") as file:
            return client.put(
                "/datastore/label",
                params={"image": image, **query},
                data={"params": json.dumps(params)},
                files={"label": (f"/tmp/slicer/{path.name}", file)},
            )

    return put


BINARY = {"content-type": "application/octet-stream"}


@pytest.fixture
def drawn(liver):
    """The liver with one slab less."""
    mask = liver.copy()
    mask[:, :, 16] = False
    return mask


@pytest.fixture
def begun(client):
    """The first task, as anna opens it."""
    return client.post("/api/tasks/next", json={}).json()["task"]


def save(client, content, number=1):
    """Save edits of a task as who has claimed it."""
    client.post(f"/api/tasks/{number}/claim")
    return client.post(f"/api/tasks/{number}/save", content=content, headers=BINARY)


PASSWORDS = {"anna": "anna reads livers", "ada": "ada decides between", "chief": "chief adds all people"}
"""Of a reader, an adjudicator and an admin."""


@pytest.fixture(scope="session")
def password_hashes() -> dict[str, str]:
    return {name: hashed_password(name, password) for name, password in PASSWORDS.items()}


@pytest.fixture
def people(queued, password_hashes) -> dict[str, Person]:
    """The people of the project: nobody comes in by a link any more."""
    made = {}
    for name, role in {"chief": Role.ADMIN, "ada": Role.ADJUDICATOR, "anna": Role.READER}.items():
        now = datetime.now(UTC)
        person = Person(
            name=name, roles=(role,), password_hash=password_hashes[name], time=now, sessions_from=now
        )
        made[name] = queued.workspace.store.people.add(person, "omentum")
    return made


def logged_in(app: Any, name: str, origin: str = ORIGIN, **options: Any) -> TestClient:
    """Let a person in by name and password."""
    client = TestClient(app, base_url=origin, headers={"origin": origin}, **options)
    answer = client.post("/api/login", json={"name": name, "password": PASSWORDS[name]})
    assert answer.status_code == 204, answer.text
    return client
