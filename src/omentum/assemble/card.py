"""Write the data-set card of a release: counts, licences, sources of masks, agreement, known issues."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from omentum.assemble.licences import NOT_STATED
from omentum.assemble.lineage import Lineage
from omentum.records import MaskSource
from omentum.records.audit_log import LogAnchor
from omentum.volumes.labels import organs_named

__all__ = ["CARD_NAME", "Agreement", "ReleaseCounts", "ReleaseNotes"]

CARD_NAME = "data-set-card.md"
_NAMED_AT_MOST = 20
"""Cases that a line names; the lineage of each says the same."""
_FLAG = "`{organ}`: {said}"
_HELD = "`{organ}` is held back until a person confirms it, and unknown here: {said}"
_CONFLICT = "`{organ}`: readers disagree, and no person has decided"
_CT = "the whole CT: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How revised masks of an organ agree with the predicted ones."""

    n: int
    """Revisions of predicted masks."""
    mean_dice: float
    """Mean Dice of the mask before and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNotes:
    """What a release reports beside its cases."""

    agreement: Mapping[str, Agreement] = field(default_factory=dict)
    """Agreement of readers and networks, by organ."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why a case could not be released, by case."""
    excluded: Mapping[str, str] = field(default_factory=dict)
    """Why a person excluded a case, by case."""
    log: LogAnchor | None = None
    """Length and hash of the project's audit log; `None` without a project."""


@dataclass(slots=True)
class ReleaseCounts:
    """Counts over the cases of a release."""

    n_cases: int = 0
    n_held_out: int = 0
    patients: set[str] = field(default_factory=set)
    data_sets: Counter[tuple[str, str]] = field(default_factory=Counter)
    sources: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    empty: Counter[str] = field(default_factory=Counter)
    issues: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What is wrong, in words, and in which cases."""

    def add(self, lineage: Lineage) -> None:
        """Count a case."""
        self.n_cases += 1
        self.n_held_out += bool(lineage["held_out"])
        self.patients.add(lineage["patient_id"])
        self.data_sets[lineage["data_set"]["name"], lineage["data_set"]["licence"]] += 1
        for name, row in lineage["organs"].items():
            self.sources[name][row["source"]] += 1
            self.empty[name] += row["volume_ml"] == 0
        for issue in _issues_of(lineage):
            self.issues[issue].append(lineage["case_id"])

    @property
    def n_by_source(self) -> dict[str, int]:
        """Masks from each source, over all organs."""
        total: Counter[str] = Counter()
        for counts in self.sources.values():
            total.update(counts)
        return {source.value: total[source.value] for source in MaskSource}

    def card(self, version: str, notes: ReleaseNotes) -> str:
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
                *_agreement(notes.agreement),
                "",
                "## Known issues",
                *self._issues(),
                "",
                "## Left out",
                *_left_out(notes),
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
        issues += [f"- {issue} ({_named(case_ids)})." for issue, case_ids in sorted(self.issues.items())]
        return issues or ["None was found by the plausibility rules; that is no proof that there is none."]


def _issues_of(lineage: Lineage) -> Iterator[str]:
    """Give what is wrong with a case, in words."""
    for said in lineage["ct_flags"]:
        yield _CT.format(said=said)
    for name, found in lineage["held_back"].items():
        yield _HELD.format(organ=name, said=" and ".join(found))
    for name, row in lineage["organs"].items():
        for said in row["flags"]:
            yield _FLAG.format(organ=name, said=said)
        if "conflicts" in row:
            yield _CONFLICT.format(organ=name)


def _named(case_ids: Sequence[str]) -> str:
    """Name cases, the first ones only where there are many.

    Example:
        >>> _named(["a", "b"])
        'a, b'
    """
    shown = ", ".join(case_ids[:_NAMED_AT_MOST])
    more = len(case_ids) - _NAMED_AT_MOST
    return shown if more <= 0 else f"{shown} and {more} more, whose `lineage.json` says so too"


def _left_out(notes: ReleaseNotes) -> list[str]:
    lines = [f"- `{case_id}`: {why}." for case_id, why in sorted(notes.left_out.items())]
    lines += [f"- `{case_id}` was excluded: {why}." for case_id, why in sorted(notes.excluded.items())]
    return lines or ["No case of the project is left out."]


def _agreement(agreement: Mapping[str, Agreement]) -> list[str]:
    if not agreement:
        return ["No mask was revised."]
    rows = [
        [row.name, str(agreement[row.name].n), f"{agreement[row.name].mean_dice:.3f}"]
        for row in organs_named(agreement)
    ]
    return _table(["organ", "revisions", "mean Dice before and after"], rows)


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    lines = [columns, ["---"] * len(columns), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
