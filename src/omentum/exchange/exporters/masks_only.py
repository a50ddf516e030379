"""Export the masks of a release without its CTs, in one archive.

Out: `masks.tar`: of each case the combined map, a file an organ, and `ct.sha256`, which identifies the CT;
     an absent organ has a file without a voxel, an unknown one none, and `organs.json` lists both.
"""

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from omentum.exchange.exporters.absent import STATES_NAME, organ_states
from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import writing

_NAME = "masks.tar"


def _write_archive(cases: Sequence[ReleasedCase], export: Export) -> None:
    with writing(export.out / _NAME) as part, tarfile.open(part, "w") as archive:
        for case in cases:
            lineage = json.loads((case.folder / "lineage.json").read_text(encoding="utf-8"))
            sha256 = f"{lineage['files']['ct.nii.gz']}  ct.nii.gz\n"
            _add(archive, f"{case.case_id}/ct.sha256", sha256.encode())
            _add_file(archive, f"{case.case_id}/combined_labels.nii.gz", case.labels_path)
            for mask in sorted(case.masks, key=lambda one: one.organ):
                if mask.organ in export.organs:
                    _add_file(archive, f"{case.case_id}/segmentations/{mask.path.name}", mask.path)
        states = {case.case_id: organ_states(case, export.organs) for case in cases}
        _add(archive, STATES_NAME, json.dumps(states, indent=1).encode())
        for name in ("labels.json", "lineage.parquet", "data-set-card.md"):
            _add_file(archive, name, cases[0].folder.parent / name)


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as stream:
        archive.addfile(_entry(name, path.stat().st_size), stream)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_entry(name, len(content)), io.BytesIO(content))


def _entry(name: str, size: int) -> tarfile.TarInfo:
    """Say nothing of who packed it and when: the same release gives the same bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry


register(
    "masks-only",
    Exporter(
        about="an archive of masks without the CTs, which licences often forbid to give away",
        write_lists=_write_archive,
    ),
)
