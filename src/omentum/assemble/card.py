"""What should somebody know who gets a release? Its data-set card.

In:  the lineage of one case after another, and how readers agree with the network.
Out: `data-set-card.md`: counts, licences, where each organ's masks come from, agreement, what is wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from omentum.assemble.licences import NOT_STATED
from omentum.assemble.lineage import Lineage
from omentum.records import MaskSource
from omentum.volumes.labels import organs_named

__all__ = ["CARD_NAME", "Agreement", "Counts"]

CARD_NAME = "data-set-card.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How revised masks of an organ agree with what the network had made.

    Attributes:
        n: Revisions.
        mean_dice: Mean Dice of the mask before and after.
    """

    n: int
    mean_dice: float


@dataclass(slots=True)
class Counts:
    """What is counted of a release, one case after another."""

    n_cases: int = 0
    n_held_out: int = 0
    patients: set[str] = field(default_factory=set)
    data_sets: Counter[tuple[str, str]] = field(default_factory=Counter)
    sources: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    empty: Counter[str] = field(default_factory=Counter)
    flags: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, lineage: Lineage) -> None:
        """Count a case."""
        self.n_cases += 1
        self.n_held_out += bool(lineage["held_out"])
        self.patients.add(lineage["patient_id"])
        self.data_sets[lineage["data_set"]["name"], lineage["data_set"]["licence"]] += 1
        for name, row in lineage["organs"].items():
            self.sources[name][row["source"]] += 1
            self.empty[name] += row["volume_ml"] == 0
            for flag in row["flags"]:
                self.flags[name, flag.split(":")[0]] += 1

    @property
    def n_by_source(self) -> dict[str, int]:
        """Masks from each source, over all organs."""
        total: Counter[str] = Counter()
        for counts in self.sources.values():
            total.update(counts)
        return {source.value: total[source.value] for source in MaskSource}

    def card(self, version: str, agreement: Mapping[str, Agreement]) -> str:
        """Write the card."""
        return "\n".join(
            [
                f"# {version}",
                "",
                f"{self.n_cases} CTs of {len(self.patients)} patients; {self.n_held_out} CTs are of patients "
                "held out for evaluation. Every file's hash is in `SHA256SUMS`, the origin of every mask in "
                "`lineage.parquet` and in each case's `lineage.json`.",
                "",
                "## Licences of the sources",
                *_table(["data set", "licence", "CTs"], self._licence_rows()),
                "",
                "## Where the masks come from",
                *_table(["organ", "masks", "original", "revised", "predicted", "empty"], self._organ_rows()),
                "",
                "A case without a mask of an organ is *unknown* for that organ, not without it.",
                "",
                "## Agreement of readers with the network",
                *_agreement(agreement),
                "",
                "## Known issues",
                *self._issues(),
                "",
            ]
        )

    def _licence_rows(self) -> list[list[str]]:
        return [[name, licence, str(n)] for (name, licence), n in sorted(self.data_sets.items())]

    def _organ_rows(self) -> list[list[str]]:
        rows = []
        for name in (row.name for row in organs_named(self.sources)):
            counts = self.sources[name]
            total = counts.total()
            shares = [f"{counts[source.value] / total:.1%}" for source in MaskSource]
            rows.append([name, str(total), *shares, str(self.empty[name])])
        return rows

    def _issues(self) -> list[str]:
        issues = []
        lacking = {name: self.n_cases - counts.total() for name, counts in sorted(self.sources.items())}
        issues += [f"- `{name}` is unknown in {n} of {self.n_cases} CTs." for name, n in lacking.items() if n]
        unstated = sum(n for (_, licence), n in self.data_sets.items() if licence == NOT_STATED)
        if unstated:
            said = "neither `data-sets.toml` nor the description of their data set states one"
            issues.append(f"- The licence of {unstated} CTs is not stated: {said}.")
        issues += [f"- `{name}`, {n} masks: {flag}." for (name, flag), n in sorted(self.flags.items())]
        return issues or ["None was found by the plausibility rules; that is no proof that there is none."]


def _agreement(agreement: Mapping[str, Agreement]) -> list[str]:
    if not agreement:
        return ["Nobody revised a mask."]
    rows = [
        [row.name, str(agreement[row.name].n), f"{agreement[row.name].mean_dice:.3f}"]
        for row in organs_named(agreement)
    ]
    return _table(["organ", "revisions", "mean Dice before and after"], rows)


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
