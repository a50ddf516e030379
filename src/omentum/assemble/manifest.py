"""Is a release whole, and is it what was released?

In:  the folder of a release.
Out: `manifest.json` (every file with hash and size, organs per source), `dataset.json` (what programs that
     train need), `SHA256SUMS` (for `sha256sum -c`); or a list of what is wrong.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omentum.assemble.lineage import LINEAGE_NAME, Lineage, file_sha256, read_lineage
from omentum.records import MaskSource
from omentum.volumes.atomic import write_json, write_text
from omentum.volumes.labels import ORGANS

__all__ = ["MANIFEST_NAME", "SUMS_NAME", "verify_release", "write_manifest"]

MANIFEST_NAME = "manifest.json"
SUMS_NAME = "SHA256SUMS"
_DATASET_NAME = "dataset.json"


def write_manifest(folder: Path, version: str, case_ids: Sequence[str]) -> Path:
    """Write the three lists of a release whose cases are all assembled.

    The same cases from the same inputs give the same bytes, whenever and in whatever order.

    Returns:
        The path of `manifest.json`.
    """
    lineages = {case_id: read_lineage(folder / case_id) for case_id in sorted(case_ids)}
    write_json(folder / _DATASET_NAME, _dataset(version, lineages))
    files = {
        f"{case_id}/{name}": sha for case_id, one in lineages.items() for name, sha in one["files"].items()
    }
    for path in [*(f"{case_id}/{LINEAGE_NAME}" for case_id in lineages), _DATASET_NAME]:
        files[path] = file_sha256(folder / path)
    sources = Counter(row["source"] for one in lineages.values() for row in one["organs"].values())
    manifest = {
        "version": version,
        "n_cases": len(lineages),
        "n_organs_by_source": {source.value: sources[source.value] for source in MaskSource},
        "files": {
            path: {"sha256": files[path], "bytes": (folder / path).stat().st_size} for path in sorted(files)
        },
    }
    write_json(folder / MANIFEST_NAME, manifest)
    files[MANIFEST_NAME] = file_sha256(folder / MANIFEST_NAME)
    write_text(folder / SUMS_NAME, "".join(f"{files[path]}  {path}\n" for path in sorted(files)))
    return folder / MANIFEST_NAME


def _dataset(version: str, lineages: dict[str, Lineage]) -> dict[str, Any]:
    return {
        "name": version,
        "modality": "CT",
        "file_ending": ".nii.gz",
        "labels": {"background": 0, **{row.name: row.index for row in ORGANS}},
        "n_cases": len(lineages),
        "cases": [
            {
                "case_id": case_id,
                "image": f"{case_id}/ct.nii.gz",
                "label": f"{case_id}/combined_labels.nii.gz",
                "organs": {name: row["source"] for name, row in one["organs"].items()},
            }
            for case_id, one in lineages.items()
        ],
    }


def verify_release(folder: Path) -> list[str]:
    """Compare every file of a release with its manifest and its checksums.

    Returns:
        One sentence for each problem; empty where all is as it was released.
    """
    manifest_path = folder / MANIFEST_NAME
    try:
        listed = json.loads(manifest_path.read_text(encoding="utf-8"))["files"]
        sums = _read_sums(folder / SUMS_NAME)
        expected = {path: row["sha256"] for path, row in listed.items()}
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        return [f"{folder} has no usable {MANIFEST_NAME} and {SUMS_NAME} ({error!r}); it is no whole release"]
    problems = []
    if sums != {**expected, MANIFEST_NAME: sums.get(MANIFEST_NAME)}:
        problems.append(f"{SUMS_NAME} and {MANIFEST_NAME} do not list the same files with the same hashes")
    if file_sha256(manifest_path) != sums.get(MANIFEST_NAME):
        problems.append(f"{MANIFEST_NAME} is not what {SUMS_NAME} says")
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    problems += [f"{path} is missing" for path in sorted(expected.keys() - present)]
    extra = present - expected.keys() - {MANIFEST_NAME, SUMS_NAME}
    problems += [f"{path} does not belong to the release" for path in sorted(extra)]
    changed = [
        path for path in sorted(expected.keys() & present) if file_sha256(folder / path) != expected[path]
    ]
    return problems + [f"{path} was changed" for path in changed]


def _read_sums(path: Path) -> dict[str, str]:
    rows = (line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return {name: sha256 for sha256, name in rows}
