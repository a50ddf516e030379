"""Calibrate the levels of the error model on recorded revisions, by isotonic regression.

The prior that ships counts as much as 20 revised organs, so that the first revisions move little.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression

from omentum.errors import ProjectError
from omentum.score.error_model import LEVELS
from omentum.volumes.atomic import write_json

__all__ = ["Calibration", "LevelCounts", "Prior", "read_calibration", "shipped_prior", "write_calibration"]

PRIOR_ORGANS = 20.0
"""Number of revised organs that the prior is worth."""
RULE_PRIOR = 2.0
"""Number of organs that a rule's severity is worth."""
_BINS = 10

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LevelCounts:
    """Volume by level, of one organ or of all.

    Attributes:
        seen_ml: Volume at each level, `(256,)`, in mL.
        wrong_ml: How much of it was in an error region.
        n_organs: Revised organs that it comes from.
        rules: By plausibility rule, the organs where it was right and those where it had a finding.
    """

    seen_ml: Reals
    wrong_ml: Reals
    n_organs: int
    rules: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def none(cls) -> "LevelCounts":
        """Give empty counts."""
        return cls(np.zeros(LEVELS), np.zeros(LEVELS), 0)

    @classmethod
    def of(
        cls, levels: npt.NDArray[np.uint8], wrong: npt.NDArray[np.bool_], voxel_ml: float
    ) -> "LevelCounts":
        """Count one revised organ: its voxels' levels, and whether each was in an error region."""
        seen, found = (
            np.bincount(one, minlength=LEVELS).astype(np.float64) for one in (levels, levels[wrong])
        )
        return cls(seen * voxel_ml, found * voxel_ml, 1)

    def __add__(self, other: "LevelCounts") -> "LevelCounts":
        """Add two counts."""
        rules = dict(self.rules)
        for name, (n_right, n_said) in other.rules.items():
            before = rules.get(name, (0, 0))
            rules[name] = before[0] + n_right, before[1] + n_said
        return LevelCounts(
            self.seen_ml + other.seen_ml,
            self.wrong_ml + other.wrong_ml,
            self.n_organs + other.n_organs,
            rules,
        )

    def times(self, factor: float) -> "LevelCounts":
        """Weight the volumes; the rest stays."""
        return replace(self, seen_ml=self.seen_ml * factor, wrong_ml=self.wrong_ml * factor)

    def reliability(self, table: npt.NDArray[np.float32]) -> list[dict[str, float]]:
        """Compare predicted and observed errors: bins of probability, each with a volume.

        Returns:
            For each bin that holds anything: `said`, `seen` (mean predicted probability, observed share) and
            `volume_ml`.
        """
        edges = np.linspace(0.0, 1.0, _BINS + 1)
        bins = np.clip(np.digitize(table, edges) - 1, 0, _BINS - 1)
        rows = []
        for k in range(_BINS):
            volume = float(self.seen_ml[bins == k].sum())
            if volume > 0:
                said = float((self.seen_ml * table)[bins == k].sum()) / volume
                found = float(self.wrong_ml[bins == k].sum()) / volume
                rows.append({"said": said, "seen": found, "volume_ml": volume})
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class Prior:
    """The shipped prior: counts of an average organ, and limits of hot spots.

    Attributes:
        counts: By organ; the name `""` stands for all together, and for organs without an own row.
        flag_over: Probability of an error that makes a voxel part of a hot spot, exclusive.
        least_error_ml: Least expected error volume of a hot spot, in mL.
    """

    counts: Mapping[str, LevelCounts]
    flag_over: float
    least_error_ml: float


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The meaning of the levels after the revisions so far.

    Attributes:
        prior: What ships.
        counts: Of this project's revisions, by organ.
    """

    prior: Prior
    counts: Mapping[str, LevelCounts] = field(default_factory=dict)

    def unlearned(self) -> "Calibration":
        """Give the shipped calibration, without the revisions."""
        return Calibration(self.prior)

    def table(self, organ_name: str) -> npt.NDArray[np.float32]:
        """Give the probability of an error at each level `(256,)`, rising.

        Example:
            >>> table = Calibration(shipped_prior()).table("liver")
            >>> bool((np.diff(table) >= 0).all()), bool(table[255] > 0.2)
            (True, True)
        """
        prior = self.prior.counts.get(organ_name, self.prior.counts[""])
        seen = prior.times(PRIOR_ORGANS / prior.n_organs) + self.counts.get(organ_name, LevelCounts.none())
        weights = seen.seen_ml + 1e-6
        return np.asarray(isotonic_regression(seen.wrong_ml / weights, weights=weights).x, dtype=np.float32)

    def rule_probability(self, organ_name: str, rule: str, severity: float) -> float:
        """Estimate the probability that a rule is right of an organ, from its severity and from revisions.

        Source:
            The mean of a Beta distribution whose prior has the severity as mean and weighs `RULE_PRIOR`.

        Example:
            >>> often_wrong = {"gall_bladder": replace(LevelCounts.none(), rules={"missing": (0, 4)})}
            >>> learned = Calibration(shipped_prior(), often_wrong)
            >>> round(learned.rule_probability("gall_bladder", "missing", 0.3), 2)
            0.1
        """
        n_right, n_said = self.counts.get(organ_name, LevelCounts.none()).rules.get(rule, (0, 0))
        return (severity * RULE_PRIOR + n_right) / (RULE_PRIOR + n_said)


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write what was learned from revisions, and its reliability curves, as JSON."""
    rows = {
        name: {
            **_as_json(counts),
            "reliability": counts.reliability(calibration.unlearned().table(name)),
        }
        for name, counts in sorted(calibration.counts.items())
    }
    curve = _pooled([one for row in rows.values() for one in row["reliability"]])
    write_json(path, {"prior_organs": PRIOR_ORGANS, "reliability": curve, "organs": rows})


def read_calibration(path: Path) -> Calibration:
    """Read a calibration; the prior alone where there is no file. A damaged file raises `ProjectError`."""
    if not path.exists():
        return Calibration(shipped_prior())
    try:
        organs = json.loads(path.read_text(encoding="utf-8"))["organs"]
        return Calibration(shipped_prior(), {name: _from_json(row) for name, row in organs.items()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProjectError(
            f"{path} is not the JSON that was written; delete it and run `omentum score` again"
        ) from None


@cache
def shipped_prior() -> Prior:
    """Read the prior that comes with the package."""
    text = resources.files("omentum.score").joinpath("shipped/prior.json").read_text("utf-8")
    loaded = json.loads(text)
    counts = {name: _from_json(row) for name, row in loaded["counts"].items()}
    return Prior(counts, loaded["flag_over"], loaded["least_error_ml"])


def _pooled(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    """Join the curves of several organs, bin by bin."""
    pooled = []
    for k in range(_BINS):
        own = [row for row in rows if k / _BINS <= row["said"] < (k + 1) / _BINS + (k == _BINS - 1)]
        volume = sum(row["volume_ml"] for row in own)
        if volume > 0:
            means = {
                name: sum(row[name] * row["volume_ml"] for row in own) / volume for name in ("said", "seen")
            }
            pooled.append({**means, "volume_ml": volume})
    return pooled


def _as_json(counts: LevelCounts) -> dict[str, Any]:
    return {
        "n_organs": counts.n_organs,
        "seen_ml": [round(one, 4) for one in counts.seen_ml.tolist()],
        "wrong_ml": [round(one, 4) for one in counts.wrong_ml.tolist()],
        "rules": {name: list(pair) for name, pair in sorted(counts.rules.items())},
    }


def _from_json(row: Mapping[str, Any]) -> LevelCounts:
    seen, wrong = (np.array(row[key], dtype=np.float64).reshape(LEVELS) for key in ("seen_ml", "wrong_ml"))
    rules = {name: (int(right), int(said)) for name, (right, said) in row.get("rules", {}).items()}
    return LevelCounts(seen, wrong, int(row["n_organs"]), rules)
