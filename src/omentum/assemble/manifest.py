"""Write the lists of a release, and verify a release against them. One case is in memory at a time.

`manifest.json` has every file with hash and size, organs per source, cases left out, and length and hash of
the audit log; `dataset.json` is for programs that train, `SHA256SUMS` for `sha256sum -c`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from omentum.assemble.card import CARD_NAME, ReleaseCounts, ReleaseNotes
from omentum.assemble.lineage import LINEAGE_NAME, Lineage, read_lineage
from omentum.assemble.lineage_table import TABLE_NAME, writing_table
from omentum.errors import ReleaseError
from omentum.project.log_anchors import ANCHOR_KEY, anchor_json
from omentum.records.released_cases import MANIFEST_NAME, SUMS_NAME
from omentum.volumes.atomic import write_text, writing
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import ORGANS
from omentum.volumes.mask_files import write_label_table

__all__ = [
    "MANIFEST_NAME",
    "SUMS_NAME",
    "listed_files",
    "read_left_out",
    "read_sums",
    "verify_release",
    "write_manifest",
]

_DATASET_NAME = "dataset.json"
_LABELS_NAME = "labels.json"


def write_manifest(
    folder: Path, version: str, case_ids: Sequence[str], notes: ReleaseNotes | None = None
) -> Path:
    """Write the lists of a release whose cases are all assembled.

    The same cases from the same inputs, and the same audit log, give the same bytes, whenever and in whatever
    order.

    Returns:
        The path of `manifest.json`.
    """
    counts, notes = ReleaseCounts(), notes or ReleaseNotes()
    with ExitStack() as opened:
        sums = opened.enter_context(_text(folder / SUMS_NAME))
        manifest = opened.enter_context(_text(folder / MANIFEST_NAME))
        manifest.write(f'{{\n"version": {json.dumps(version)},\n"files": {{')
        listed = _Listed(folder, manifest, sums)
        with writing_table(folder / TABLE_NAME) as add_to_table, _text(folder / _DATASET_NAME) as dataset:
            dataset.write(json.dumps(_about(version, len(case_ids)), indent=1)[:-2] + ',\n "cases": [')
            for place, case_id in enumerate(sorted(case_ids, key=lambda one: f"{one}/")):
                lineage = read_lineage(folder / case_id)
                counts.add(lineage)
                add_to_table(lineage)
                dataset.write((",\n" if place else "\n") + json.dumps(_dataset_row(case_id, lineage)))
                listed.add_case(case_id, lineage)
            dataset.write("\n]}\n")
        write_text(folder / CARD_NAME, counts.card(version, notes))
        write_label_table(folder / _LABELS_NAME)
        for name in (CARD_NAME, _DATASET_NAME, _LABELS_NAME, TABLE_NAME):
            listed.add(name, file_sha256(folder / name))
        totals = {
            "n_cases": counts.n_cases,
            "n_organs_by_source": counts.n_by_source,
            "left_out": dict(sorted(notes.left_out.items())),
            "excluded": dict(sorted(notes.excluded.items())),
            **({} if notes.log is None else {ANCHOR_KEY: anchor_json(notes.log)}),
        }
        manifest.write("\n},\n" + json.dumps(totals, ensure_ascii=False)[1:] + "\n")
        manifest.flush()
        sums.write(f"{file_sha256(Path(manifest.name))}  {MANIFEST_NAME}\n")
    return folder / MANIFEST_NAME


@dataclass(slots=True)
class _Listed:
    """Puts files into the manifest and the checksums."""

    folder: Path
    manifest: IO[str]
    sums: IO[str]
    before: str = "\n"

    def add(self, path: str, sha256: str) -> None:
        row = {"sha256": sha256, "bytes": (self.folder / path).stat().st_size}
        self.manifest.write(f"{self.before}{json.dumps(path)}: {json.dumps(row)}")
        self.before = ",\n"
        self.sums.write(f"{sha256}  {path}\n")

    def add_case(self, case_id: str, lineage: Lineage) -> None:
        for name, sha256 in sorted(lineage["files"].items()):
            self.add(f"{case_id}/{name}", sha256)
        path = f"{case_id}/{LINEAGE_NAME}"
        self.add(path, file_sha256(self.folder / path))


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with writing(path) as part, part.open("w", encoding="utf-8") as stream:
        yield stream


def _about(version: str, n_cases: int) -> dict[str, Any]:
    return {
        "name": version,
        "modality": "CT",
        "file_ending": ".nii.gz",
        "labels": {"background": 0, **{row.name: row.index for row in ORGANS}},
        "n_cases": n_cases,
    }


def _dataset_row(case_id: str, lineage: Lineage) -> dict[str, Any]:
    return {
        "case_id": case_id,
        "patient_id": lineage["patient_id"],
        "held_out": lineage["held_out"],
        "image": f"{case_id}/ct.nii.gz",
        "label": f"{case_id}/combined_labels.nii.gz",
        "organs": {name: row["source"] for name, row in lineage["organs"].items()},
    }


def read_left_out(folder: Path) -> ReleaseNotes:
    """Read which cases a release leaves out, and why; none where an older version of the program made it."""
    manifest = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    return ReleaseNotes(left_out=manifest.get("left_out", {}), excluded=manifest.get("excluded", {}))


def verify_release(folder: Path) -> list[str]:
    """Compare every file of a release with its manifest and its checksums.

    Returns:
        One sentence for each problem; empty where all is as it was released.
    """
    try:
        expected, problems = _read_lists(folder)
    except ReleaseError as error:
        return [str(error)]
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    problems += [f"{path} is missing" for path in sorted(expected.keys() - present)]
    extra = present - expected.keys() - {MANIFEST_NAME, SUMS_NAME}
    problems += [f"{path} does not belong to the release" for path in sorted(extra)]
    changed = [
        path for path in sorted(expected.keys() & present) if file_sha256(folder / path) != expected[path]
    ]
    return problems + [f"{path} was changed" for path in changed]


def listed_files(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of every file of a release by its path, but for those of the two lists themselves.

    Raises:
        ReleaseError: The lists are missing, damaged, or contradict each other.
    """
    expected, problems = _read_lists(folder)
    if problems:
        raise ReleaseError(f"{folder} is not what was released: {problems[0]}; bring it back from a backup")
    return expected


def _read_lists(folder: Path) -> tuple[dict[str, str], list[str]]:
    """Read the hashes of the manifest, and say where the two lists contradict each other."""
    manifest_path = folder / MANIFEST_NAME
    try:
        listed = json.loads(manifest_path.read_text(encoding="utf-8"))["files"]
        sums = read_sums((folder / SUMS_NAME).read_text(encoding="utf-8"))
        expected = {path: row["sha256"] for path, row in listed.items()}
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        seen = f"{folder} has no usable {MANIFEST_NAME} and {SUMS_NAME} ({error!r})"
        raise ReleaseError(f"{seen}; it is no whole release") from None
    problems = []
    if sums != {**expected, MANIFEST_NAME: sums.get(MANIFEST_NAME)}:
        problems.append(f"{SUMS_NAME} and {MANIFEST_NAME} do not list the same files with the same hashes")
    if file_sha256(manifest_path) != sums.get(MANIFEST_NAME):
        problems.append(f"{MANIFEST_NAME} is not what {SUMS_NAME} says")
    return expected, problems


def read_sums(text: str) -> dict[str, str]:
    r"""Read the lines of `SHA256SUMS`: each file's hash by its path; `ValueError` if one is no such line.

    Example:
        >>> read_sums("0a1b  a/ct.nii.gz\n")
        {'a/ct.nii.gz': '0a1b'}
    """
    rows = (line.split("  ", 1) for line in text.splitlines())
    return {name: sha256 for sha256, name in rows}
