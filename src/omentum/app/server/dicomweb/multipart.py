"""Send parts of a multipart answer one after another, so that no more than one is in memory."""

import secrets
from collections.abc import Iterable, Iterator
from itertools import chain

from fastapi.responses import StreamingResponse

__all__ = ["Part", "multipart"]

Part = Iterable[bytes]
"""The bytes of one part, in pieces."""


def multipart(parts: Iterator[Part], kind: str) -> StreamingResponse:
    """Answer with `multipart/related`.

    The first part is made before the answer begins, so that what is refused is refused with its status.

    Args:
        parts: Made as they are sent.
        kind: Media type of each.
    """
    boundary = f"omentum-{secrets.token_hex(16)}"
    first = [list(next(parts, ()))]
    return StreamingResponse(
        _pieces(chain(first, parts), kind, boundary),
        media_type=f'multipart/related; type="{kind}"; boundary={boundary}',
    )


def _pieces(parts: Iterable[Part], kind: str, boundary: str) -> Iterator[bytes]:
    for part in parts:
        yield f"--{boundary}\r\nContent-Type: {kind}\r\n\r\n".encode()
        yield from part
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()
