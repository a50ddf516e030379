"""Read what clients of MONAI Label send, and do what needs much memory one after the other."""

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from omentum.app.server.context import CurrentServer
from omentum.errors import EditsError
from omentum.review.label_exchange import LabelExchange
from omentum.review.submitted_labels import NamedValue

__all__ = ["CurrentExchange", "Image", "SampleIn", "in_turn", "named_values", "read_params"]

_AT_ONCE = 2
"""Label maps of whole CTs that are read or written at the same time, each with some hundred megabytes."""
_VOLUMES = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="label maps")
_Result = TypeVar("_Result")


class SampleIn(BaseModel):
    """Which task is wanted next; clients send more, such as `client_id`."""

    model_config = ConfigDict(extra="ignore")

    organ: Annotated[str, Field(max_length=100)] | None = None
    """Only of this organ; of any where it is `any` or not said."""


class _NamedValueIn(BaseModel):
    """A row of `label_info`."""

    model_config = ConfigDict(extra="ignore")

    name: Annotated[str, Field(max_length=200)]
    idx: Annotated[int, Field(ge=1, le=255)]


_ROWS = TypeAdapter(Annotated[list[_NamedValueIn], Field(max_length=255)])


def _exchange(server: CurrentServer) -> LabelExchange:
    return LabelExchange(server.project, server.masks)


CurrentExchange = Annotated[LabelExchange, Depends(_exchange)]
Image = Annotated[str, Query(max_length=100, description="The case.")]


async def in_turn(work: Callable[..., _Result], *arguments: Any, **named: Any) -> _Result:
    """Do work on whole volumes in a thread, few at once, while other requests go on."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_VOLUMES, partial(work, *arguments, **named))


def read_params(text: str) -> dict[str, Any]:
    """Read the JSON of the form field `params`; anything else is an `EditsError`."""
    try:
        params = json.loads(text or "{}")
    except (ValueError, RecursionError):
        params = None
    if not isinstance(params, dict):
        raise EditsError(f"`params` is {text[:80]!r}, and must be a JSON object; leave it out, or send {{}}")
    return params


def named_values(params: dict[str, Any]) -> list[NamedValue]:
    """Read `label_info`, which says what the values of a label map mean; none where it is not sent.

    Raises:
        EditsError: It is no list of names with numbers from 1 to 255.
    """
    try:
        rows = _ROWS.validate_python(params.get("label_info") or [])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        rule = 'send a list such as [{"name": "liver", "idx": 1}]'
        raise EditsError(f"label_info {place}: {first['msg']}; {rule}") from None
    return [NamedValue(name=row.name, value=row.idx) for row in rows]
