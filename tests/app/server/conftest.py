"""A review server over a small project with a queue, and a browser that was let in."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from omentum.app.server.app import make_app, make_state
from omentum.app.server.context import ServerState
from omentum.records import Task, TaskKind
from omentum.review.edit_files import packed_edits

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
    from fastapi.testclient import TestClient

PORT = 8765
ORIGIN = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def liver(atlas) -> np.ndarray:
    """As large as no rule holds it back."""
    return atlas.box((3, 19), (3, 17), (2, 17))


@pytest.fixture
def spleen(atlas) -> np.ndarray:
    return atlas.box((19, 23), (4, 14), (4, 14))


@pytest.fixture
def queued(atlas, liver, spleen):
    """Liver and spleen of `a`, then the spleen of `b`, are in the queue; the liver of `c` is audited."""
    atlas.add("a", "b", "c")
    atlas.predict("a", {"liver": liver, "spleen": spleen})
    atlas.predict("b", {"spleen": spleen})
    atlas.predict("c", {"liver": liver})
    rows = [("a", "liver"), ("a", "spleen"), ("b", "spleen"), ("c", "liver")]
    atlas.workspace.store.tasks.replace(
        1,
        [
            Task(
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
            for rank, (case_id, name) in enumerate(rows, start=1)
        ],
    )
    return atlas


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
def edits(atlas) -> Callable[..., bytes]:
    """Function: `edits({"liver": (base, mask)})` packs whole masks as an edit file."""

    def pack(masks: dict[str, tuple[str | None, np.ndarray]], **more: Any) -> bytes:
        geometry = atlas.workspace.store.cases.get("a").geometry
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


BINARY = {"content-type": "application/octet-stream"}
