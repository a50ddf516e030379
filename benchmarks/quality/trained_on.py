"""What did weights learn from? Nothing that they learned from may say how good they are.

In:  `trained-on.json`, beside the weights; written by whoever trained them.
Out: the scan, or the maker of labels, that a reference has in common with it.

The file names the weights by their hash, so that it is never taken for a word about others:

    {"weights_sha256": "<of the tensors, as `omentum models show` says it>",
     "phantom_seeds": [[1000, 1119]],
     "data": [{"path": "crlm_1004", "labels_by": "OBELISK"}]}

`phantom_seeds` are first and last seed of each range. `data` is everything else that took part in fitting any
of the weights, or those they began from: a file or folder below `shared/data`, and who made its labels
(`null` where none were used): `person`, or the network by its name.
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from omentum.errors import CheckpointError

__all__ = ["FIRST_UNSEEN_SEED", "TRAINED_ON_FILE", "Learned", "TrainedOn", "read_trained_on"]

TRAINED_ON_FILE = "trained-on.json"
FIRST_UNSEEN_SEED, LAST_UNSEEN_SEED = 5000, 5999
"""Phantoms of these seeds are kept for evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """One thing that weights were fitted to: where it lies below the data folder, who made its labels."""

    path: str
    labels_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedOn:
    """All real data that weights were fitted to."""

    data: tuple[Learned, ...]

    def shares(self, files: tuple[str, ...]) -> str | None:
        """Name what was learned from of these files, or of folders that hold them or lie in them.

        Example:
            >>> TrainedOn(data=(Learned(path="a/dicom", labels_by=None),)).shares(("a", "b/ct.nii.gz"))
            'a/dicom'
        """
        return next((one.path for one in self.data if any(_overlap(one.path, file) for file in files)), None)

    def taught_by(self, maker: str) -> tuple[str, ...]:
        """Name the data whose labels came from a maker."""
        return tuple(one.path for one in self.data if maker in (one.labels_by or ""))


def read_trained_on(weights: Path, weights_sha256: str, data_folder: Path | None) -> TrainedOn:
    """Read and check what is written beside weights.

    Args:
        weights: Their file.
        weights_sha256: Hash of its tensors.
        data_folder: Where each path must exist, so that no slip of the pen hides a scan; `None` where
            there are no real CTs to be scored.

    Raises:
        CheckpointError: Nothing is written there, it is about other weights, or it cannot be right.
    """
    path = weights.parent / TRAINED_ON_FILE
    if not path.is_file():
        raise CheckpointError(
            path, f"there is no such file; write there what the weights {weights_sha256} learned from"
        )
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        about = content["weights_sha256"]
        seeds = [(int(first), int(last)) for first, last in content["phantom_seeds"]]
        data = tuple(Learned(path=str(one["path"]), labels_by=one["labels_by"]) for one in content["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            path, f"it does not say what `quality/trained_on.py` asks for ({error!r})"
        ) from None
    if about != weights_sha256:
        raise CheckpointError(
            path, f"it is about the weights {about}, and these are {weights_sha256}; bring it up to date"
        )
    if any(first <= LAST_UNSEEN_SEED and last >= FIRST_UNSEEN_SEED for first, last in seeds):
        kept = f"{FIRST_UNSEEN_SEED} to {LAST_UNSEEN_SEED}"
        raise CheckpointError(path, f"phantoms {kept} are for evaluation; train on other seeds")
    lost = [one.path for one in data if data_folder and not _is_below(data_folder, one.path)]
    if lost:
        raise CheckpointError(path, f"{', '.join(lost)} is nothing below the data folder; correct the path")
    return TrainedOn(data=data)


def _is_below(folder: Path, path: str) -> bool:
    pure = PurePosixPath(path)
    return pure.parts != () and not {"..", "/"} & set(pure.parts) and (folder / pure).exists()


def _overlap(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a.is_relative_to(b) or b.is_relative_to(a)
