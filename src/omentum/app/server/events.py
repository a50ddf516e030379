"""Tell every open page what happened, and what it missed while it was away."""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from omentum.errors import BusyError

__all__ = ["MOST_STREAMS", "Events", "ServerEvent"]

MOST_STREAMS = 256
_KEPT = 1000
_HEARTBEAT_SECONDS = 15.0


class ServerEvent(NamedTuple):
    """One thing that happened."""

    number: int
    name: str
    data: dict[str, Any]
    only_for: str | None = None
    """The one reader who is told; all are where it is `None`."""

    sent: bytes = b""
    """Itself as a server-sent event, made once for all who listen."""


Put = Callable[[ServerEvent | None], None]


class Events:
    """What happened lately, and who listens; may be told from any thread.

    Numbers rise, also over a restart, as they begin at the clock's milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: deque[ServerEvent] = deque(maxlen=_KEPT)
        self._listeners: set[Put] = set()
        self._last = int(time.time() * 1000)
        self._is_closed = False

    @property
    def last(self) -> int:
        """Number of the last event."""
        return self._last

    def tell(self, name: str, data: dict[str, Any], *, only_for: str | None = None) -> None:
        """Tell all who listen, or one reader, and keep it for those who come back."""
        with self._lock:
            self._last += 1
            event = ServerEvent(self._last, name, data, only_for, _encoded(self._last, name, data))
            self._recent.append(event)
            listeners = list(self._listeners)
        for put in listeners:
            put(event)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        with self._lock:
            self._is_closed = True
            listeners = list(self._listeners)
        for put in listeners:
            put(None)

    def listen(self, last: int | None, reader: str | None = None) -> AsyncGenerator[bytes]:
        """Stream events to one page.

        Args:
            last: Number of the last event that the page has; `None` for a page that begins.
            reader: Who reads there, who is not told what is for others alone; `None` is told everything.

        Raises:
            BusyError: Too many pages listen.
        """
        loop, queue = asyncio.get_running_loop(), asyncio.Queue[ServerEvent | None]()

        def put(event: ServerEvent | None) -> None:
            if event is not None and not _is_for(event, reader):
                return
            with suppress(RuntimeError):  # the loop is closed, and so is the page's stream
                loop.call_soon_threadsafe(queue.put_nowait, event)

        with self._lock:
            if len(self._listeners) >= MOST_STREAMS:
                raise BusyError(
                    f"{MOST_STREAMS} pages listen, the most that may; close some, and load this one again"
                )
            self._listeners.add(put)
            for event in self._missed(last):
                if _is_for(event, reader):
                    queue.put_nowait(event)
            if self._is_closed:
                queue.put_nowait(None)
        return self._stream(queue, put)

    async def _stream(self, queue: "asyncio.Queue[ServerEvent | None]", put: Put) -> AsyncGenerator[bytes]:
        try:
            yield b": omentum\n\n"
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), _HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield event.sent
        finally:
            with self._lock:
                self._listeners.discard(put)

    def _missed(self, last: int | None) -> list[ServerEvent]:
        if last is None or last == self._last:
            return []
        first = self._recent[0].number if self._recent else self._last + 1
        if last < first - 1 or last > self._last:
            return [ServerEvent(self._last, "reload", {}, None, _encoded(self._last, "reload", {}))]
        return [event for event in self._recent if event.number > last]


def _encoded(number: int, name: str, data: dict[str, Any]) -> bytes:
    told = json.dumps(data, ensure_ascii=False, allow_nan=False)
    return f"id: {number}\nevent: {name}\ndata: {told}\n\n".encode()


def _is_for(event: ServerEvent, reader: str | None) -> bool:
    return reader is None or event.only_for in (None, reader)
