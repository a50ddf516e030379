"""Choose the form of an answer by what a client accepts.

Source:
    DICOM PS3.18, 8.7: media types of DICOM, with the parameters `type` and `transfer-syntax`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException

__all__ = ["DICOM", "EXPLICIT", "IMPLICIT", "JSON", "OCTETS", "Form", "binary_form", "require_json"]

DICOM = "application/dicom"
OCTETS = "application/octet-stream"
JSON = "application/dicom+json"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
_MULTIPART = "multipart/related"
_ANY = ("*/*", "*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How binary parts are answered."""

    syntax: str = EXPLICIT
    """UID of the transfer syntax."""
    is_multipart: bool = True


def require_json(accept: str) -> None:
    """Refuse a client that takes no JSON, with status 406."""
    known = (JSON, "application/json", "application/*", *_ANY)
    if accept.strip() and not any(media in known for media, _ in _ranges(accept)):
        raise _refused(accept, JSON)


def binary_form(accept: str, kind: str, *, is_one: bool = False) -> Form:
    """Choose how parts are sent.

    Args:
        accept: The header of the request; empty takes anything.
        kind: Media type of a part: `application/dicom`, or `application/octet-stream` for frames.
        is_one: Whether there is one part alone, which may be sent as it is.

    Raises:
        HTTPException: 406: the client takes another media type or transfer syntax alone.
    """
    for media, parameters in _ranges(accept or "*/*"):
        syntax = _syntax(parameters.get("transfer-syntax", "*"))
        is_parts = media == _MULTIPART and parameters.get("type", kind) in (kind, *_ANY)
        if syntax is not None and (is_parts or media in _ANY):
            return Form(syntax=syntax)
        if syntax is not None and is_one and media == kind:
            return Form(syntax=syntax, is_multipart=False)
    raise _refused(accept, f'{_MULTIPART}; type="{kind}"; transfer-syntax={EXPLICIT} (or {IMPLICIT})')


def _syntax(asked: str) -> str | None:
    if asked == "*":
        return EXPLICIT
    return asked if asked in (EXPLICIT, IMPLICIT) else None


def _ranges(accept: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Give each media type with its parameters, as they are listed; weights are not regarded."""
    for one in accept.split(","):
        media, *parameters = [part.strip() for part in one.split(";")]
        named = (part.partition("=") for part in parameters)
        yield media.lower(), {name.strip().lower(): value.strip().strip('"') for name, _, value in named}


def _refused(accept: str, offered: str) -> HTTPException:
    return HTTPException(406, f"the Accept {accept!r} is not offered here; accept {offered}")
