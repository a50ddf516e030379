"""Write the masks of a case as the files that clients of MONAI Label read."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from omentum.review.label_exchange import GivenLabels
from omentum.volumes.labels import organ
from omentum.volumes.nifti_stream import nifti_stream
from omentum.volumes.slicer_segments import write_segments

__all__ = ["NIFTI", "SEGMENTS", "content_of", "multipart", "told_labels"]

NIFTI = ".nii.gz"
SEGMENTS = ".seg.nrrd"
"""Masks that overlap are whole in it; each of the others is a label map."""
_SLAB_BYTES = 1 << 20


def content_of(given: GivenLabels, ending: str) -> bytes:
    """Give the bytes of a file with that ending: `.nii.gz`, or an NRRD whose header names segments."""
    masks = given.masks
    if ending == NIFTI:
        codes = masks.codes.astype(np.uint8, copy=False)
        return b"".join(nifti_stream(masks.geometry, codes.dtype, _slabs(codes)))
    with TemporaryDirectory(prefix="omentum-labels-") as folder:
        path = Path(folder) / f"labels{ending}"
        write_segments(path, masks, given.organs)
        return path.read_bytes()


def told_labels(given: GivenLabels, ending: str) -> dict[str, Any]:
    """Say which number an organ has in a file, and its colour; organs without a voxel are not named."""
    rows = [organ(name) for name in given.organs]
    numbers = [place if ending == NIFTI else row.index for place, row in enumerate(rows, start=1)]
    return {
        "label_names": {row.name: number for row, number in zip(rows, numbers, strict=True)},
        "label_info": [
            {"name": row.name, "idx": number, "color": list(row.colour)}
            for row, number in zip(rows, numbers, strict=True)
        ],
    }


def multipart(params: dict[str, Any], name: str, content: bytes) -> tuple[bytes, str]:
    """Pack an answer as the form that clients take apart: `params` and `image`.

    Args:
        params: What is said of the file.
        name: Of the file.
        content: Its bytes.

    Returns:
        The body and its content type. Clients read the body as it comes, so it must not be sent in chunks.
    """
    boundary = secrets.token_hex(16)
    parts = [
        _part(boundary, 'name="params"', "application/json", json.dumps(params).encode()),
        _part(boundary, f'name="image"; filename="{name}"', "application/octet-stream", content),
        f"--{boundary}--\r\n".encode(),
    ]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _part(boundary: str, named: str, kind: str, content: bytes) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {named}\r\nContent-Type: {kind}\r\n\r\n"
    return head.encode() + content + b"\r\n"


def _slabs(voxels: np.ndarray[Any, np.dtype[np.uint8]]) -> Iterator[bytes]:
    n_planes = max(1, _SLAB_BYTES // max(1, voxels[:, :, 0].nbytes))
    for z in range(0, voxels.shape[2], n_planes):
        yield voxels[:, :, z : z + n_planes].tobytes(order="F")
