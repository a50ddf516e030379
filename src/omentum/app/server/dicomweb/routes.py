"""Routes of DICOMweb: search (QIDO-RS) and retrieve (WADO-RS).

What speaks DICOM is loaded when it is asked for, so that the server starts without it.

Source:
    DICOM PS3.18, chapters 8 and 10.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.responses import Response, StreamingResponse

from omentum.app.server.context import CurrentReader
from omentum.app.server.dicomweb.accept import DICOM, JSON, OCTETS, binary_form, require_json
from omentum.app.server.dicomweb.multipart import multipart
from omentum.app.server.dicomweb.service import CurrentDicomWeb
from omentum.app.server.refusals import refusals

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from omentum.app.server.dicomweb.query import Query
    from omentum.app.server.dicomweb.retrieve import Instance

__all__ = ["router"]

router = APIRouter(prefix="/dicomweb", tags=["DICOMweb"])
_UID = r"^[0-9.]{1,64}$"
Uid = Annotated[str, Path(pattern=_UID, description="A UID.")]
Frames = Annotated[str, Path(pattern=r"^[0-9]{1,6}(,[0-9]{1,6}){0,999}$", description="1, or 1,2,5")]
Accept = Annotated[str, Header(max_length=4000)]
_JSON_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "DICOM JSON.", "content": {JSON: {"schema": {"type": "array"}}}},
    **refusals(404, 406, 409, 503),
}
_PARTS_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "Parts, of multipart/related.", "content": {"multipart/related": {}}},
    **refusals(404, 406, 409, 503),
}


@router.get("/studies", response_class=Response, responses=_JSON_ANSWER)
def studies(service: CurrentDicomWeb, request: Request, accept: Accept = "") -> Response:
    """Search studies, one a case."""
    from omentum.app.server.dicomweb.search import STUDY_KEYWORDS, found_studies

    query = _query(request, accept, STUDY_KEYWORDS)
    return _listed(found_studies(service, query, _root(request)), query)


@router.get("/series", response_class=Response, responses=_JSON_ANSWER)
def every_series(
    service: CurrentDicomWeb, reader: CurrentReader, request: Request, accept: Accept = ""
) -> Response:
    """Search the series of all studies."""
    from omentum.app.server.dicomweb.search import SERIES_KEYWORDS, found_series

    query = _query(request, accept, SERIES_KEYWORDS)
    return _listed(found_series(service, query, _root(request), reader=reader), query)


@router.get("/studies/{study}/series", response_class=Response, responses=_JSON_ANSWER)
def series_of_study(
    service: CurrentDicomWeb, reader: CurrentReader, request: Request, study: Uid, accept: Accept = ""
) -> Response:
    """Search the series of a study: its CT, and the masks that the reader is shown."""
    from omentum.app.server.dicomweb.search import SERIES_KEYWORDS, found_series

    query = _query(request, accept, SERIES_KEYWORDS)
    cases = [service.case(study)]
    return _listed(found_series(service, query, _root(request), cases=cases, reader=reader), query)


@router.get("/studies/{study}/instances", response_class=Response, responses=_JSON_ANSWER)
def instances_of_study(
    service: CurrentDicomWeb, reader: CurrentReader, request: Request, study: Uid, accept: Accept = ""
) -> Response:
    """Search the instances of a study."""
    return _instances(service, reader, request, (study, None), accept)


@router.get("/studies/{study}/series/{series}/instances", response_class=Response, responses=_JSON_ANSWER)
def instances_of_series(
    service: CurrentDicomWeb,
    reader: CurrentReader,
    request: Request,
    study: Uid,
    series: Uid,
    accept: Accept = "",
) -> Response:
    """Search the instances of a series."""
    return _instances(service, reader, request, (study, series), accept)


@router.get("/studies/{study}/metadata", response_class=Response, responses=_JSON_ANSWER)
def metadata_of_study(
    service: CurrentDicomWeb, reader: CurrentReader, study: Uid, accept: Accept = ""
) -> Response:
    """Give the attributes of all instances of a study, without voxels."""
    return _metadata(_made(service, reader, (study, None, None)), accept)


@router.get("/studies/{study}/series/{series}/metadata", response_class=Response, responses=_JSON_ANSWER)
def metadata_of_series(
    service: CurrentDicomWeb, reader: CurrentReader, study: Uid, series: Uid, accept: Accept = ""
) -> Response:
    """Give the attributes of the instances of a series, without voxels."""
    return _metadata(_made(service, reader, (study, series, None)), accept)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/metadata",
    response_class=Response,
    responses=_JSON_ANSWER,
)
def metadata_of_instance(
    service: CurrentDicomWeb,
    reader: CurrentReader,
    study: Uid,
    series: Uid,
    instance: Uid,
    accept: Accept = "",
) -> Response:
    """Give the attributes of an instance, without voxels."""
    return _metadata(_made(service, reader, (study, series, instance)), accept)


@router.get("/studies/{study}", response_class=Response, responses=_PARTS_ANSWER)
def study(service: CurrentDicomWeb, reader: CurrentReader, study: Uid, accept: Accept = "") -> Response:
    """Retrieve all instances of a study."""
    return _objects(_made(service, reader, (study, None, None)), accept)


@router.get("/studies/{study}/series/{series}", response_class=Response, responses=_PARTS_ANSWER)
def series(
    service: CurrentDicomWeb, reader: CurrentReader, study: Uid, series: Uid, accept: Accept = ""
) -> Response:
    """Retrieve the instances of a series."""
    return _objects(_made(service, reader, (study, series, None)), accept)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}", response_class=Response, responses=_PARTS_ANSWER
)
def instance(
    service: CurrentDicomWeb,
    reader: CurrentReader,
    study: Uid,
    series: Uid,
    instance: Uid,
    accept: Accept = "",
) -> Response:
    """Retrieve an instance."""
    return _objects(_made(service, reader, (study, series, instance)), accept, is_one=True)


@router.get(
    "/studies/{study}/series/{series}/instances/{instance}/frames/{frames}",
    response_class=Response,
    responses=_PARTS_ANSWER,
)
def frames(
    service: CurrentDicomWeb,
    reader: CurrentReader,
    study: Uid,
    series: Uid,
    instance: Uid,
    frames: Frames,
    accept: Accept = "",
) -> Response:
    """Retrieve frames of an instance: raw voxels, little-endian; bits of masks packed."""
    from omentum.app.server.dicomweb.retrieve import frames_of

    form = binary_form(accept, OCTETS, is_one="," not in frames)
    (found,) = _made(service, reader, (study, series, instance))
    parts = frames_of(found, frames)
    if form.is_multipart:
        return multipart(parts, OCTETS)
    return Response(b"".join(next(parts)), media_type=OCTETS)


def _made(
    service: CurrentDicomWeb, reader: str, uids: tuple[str, str | None, str | None]
) -> "list[Instance]":
    from omentum.app.server.dicomweb.retrieve import instances_of

    study_uid, series_uid, uid = uids
    return instances_of(service, service.case(study_uid), reader, series_uid=series_uid, uid=uid)


def _objects(found: "list[Instance]", accept: str, *, is_one: bool = False) -> Response:
    form = binary_form(accept, DICOM, is_one=is_one)
    if form.is_multipart:
        return multipart((one.part(form.syntax) for one in found), DICOM)
    return StreamingResponse(iter(found[0].part(form.syntax)), media_type=DICOM)


def _metadata(found: "list[Instance]", accept: str) -> Response:
    require_json(accept)
    return StreamingResponse(_rows(one.header() for one in found), media_type=JSON)


def _rows(datasets: "Iterable[Dataset]") -> Iterator[str]:
    """Write an array of datasets, one at a time."""
    separator = "["
    for one in datasets:
        yield separator + json.dumps(one.to_json_dict())
        separator = ","
    yield "]" if separator == "," else "[]"


def _instances(
    service: CurrentDicomWeb,
    reader: str,
    request: Request,
    uids: tuple[str, str | None],
    accept: str,
) -> Response:
    from omentum.app.server.dicomweb.search import INSTANCE_KEYWORDS, found_instances

    query = _query(request, accept, INSTANCE_KEYWORDS)
    case = service.case(uids[0])
    found = found_instances(service, query, _root(request), case=case, series_uid=uids[1], reader=reader)
    return _listed(found, query)


def _query(request: Request, accept: str, known: Iterable[str]) -> "Query":
    from omentum.app.server.dicomweb.query import read_query

    require_json(accept)
    return read_query(request.query_params.multi_items(), known=known)


def _listed(found: "list[Dataset]", query: "Query") -> Response:
    headers = {}
    if query.warnings:
        headers["Warning"] = ", ".join(f'299 omentum "{said}"' for said in query.warnings)
    return Response("".join(_rows(found)), media_type=JSON, headers=headers)


def _root(request: Request) -> str:
    return f"{str(request.base_url).rstrip('/')}/dicomweb"
