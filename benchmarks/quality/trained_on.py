"""Read what weights learned from: nothing that they learned from may say how good they are.

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

from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ValidationError

from omentum.errors import CheckpointError

__all__ = ["FIRST_UNSEEN_SEED", "TrainedOn", "read_trained_on"]

FIRST_UNSEEN_SEED, LAST_UNSEEN_SEED = 5000, 5999
"""Phantoms of these seeds are kept for evaluation."""


class Learned(BaseModel, frozen=True, extra="forbid"):
    """One thing that weights were fitted to: where it lies below the data folder, who made its labels."""

    path: str
    labels_by: str | None


class TrainedOn(BaseModel, frozen=True, extra="forbid"):
    """All that weights were fitted to."""

    weights_sha256: str
    phantom_seeds: tuple[tuple[int, int], ...]
    data: tuple[Learned, ...]

    def shares(self, files: tuple[str, ...]) -> str | None:
        """Name what was learned from of these files, or of folders that hold them or lie in them."""
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
    path = weights.parent / "trained-on.json"
    try:
        told = TrainedOn.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        cure = f"write there what the weights {weights_sha256} learned from ({error})"
        raise CheckpointError(path, cure) from None
    if told.weights_sha256 != weights_sha256:
        about = f"it is about the weights {told.weights_sha256}, and these are {weights_sha256}"
        raise CheckpointError(path, f"{about}; bring it up to date")
    if any(first <= LAST_UNSEEN_SEED and last >= FIRST_UNSEEN_SEED for first, last in told.phantom_seeds):
        kept = f"{FIRST_UNSEEN_SEED} to {LAST_UNSEEN_SEED}"
        raise CheckpointError(path, f"phantoms {kept} are for evaluation; train on other seeds")
    lost = [one.path for one in told.data if data_folder and not (data_folder / one.path).exists()]
    if lost:
        raise CheckpointError(path, f"{', '.join(lost)} is nothing below the data folder; correct the path")
    return told


def _overlap(one: str, other: str) -> bool:
    a, b = PurePosixPath(one), PurePosixPath(other)
    return a.is_relative_to(b) or b.is_relative_to(a)
