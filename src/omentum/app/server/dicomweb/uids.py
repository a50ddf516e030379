"""Make the UIDs of DICOM objects from the project's secret, the same each time."""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

__all__ = ["DicomUids"]

_KEPT_SERIES = 64


class DicomUids:
    """Keyed UIDs: without the secret no one can tell which case one is of.

    Args:
        secret: Of the project.

    Source:
        DICOM PS3.5, B.2: `2.25.` and a number of 128 bits.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._slices = lru_cache(maxsize=_KEPT_SERIES)(self._numbered_slices)

    def study(self, case_id: str) -> str:
        """Give the UID of a case's study."""
        return self._of("study", case_id)

    def ct_series(self, case_id: str) -> str:
        """Give the UID of the series of a case's CT."""
        return self._of("ct", case_id)

    def frame(self, case_id: str) -> str:
        """Give the UID of a case's frame of reference."""
        return self._of("frame", case_id)

    def slice(self, case_id: str, place: int) -> str:
        """Give the UID of a slice, from 0 at the feet."""
        return self._of("ct", case_id, place)

    def slices(self, case_id: str, n_slices: int) -> Mapping[str, int]:
        """Give the place of each slice of a CT by its UID."""
        return self._slices(case_id, n_slices)

    def masks(self, case_id: str, content: str, what: str) -> str:
        """Give the UID of a series (`series`) or object (`instance`) of masks; other masks have another.

        Args:
            case_id: The case.
            content: Hash of the masks.
            what: Of which the UID is; also `segment` and an organ.
        """
        return self._of("masks", case_id, content, what)

    def _numbered_slices(self, case_id: str, n_slices: int) -> Mapping[str, int]:
        return {self.slice(case_id, place): place for place in range(n_slices)}

    def _of(self, *parts: object) -> str:
        text = "\0".join(["DICOM UID", *map(str, parts)]).encode("utf-8", "surrogateescape")
        digest = hmac.new(self._secret, text, hashlib.sha256).digest()
        return f"2.25.{int.from_bytes(digest[:16], 'big')}"
