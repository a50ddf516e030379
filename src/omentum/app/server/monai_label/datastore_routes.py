"""Routes of MONAI Label's datastore: cases, their CTs, and the labels that come and go."""

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, BinaryIO, Literal

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import Response

from omentum.app.server import voxel_routes
from omentum.app.server.context import CurrentProject, CurrentReader, CurrentServer, ServerState
from omentum.app.server.monai_label.info_routes import file_name, status_of
from omentum.app.server.monai_label.label_files import NIFTI, content_of
from omentum.app.server.monai_label.models import (
    DatastoreOut,
    ImageInfoOut,
    LabelInfoOut,
    SavedLabelOut,
    StatusOut,
    StoredFileOut,
    StoredImageOut,
)
from omentum.app.server.monai_label.requests import (
    CurrentExchange,
    Image,
    in_turn,
    named_values,
    read_params,
)
from omentum.app.server.refusals import refusals
from omentum.app.server.told import told_save
from omentum.errors import EditsError, MissingError
from omentum.records import TaskState
from omentum.review.blinding import seen_states
from omentum.review.label_exchange import ALL, LabelExchange
from omentum.review.label_return import LabelFile, TakenLabels, take_labels
from omentum.review.submitted_labels import ENDINGS

__all__ = ["router"]

router = APIRouter(prefix="/datastore", tags=["MONAI Label"])
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A NIfTI file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    **refusals(404, 409),
}
FINAL = "final"
Label = Annotated[str, Query(max_length=100, description="The case.")]
Tag = Annotated[str, Query(max_length=100, description="`final`, the one there is.")]


@router.get("/", responses=refusals(409))
def datastore(
    server: CurrentServer,
    reader: CurrentReader,
    output: Annotated[Literal["stats", "all"], Query()] = "stats",
) -> StatusOut | DatastoreOut:
    """Count tasks, or list all cases; those with a task that is done have a label."""
    return _listed(server, reader) if output == "all" else status_of(server, reader)


@router.head("/image", responses=_FILE, response_class=Response)
def has_image(
    project: CurrentProject, image: Image, check_sum: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Tell whether there is a case; a checksum is never known, as the file is made while it is sent."""
    project.store.cases.get(image)
    if check_sum:
        raise MissingError(f"no checksum of {image} is known; download it")
    return Response(media_type="application/octet-stream")


@router.get("/image", responses=_FILE, response_class=Response)
def image(server: CurrentServer, image: Image) -> Response:
    """Give a CT as a NIfTI file in HU."""
    answer = voxel_routes.ct_file(server, image)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name(server.project, image)}"'
    return answer


@router.get("/image/info", responses=refusals(404))
def image_info(project: CurrentProject, image: Image) -> ImageInfoOut:
    """Describe a CT."""
    grid = project.store.cases.get(image).geometry
    return ImageInfoOut(
        name=file_name(project, image),
        shape=grid.shape,
        spacing_mm=grid.spacing_mm,
        orientation=grid.orientation,
    )


@router.head("/label", responses=_FILE, response_class=Response)
def has_label(reader: CurrentReader, exchange: CurrentExchange, image: Image, tag: Tag = FINAL) -> Response:
    """Tell whether a case shows masks."""
    label_info(reader, exchange, image, tag)
    return Response(media_type="application/octet-stream")


@router.get("/label", responses=_FILE, response_class=Response)
async def label(reader: CurrentReader, exchange: CurrentExchange, label: Label, tag: Tag = FINAL) -> Response:
    """Give the masks that the review page shows of a case, as a label map numbered as `infer` does."""
    _check_tag(tag)
    content = await in_turn(_content, exchange, label, reader)
    headers = {"Content-Disposition": f'attachment; filename="{label}{NIFTI}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/label/info", responses=refusals(404, 409))
def label_info(
    reader: CurrentReader, exchange: CurrentExchange, label: Label, tag: Tag = FINAL
) -> LabelInfoOut:
    """Name the organs of which a case shows masks."""
    _check_tag(tag)
    return LabelInfoOut(organs=exchange.shown_organs(label, reader))


@router.put("/label", responses=refusals(404, 409))
async def save_label(
    server: CurrentServer,
    reader: CurrentReader,
    exchange: CurrentExchange,
    image: Image,
    label: UploadFile,
    params: Annotated[str, Form(max_length=1 << 20)] = "{}",
    tag: Tag = FINAL,
) -> SavedLabelOut:
    """Save what was changed in a label file, for the reader's tasks of the case.

    `label_info` in `params` names the values of a label map; a `.seg.nrrd` names its segments itself.
    """
    _check_tag(tag)
    named = named_values(read_params(params))
    with TemporaryDirectory(prefix="omentum-label-") as folder:
        file = LabelFile(case_id=image, reader=reader, path=Path(folder) / _name(label.filename), named=named)
        taken = await in_turn(_taken, server, exchange, file, label.file)
    return SavedLabelOut(
        image=image,
        label=image,
        saves=[told_save(one) for one in taken.saves],
        accepted=list(taken.accepted),
        unchanged=list(taken.unchanged),
        left_out=dict(taken.left_out),
    )


def _taken(server: ServerState, exchange: LabelExchange, file: LabelFile, sent: BinaryIO) -> TakenLabels:
    with file.path.open("wb") as copy:
        shutil.copyfileobj(sent, copy)
    return take_labels(exchange, server.saves, file)


def _content(exchange: LabelExchange, case_id: str, reader: str) -> bytes:
    return content_of(exchange.give(case_id, reader, ALL), NIFTI)


def _name(sent: str | None) -> str:
    """Name the file by its kind alone: what a client calls it may lead anywhere."""
    low = (sent or "").lower()
    kind = next((one for one in ENDINGS if low.endswith(one)), "")
    other = re.search(r"\.[a-z0-9]{1,8}$", low)
    return f"label{kind or (other[0] if other else '')}"


def _check_tag(tag: str) -> None:
    if tag not in ("", FINAL):
        raise EditsError(f"the tag is {tag!r}, and labels have the tag {FINAL!r} alone; leave it out")


def _listed(server: ServerState, reader: str) -> DatastoreOut:
    store = server.project.store
    number = store.rounds.current().number
    of_several = seen_states(server.project, number, reader)
    done = {one.case_id for one in store.tasks.of_round(number, TaskState.DONE)}
    done |= {one.case_id for one, state in of_several if state is TaskState.DONE}
    excluded = store.cases.excluded()
    labelled = StoredImageOut(labels={FINAL: StoredFileOut()})
    objects = {
        name: labelled if name in done else StoredImageOut()
        for name in sorted(store.cases.names())
        if name not in excluded
    }
    name = server.project.folder.root.absolute().name
    return DatastoreOut(name=name, description="CTs of an Omentum project", objects=objects)
