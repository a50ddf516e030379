"""The server needs no torch, no MONAI and no network, neither to start nor to work."""

import subprocess
import sys

_PROGRAM = """
import sys, warnings

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "monai", "lightning_fabric"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Blocked())
from pathlib import Path
from omentum.app.review_demo import demo_project
from omentum.app.server.app import make_app, make_state
from omentum.project.project import opened
warnings.simplefilter("ignore")
from fastapi.testclient import TestClient

origin = "http://127.0.0.1:8765"
with opened(Path(sys.argv[1])) as project:
    state = make_state(project, "anna")
    with TestClient(make_app(state, 8765), base_url=origin, headers={"origin": origin}) as client:
        client.get("/enter", params={"token": state.sessions.new_link_token()})
        task = client.post("/api/tasks/next", json={}).json()["task"]
        assert client.get("/api/tasks/1/masks/shown").status_code == 200
        assert client.get("/api/cases/a/ct").status_code == 200
        assert client.post("/api/tasks/1/accept", json={"base": task["base"]}).status_code == 202
        state.saves.drained()
        assert client.get("/api/tasks/1").json()["state"] == "done"
        client.get("/api/dashboard")
print("worked")
"""


def test_a_whole_task_is_done_where_torch_cannot_be_imported(queued):
    root = queued.workspace.folder.root
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(root)], capture_output=True, text=True, check=False
    )
    assert ran.stdout.strip() == "worked", ran.stderr
