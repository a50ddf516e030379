"""The route of MONAI Label that gives masks: what the review page would show, never a run of a network."""

import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Path, Query, UploadFile
from fastapi.responses import Response

from omentum.app.server.context import CurrentReader
from omentum.app.server.monai_label.info_routes import MODEL
from omentum.app.server.monai_label.label_files import NIFTI, SEGMENTS, content_of, multipart, told_labels
from omentum.app.server.monai_label.requests import CurrentExchange, Image, in_turn, read_params
from omentum.app.server.refusals import refusals
from omentum.errors import EditsError, MissingError, ReviewError
from omentum.review.label_exchange import OF_TASK, GivenLabels, LabelExchange

__all__ = ["router"]

router = APIRouter(tags=["MONAI Label"])
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A form of `params` and `image`, or one of both.",
        "content": {
            "multipart/form-data": _BINARY,
            "application/json": {"schema": {"type": "object"}},
            "application/octet-stream": _BINARY,
        },
    },
    **refusals(404, 409),
}
_ENDINGS = (NIFTI, ".nrrd", SEGMENTS)


@router.post("/infer/{model}", response_class=Response, responses=_ANSWERS)
async def infer(
    reader: CurrentReader,
    exchange: CurrentExchange,
    model: Annotated[str, Path(max_length=100)],
    image: Image = "",
    session_id: Annotated[str, Query(max_length=100)] = "",
    output: Annotated[Literal["all", "image", "json", "dicom_seg"], Query()] = "all",
    params: Annotated[str, Form(max_length=1 << 20)] = "{}",
    file: Annotated[UploadFile | None, File()] = None,
    label: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Give the mask of the reader's task, of all organs, or of one: `organs` in `params` says which."""
    if model != MODEL:
        raise MissingError(f"no model is called {model!r}; ask for {MODEL!r}, the mask that the task shows")
    _refuse_foreign(session_id, file, label)
    told = read_params(params)
    wanted, ending = str(told.get("organs") or OF_TASK), _ending(told)
    return await in_turn(_answer, exchange, image, reader, wanted=wanted, ending=ending, output=output)


def _refuse_foreign(session_id: str, file: UploadFile | None, label: UploadFile | None) -> None:
    if session_id or file is not None:
        raise ReviewError(
            "images of clients are not taken; add the CT with `omentum add`, and ask for its case"
        )
    if label is not None:
        raise ReviewError("no network runs here, so that scribbles lead to nothing; draw the mask itself")


def _ending(params: dict[str, Any]) -> str:
    ending = params.get("result_extension") or NIFTI
    if ending not in _ENDINGS:
        raise EditsError(f"result_extension is {str(ending)[:40]!r}; ask for one of {', '.join(_ENDINGS)}")
    return str(ending)


def _answer(
    exchange: LabelExchange, case_id: str, reader: str, *, wanted: str, ending: str, output: str
) -> Response:
    if output == "dicom_seg":
        raise ReviewError("a DICOM-SEG is not given here; ask for it with DICOMweb, or ask for image")
    given = exchange.give(case_id, reader, wanted, painted=ending != SEGMENTS)
    told = told_labels(given, ending)
    if output == "json":
        return Response(json.dumps(told), media_type="application/json")
    return _file(given, told, name=f"{case_id}{ending}", ending=ending, is_alone=output == "image")


def _file(given: GivenLabels, told: dict[str, Any], *, name: str, ending: str, is_alone: bool) -> Response:
    content = content_of(given, ending)
    if is_alone:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/octet-stream", headers=headers)
    body, kind = multipart(told, name, content)
    return Response(body, headers={"Content-Type": kind})
