"""Let readers work on a review server as its page does: next task, voxels, thinking, a save, and again.

In:  the address of a server, and a token for each reader.
Out: how long each request took, which tasks each reader was given, what each saved.
"""

import asyncio
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np

from omentum.review.edit_files import packed_edits
from omentum.volumes.labels import organ

__all__ = ["Saved", "Watch", "settled", "work"]

_BINARY = {"content-type": "application/octet-stream"}
_TIMEOUT_SECONDS = 60.0
_SIGN_SECONDS = 10.0
"""How often the page says that its reader is at work."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A save that the server has taken."""

    name: str
    reader: str
    task: int
    sha256: str


@dataclass(slots=True)
class Watch:
    """What readers saw of a server."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of each request, by route."""
    given: list[tuple[int, str]] = field(default_factory=list)
    """Task and reader of each claim."""
    saved: list[Saved] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Answers that no reader should get."""
    n_events: int = 0


@dataclass(slots=True)
class _Reader:
    """One reader with one page."""

    name: str
    http: httpx.AsyncClient
    watch: Watch
    headers: dict[str, str]
    rng: np.random.Generator

    async def ask(self, route: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Send a request, and note how long its whole answer took."""
        headers = self.headers | options.pop("headers", {})
        started = time.perf_counter()
        answer = await self.http.request(method, path, headers=headers, **options)
        self.watch.seconds[route].append(time.perf_counter() - started)
        if answer.status_code >= 400:
            self.watch.refused.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        answer.raise_for_status()
        return answer

    async def next_task(self, without: list[int]) -> dict[str, Any] | None:
        """Take the next task, with the voxels that a reader looks at first."""
        answer = await self.ask("next", "POST", "/api/tasks/next", json={"without": without})
        task: dict[str, Any] | None = answer.json()["task"]
        if task is not None:
            self.watch.given.append((task["task"], self.name))
        return task

    async def draw(self, task: dict[str, Any], think_seconds: float) -> bytes:
        """Look at the region of a task, think, and give an edit of it."""
        box = ",".join(map(str, task["region"]))
        await self.ask("ct", "GET", f"/api/cases/{task['case']}/ct?box={box}")
        masks = await self.ask("masks", "GET", f"/api/tasks/{task['task']}/masks/shown?box={box}")
        await self._think(task, think_seconds)
        return self._edit(task, masks)

    async def _think(self, task: dict[str, Any], seconds: float) -> None:
        signs = max(1, round(seconds / _SIGN_SECONDS))
        for _ in range(signs):
            path = f"/api/tasks/{task['task']}/activity"
            await self.ask("activity", "POST", path, json={"actions": {"brush": 3}})
            await asyncio.sleep(seconds / signs)

    def _edit(self, task: dict[str, Any], masks: httpx.Response) -> bytes:
        """Turn some voxels of the task's organ, so that the edit is this reader's own."""
        shape = tuple(map(int, masks.headers["x-omentum-shape"].split(",")))
        codes = np.frombuffer(masks.content, masks.headers["x-omentum-dtype"]).reshape(shape, order="F")
        sets = json.loads(masks.headers["x-omentum-sets"])
        index = organ(task["organ"]).index
        mask = np.isin(codes, [code for code, members in enumerate(sets) if index in members])
        at = tuple(self.rng.integers(0, side - 2) for side in shape)
        mask[tuple(slice(low, low + 2) for low in at)] ^= True
        row = {"organ": task["organ"], "base": task["base"], "box": task["region"]}
        grid = {key: task["geometry"][key] for key in ("shape", "affine")}
        return packed_edits({"geometry": grid, "edits": [row]}, [mask])

    async def save(self, task: dict[str, Any], edit: bytes) -> None:
        """Save an edit; the answer says that it is kept."""
        path = f"/api/tasks/{task['task']}/save"
        told = (await self.ask("save", "POST", path, content=edit, headers=_BINARY)).json()
        self.watch.saved.append(Saved(told["save"], self.name, task["task"], told["bases"][task["organ"]]))


async def work(
    origin: str, tokens: dict[str, str], *, seconds: float, think_seconds: float, watch: Watch | None = None
) -> Watch:
    """Let readers work for a time, each beginning at a moment of its own.

    Args:
        origin: Address of the server, such as `http://127.0.0.1:8765`.
        tokens: By reader.
        seconds: For how long new tasks are taken.
        think_seconds: How long a reader draws, on average.
        watch: To go on with.

    Raises:
        httpx.HTTPError: The server ended, or refused something; what readers saw until then is in `watch`.
    """
    watch = Watch() if watch is None else watch
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=origin, limits=limits, timeout=_TIMEOUT_SECONDS) as http:
        ends = time.monotonic() + seconds
        readers = [
            _Reader(
                name,
                http,
                watch,
                {"authorization": f"Bearer {token}"},
                np.random.default_rng([n, len(watch.saved)]),
            )
            for n, (name, token) in enumerate(tokens.items())
        ]
        listening = [asyncio.create_task(_listen(one)) for one in readers]
        ended = await asyncio.gather(
            *(_read(one, ends, think_seconds) for one in readers), return_exceptions=True
        )
        for one in listening:
            one.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error
    return watch


async def _read(reader: _Reader, ends: float, think_seconds: float) -> None:
    """Read task after task; the first begins at any moment, so that readers do not march in step."""
    await asyncio.sleep(reader.rng.uniform(0, think_seconds))
    without: list[int] = []
    while time.monotonic() < ends and (task := await reader.next_task(without)) is not None:
        edit = await reader.draw(task, reader.rng.uniform(0.5, 1.5) * think_seconds)
        await reader.save(task, edit)
        await reader.ask("queue", "GET", "/api/queue")
        without = [task["task"]]


async def _listen(reader: _Reader) -> None:
    """Listen to what the server tells every page."""
    async with reader.http.stream("GET", "/api/events", headers=reader.headers, timeout=None) as stream:
        async for line in stream.aiter_lines():
            reader.watch.n_events += line.startswith("event:")


async def settled(origin: str, tokens: dict[str, str], watch: Watch, seconds: float) -> dict[str, str]:
    """Wait until all saves are handed in; give the state of each save at the end, by name.

    A server that was started again knows only the saves of its own run.
    """
    states = {one.name: "unknown" for one in watch.saved}
    ends = time.monotonic() + seconds
    async with httpx.AsyncClient(base_url=origin, timeout=_TIMEOUT_SECONDS) as http:
        for one in watch.saved:
            headers = {"authorization": f"Bearer {tokens[one.reader]}"}
            while time.monotonic() < ends:
                answer = await http.get(f"/api/saves/{one.name}", headers=headers)
                states[one.name] = answer.json()["state"] if answer.is_success else "unknown"
                if states[one.name] != "queued":
                    break
                await asyncio.sleep(0.2)
    return states
