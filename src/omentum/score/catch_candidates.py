"""Describe a mask into which an error may be planted, and derive seeds that no one can foresee."""

import hashlib
import hmac
from dataclasses import dataclass

from omentum.project.paths import read_secret
from omentum.project.project import Project
from omentum.records import Case, Prediction, StandingMask

__all__ = ["TrialCandidate", "seed_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCandidate:
    """A mask that a person has vouched for."""

    case: Case
    mask: StandingMask
    prediction: Prediction
    """Of the round's network, in whose place the mask will be shown."""

    @property
    def key(self) -> tuple[str, str]:
        """Case and organ."""
        return self.case.case_id, self.mask.organ


def seed_of(project: Project, round_number: int, key: tuple[str, str]) -> int:
    """Derive a seed from the project's secret, so that a reader cannot work out what was planted."""
    text = f"catch trial {round_number} {key[0]} {key[1]}"
    digest = hmac.new(read_secret(project.folder), text.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") >> 1
