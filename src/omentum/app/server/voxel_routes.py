"""Routes of voxels: the CT, masks and attention, any box of them, raw or as NIfTI."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from fastapi import APIRouter, Path, Query
from fastapi.responses import Response, StreamingResponse

from omentum.app.server.context import CurrentPerson, CurrentReader, CurrentServer, ServerState
from omentum.app.server.refusals import refusals
from omentum.app.server.task_routes import CurrentTask
from omentum.app.server.visitors import Visitor
from omentum.errors import EditsError
from omentum.records import Task
from omentum.records.people import Role
from omentum.review.adjudicate import may_adjudicate, sources_of
from omentum.review.mask_view import MaskView
from omentum.volumes.boxes import box_shape, whole
from omentum.volumes.decoded import DecodedVolume, Step
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.nifti_stream import nifti_stream

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["voxels"])
_BINARY = "application/octet-stream"
_AT_ONCE_BYTES = 16 << 20
"""A larger answer is streamed."""
_HEADERS = {
    f"X-Omentum-{name}": {"description": said, "schema": {"type": "string"}}
    for name, said in {
        "Shape": "Voxels along each axis, after the step.",
        "Dtype": "int16, uint8 or uint16; little-endian.",
        "Box": "The box that was read.",
        "Step": "Every how many-th voxel.",
    }.items()
}
_VOXELS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Raw voxels, first axis fastest; of a .nii.gz route the file.",
        "content": {_BINARY: {"schema": {"type": "string", "format": "binary"}}},
        "headers": _HEADERS,
    },
    **refusals(404, 409),
}
Case = Annotated[str, Path(max_length=100)]
Source = Annotated[
    str,
    Path(
        max_length=120,
        description="shown, original, predicted:<network> or revision:<number>; in adjudication also "
        "common, majority or staple",
    ),
]
BoxText = Annotated[
    str | None,
    Query(alias="box", pattern=r"^[0-9]{1,4}(,[0-9]{1,4}){5}$", description="i0,i1,j0,j1,k0,k1"),
]
StepText = Annotated[
    str, Query(alias="step", pattern=r"^[1-9][0-9]?(,[1-9][0-9]?,[1-9][0-9]?)?$", description="2 or 2,2,1")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A box of a grid, and every how many-th voxel of it."""

    geometry: Geometry
    box: Box
    step: Step

    @classmethod
    def asked(cls, geometry: Geometry, box: str | None, step: str) -> "_Part":
        every = [int(one) for one in step.split(",")]
        x, y, z = every * 3 if len(every) == 1 else every
        return cls(geometry=geometry, box=_box(geometry, box), step=(x, y, z))

    @property
    def shape(self) -> tuple[int, int, int]:
        x, y, z = (-(-side // every) for side, every in zip(box_shape(self.box), self.step, strict=True))
        return x, y, z

    def headers(self, dtype: np.dtype[Any]) -> dict[str, str]:
        bounds = [bound for part in self.box for bound in (part.start, part.stop)]
        return {
            "X-Omentum-Shape": _listed(self.shape),
            "X-Omentum-Dtype": dtype.name,
            "X-Omentum-Box": _listed(bounds),
            "X-Omentum-Step": _listed(self.step),
        }


@router.get("/cases/{case_id}/ct", response_class=Response, responses=_VOXELS)
def ct(server: CurrentServer, case_id: Case, box: BoxText = None, step: StepText = "1") -> Response:
    """Give a CT in HU, or a box of it."""
    part = _Part.asked(server.project.store.cases.get(case_id).geometry, box, step)
    return _decoded(server.masks.ct(case_id), part)


@router.get("/cases/{case_id}/ct.nii.gz", response_class=Response, responses=_VOXELS)
def ct_file(server: CurrentServer, case_id: Case, box: BoxText = None) -> Response:
    """Give a CT as a NIfTI file, int16."""
    part = _Part.asked(server.project.store.cases.get(case_id).geometry, box, "1")
    return _file(server.masks.ct(case_id), part)


@router.get("/tasks/{number}/masks/{source}.nii.gz", response_class=Response, responses=_VOXELS)
def mask_file(
    server: CurrentServer, person: CurrentPerson, task: CurrentTask, source: Source, box: BoxText = None
) -> Response:
    """Give masks as a painted label map with 32-class indices, uint8, in a NIfTI file."""
    view = _view(server, person, task, source)
    part = _Part.asked(view.geometry, box, "1")
    labels = view.masks(part.box).painted()
    grid = view.geometry.cropped(part.box)
    return _streamed(nifti_stream(grid, labels.dtype, _slabs(labels)), {})


@router.get("/tasks/{number}/masks/{source}", response_class=Response, responses=_VOXELS)
def masks(
    server: CurrentServer,
    person: CurrentPerson,
    task: CurrentTask,
    source: Source,
    box: BoxText = None,
    step: StepText = "1",
) -> Response:
    """Give the masks of one source, set-coded: the header X-Omentum-Sets says what each code holds."""
    view = _view(server, person, task, source)
    part = _Part.asked(view.geometry, box, step)
    if view.is_plain and view.coded is not None:
        return _decoded(view.coded, part, _sets(view.sets, view.organs))
    found = view.masks(part.box)
    codes = found.codes[tuple(slice(None, None, every) for every in part.step)]
    headers = part.headers(codes.dtype) | _sets(found.sets, found.organs)
    return _whole(codes, headers)


@router.get("/tasks/{number}/attention.nii.gz", response_class=Response, responses=_VOXELS)
def attention_file(
    server: CurrentServer, reader: CurrentReader, task: CurrentTask, box: BoxText = None
) -> Response:
    """Give the attention map of a task's organ as a NIfTI file, uint8."""
    about = server.masks.about(task, reader)
    return _file(server.masks.attention(about), _Part.asked(about.facts.case.geometry, box, "1"))


@router.get("/tasks/{number}/attention", response_class=Response, responses=_VOXELS)
def attention(
    server: CurrentServer,
    reader: CurrentReader,
    task: CurrentTask,
    box: BoxText = None,
    step: StepText = "1",
) -> Response:
    """Give the attention map of a task's organ: the probability of an error times 255."""
    about = server.masks.about(task, reader)
    return _decoded(server.masks.attention(about), _Part.asked(about.facts.case.geometry, box, step))


def _view(server: ServerState, person: Visitor, task: Task, source: str) -> MaskView:
    """Open the masks of one source; who adjudicates the task sees its readings, too."""
    about = server.masks.about(task, person.name)
    readings = server.readings.of(about) if person.may(Role.ADJUDICATOR) else ()
    if source in sources_of(readings) and may_adjudicate(server.project, task, person.name, readings):
        return server.readings.view(about, readings, source)
    return server.masks.view(about, source)


def _box(geometry: Geometry, text: str | None) -> Box:
    if text is None:
        return whole(geometry.shape)
    bounds = [int(one) for one in text.split(",")]
    low, high = bounds[::2], bounds[1::2]
    if any(not a < b <= side for a, b, side in zip(low, high, geometry.shape, strict=True)):
        raise EditsError(f"the box {text} does not lie in the CT's {geometry.shape} voxels")
    x, y, z = (slice(a, b) for a, b in zip(low, high, strict=True))
    return x, y, z


def _decoded(volume: DecodedVolume, part: _Part, more: dict[str, str] | None = None) -> Response:
    headers = part.headers(volume.dtype) | (more or {})
    n_bytes = int(np.prod(part.shape)) * volume.dtype.itemsize
    if n_bytes <= _AT_ONCE_BYTES:
        return Response(
            volume.part(part.box, part.step).tobytes(order="F"), headers=headers, media_type=_BINARY
        )
    return _streamed(volume.slabs(part.box, part.step), headers | {"Content-Length": str(n_bytes)})


def _file(volume: DecodedVolume, part: _Part) -> Response:
    grid = part.geometry.cropped(part.box)
    return _streamed(nifti_stream(grid, volume.dtype, volume.slabs(part.box)), {})


def _whole(voxels: npt.NDArray[Any], headers: dict[str, str]) -> Response:
    if voxels.nbytes <= _AT_ONCE_BYTES:
        return Response(voxels.tobytes(order="F"), headers=headers, media_type=_BINARY)
    return _streamed(_slabs(voxels), headers | {"Content-Length": str(voxels.nbytes)})


def _streamed(pieces: Iterator[bytes], headers: dict[str, str]) -> Response:
    return StreamingResponse(pieces, headers=headers, media_type=_BINARY)


def _slabs(voxels: npt.NDArray[Any]) -> Iterator[bytes]:
    n_planes = max(1, (1 << 20) // max(1, voxels[:, :, 0].nbytes))
    for z in range(0, voxels.shape[2], n_planes):
        yield voxels[:, :, z : z + n_planes].tobytes(order="F")


def _sets(sets: tuple[tuple[int, ...], ...], organs: tuple[str, ...]) -> dict[str, str]:
    told = json.dumps([list(members) for members in sets], separators=(",", ":"))
    return {"X-Omentum-Sets": told, "X-Omentum-Organs": ",".join(organs)}


def _listed(numbers: list[int] | tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))
