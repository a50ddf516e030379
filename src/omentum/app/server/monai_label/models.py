"""The JSON that routes of MONAI Label give; its keys are those that the clients read."""

from typing import Any

from pydantic import BaseModel

from omentum.app.server.models import SaveOut

__all__ = [
    "AuthOut",
    "DatastoreOut",
    "ImageInfoOut",
    "InfoOut",
    "LabelInfoOut",
    "SampleOut",
    "SavedLabelOut",
    "StatusOut",
    "TokenOut",
    "UserOut",
]


class StatusOut(BaseModel):
    """How many tasks of the round there are, and how many are done."""

    total: int
    completed: int
    label_tags: dict[str, int] = {}


class InfoOut(BaseModel):
    """What clients ask for first."""

    name: str
    description: str
    version: str
    labels: list[str]
    label_colors: dict[str, tuple[int, int, int]]
    models: dict[str, Any]
    strategies: dict[str, Any]
    trainers: dict[str, Any] = {}
    scoring: dict[str, Any] = {}
    train_stats: dict[str, Any] = {}
    datastore: StatusOut
    config: dict[str, Any] = {}
    """Old clients ask for it, and new ones refuse a server that has something in it."""


class SampleOut(BaseModel):
    """The next task, as an image to annotate; without a key where none is free."""

    id: str
    """The case."""
    name: str
    """Of the file in which clients keep the CT; no other CT ever has it."""
    path: str = ""
    """Empty: the CT is downloaded, also on the same machine."""
    url: str
    client_id: str
    task: int
    organ: str
    description: str


class ImageInfoOut(BaseModel):
    """A CT."""

    name: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str


class LabelInfoOut(BaseModel):
    """The organs of which a case shows a mask."""

    organs: list[str]


class StoredFileOut(BaseModel):
    """A file of the datastore."""

    ext: str = ".nii.gz"
    info: dict[str, Any] = {}


class StoredImageOut(BaseModel):
    """A case of the datastore, with its labels by tag."""

    image: StoredFileOut = StoredFileOut()
    labels: dict[str, StoredFileOut] = {}


class DatastoreOut(BaseModel):
    """All cases."""

    name: str
    description: str
    objects: dict[str, StoredImageOut]


class SavedLabelOut(BaseModel):
    """What became of a label file."""

    image: str
    label: str
    saves: list[SaveOut]
    accepted: list[str]
    """Organs of the task whose masks came back as they were."""
    unchanged: list[str]
    left_out: dict[str, str]
    """Why nothing was taken of an organ or a name."""


class AuthOut(BaseModel):
    """Whether clients need a token."""

    enabled: bool
    client_id: str = "omentum"
    realm: str = ""


class TokenOut(BaseModel):
    """A token for clients that logged in; `null` where no one logs in."""

    access_token: str | None
    token_type: str | None
    expires_in: int | None = None
    """Seconds."""


class UserOut(BaseModel):
    """Whose token it is."""

    username: str
    roles: list[str]
