"""Routes of MONAI Label that clients may ask, and that are refused with the way to do it here."""

from collections.abc import Callable

from fastapi import APIRouter

from omentum.app.server.refusals import Refusal, refusals
from omentum.errors import MissingError, ReviewError

__all__ = ["REFUSED", "router"]

router = APIRouter(tags=["MONAI Label"])
_ADD = "images of clients are not taken; add CTs with `omentum add`"
_EXCLUDE = "cases are not removed by clients; leave one out with `omentum cases exclude`"
_NOTES = "nothing is kept about a file; note it on the review page"
_TUNE = "networks are not trained by clients; run `omentum tune`"
_PREDICT = "no network runs here; run `omentum predict`"
_NO_TRAINING = "no training runs here; `omentum tune` trains, and says how far it is"
_NO_SESSION = "there are no sessions, as images of clients are not taken; ask for a case by its name"
REFUSED: tuple[tuple[str, str, str, int], ...] = (
    ("PUT", "/datastore/", _ADD, 409),
    ("PUT", "/datastore/image", _ADD, 409),
    ("DELETE", "/datastore/", _EXCLUDE, 409),
    ("DELETE", "/datastore/image", _EXCLUDE, 409),
    (
        "DELETE",
        "/datastore/label",
        "masks stay in the record; restore an earlier one on the review page",
        409,
    ),
    ("PUT", "/datastore/image/info", _NOTES, 409),
    ("PUT", "/datastore/label/info", _NOTES, 409),
    ("PUT", "/datastore/updatelabelinfo", _NOTES, 409),
    ("GET", "/datastore/dataset", "no archive is given; make one with `omentum export`", 409),
    ("GET", "/train/", _NO_TRAINING, 404),
    ("POST", "/train/", _TUNE, 409),
    ("POST", "/train/{model}", _TUNE, 409),
    ("DELETE", "/train/", _NO_TRAINING, 404),
    ("POST", "/batch/infer/{model}", _PREDICT, 409),
    ("PUT", "/session/", _ADD, 409),
    ("GET", "/session/{session_id}", _NO_SESSION, 404),
    ("DELETE", "/session/{session_id}", _NO_SESSION, 404),
    ("GET", "/logs/", "the log is not given; the admin sees it where the server runs", 404),
    ("GET", "/logs/gpu", "the log is not given; the admin sees it where the server runs", 404),
)
"""Method, path, why and how it is done here, and status: 404 where clients take that for "there is none"."""


def _refusing(said: str, status: int) -> Callable[[], None]:
    def refuse() -> None:
        raise MissingError(said) if status == 404 else ReviewError(said)

    return refuse


for _method, _path, _said, _status in REFUSED:
    router.add_api_route(
        _path,
        _refusing(_said, _status),
        methods=[_method],
        name=f"refused {_method} {_path}",
        summary="Refused",
        description=f"Refused: {_said}.",
        status_code=_status,
        response_model=Refusal,
        responses=refusals(_status),
    )
