"""A server that is killed while readers work loses none of their saves, and their claims go on."""

import asyncio
import threading
from pathlib import Path

import httpx
import pytest

from load.checks import wrongs
from load.projects import make_large_project
from load.readers import Watch, settled, work
from load.servers import Server, add_readers
from omentum.project.project import opened

N_READERS, N_CASES = 5, 8


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a queue of tasks that all have voxels."""
    root = tmp_path / "atlas"
    make_large_project(root, n_cases=N_CASES, n_real=N_CASES)
    return root


def killed_at(server: Server, watch: Watch, n_saves: int) -> threading.Thread:
    """Kill a server once it has taken so many saves."""

    def wait() -> None:
        while len(watch.saved) < n_saves:
            pause.wait(0.01)
        server.kill()

    pause = threading.Event()
    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.slow
def test_a_killed_server_loses_no_save_and_keeps_claims(project):
    tokens, server, watch = add_readers(project, N_READERS), Server(project), Watch()
    server.start()
    killer = killed_at(server, watch, n_saves=4)
    with pytest.raises(httpx.HTTPError):
        asyncio.run(work(server.origin, tokens, seconds=60, think_seconds=0.1, watch=watch))
    killer.join(60)
    with opened(project, looking=True) as opened_project:
        held = opened_project.store.leases.all("tasks 1")
    server.start()
    try:
        asyncio.run(work(server.origin, tokens, seconds=60, think_seconds=0.1, watch=watch))
        asyncio.run(settled(server.origin, tokens, watch, seconds=60))
    finally:
        server.stop()
    assert wrongs(project, watch) == []
    readers = dict(watch.given)
    assert all(readers[int(key)] == lease.holder for key, (lease,) in held.items() if int(key) in readers)
    with opened(project, looking=True) as opened_project:
        states = opened_project.store.tasks.counts(1)
    assert {state.value for state in states} == {"done"}, "the readers went on to the end of the queue"
