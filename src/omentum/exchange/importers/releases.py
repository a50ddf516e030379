"""Import a release of another project: its CTs, and of each mask the source, the reader and the network.

Files are held against the hashes of the release. A CT or lineage that differs sets its case aside, a mask its
organ; the others come in.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from omentum.errors import OmentumError
from omentum.exchange.importers.dataset_descriptions import DatasetDescription
from omentum.exchange.importers.labels import OriginalLabel
from omentum.exchange.importers.source import FoundSources, Source, files_below
from omentum.names import checked_case_id, checked_name
from omentum.records import DecisionKind, Failure, MaskSource, ReaderAnswer
from omentum.records.released_cases import (
    LINEAGE_NAME,
    MANIFEST_NAME,
    SUMS_NAME,
    ReleasedOrigin,
    TracedMask,
)
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.labels import organ

__all__ = ["find_release"]

_CT = "ct.nii.gz"
_GET_AGAIN = "get the release again from where it was made"
_NOT_SAID = {"name": "unnamed", "licence": "not stated"}
"""How a release names a data set or licence that is not known."""


def find_release(folder: Path, _: DatasetDescription | None = None) -> FoundSources | None:
    """Import a release, or one case of it; `None` for any other folder."""
    is_case = (folder / LINEAGE_NAME).is_file() and (folder.parent / MANIFEST_NAME).is_file()
    root = folder.parent if is_case else folder
    if not ((root / MANIFEST_NAME).is_file() and (root / SUMS_NAME).is_file()):
        return None
    try:
        release = _Release(root)
    except (AttributeError, KeyError, LookupError, OSError, TypeError, ValueError) as error:
        why = f"it is no whole release: {MANIFEST_NAME} or {SUMS_NAME} cannot be read ({error}); {_GET_AGAIN}"
        return FoundSources(unusable=(Failure(key=str(root), reason=why),))
    if release.changed_lists:
        why = f"{MANIFEST_NAME} is not what {SUMS_NAME} says; {_GET_AGAIN}"
        return FoundSources(unusable=(Failure(key=str(root), reason=why),))
    return release.found([folder.name] if is_case else None)


class _Release:
    """Reads a release, and collects what is set aside.

    Args:
        root: Its folder.

    Raises:
        Exception: Its lists cannot be read: those that JSON and missing keys raise.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        manifest = json.loads((root / MANIFEST_NAME).read_text(encoding="utf-8"))
        self._sha256s: dict[str, str] = {path: row["sha256"] for path, row in manifest["files"].items()}
        self._not_in_it: dict[str, str] = {
            **{
                name: f"the release leaves it out: {why}"
                for name, why in manifest.get("left_out", {}).items()
            },
            **{name: f"its project excluded it: {why}" for name, why in manifest.get("excluded", {}).items()},
        }
        sums = dict(_sums(root / SUMS_NAME))
        self.changed_lists = sums != {**self._sha256s, MANIFEST_NAME: file_sha256(root / MANIFEST_NAME)}
        self._unusable: list[Failure] = []
        self._left_out: list[Failure] = []

    def found(self, case_ids: list[str] | None) -> FoundSources:
        """Give the cases of the release, or some of them by name."""
        lineages = (path.split("/")[0] for path in self._sha256s if path.endswith(f"/{LINEAGE_NAME}"))
        sources = [self._case(name) for name in sorted(lineages) if case_ids is None or name in case_ids]
        if case_ids is None:
            for name, why in sorted(self._not_in_it.items()):
                self._leave(self._root / name, why)
        for path in files_below(self._root):
            name = path.relative_to(self._root).as_posix()
            is_asked = case_ids is None or name.split("/")[0] in case_ids
            if is_asked and name not in {*self._sha256s, MANIFEST_NAME, SUMS_NAME}:
                self._leave(path, "it does not belong to the release")
        return FoundSources(
            sources=tuple(source for source in sources if source is not None),
            unusable=tuple(self._unusable),
            left_out=tuple(self._left_out),
        )

    def _case(self, name: str) -> Source | None:
        folder = self._root / name
        if not (self._is_as_released(f"{name}/{LINEAGE_NAME}") and self._is_as_released(f"{name}/{_CT}")):
            return None
        try:
            lineage = json.loads((folder / LINEAGE_NAME).read_text(encoding="utf-8"))
            return self._source(checked_case_id("case", name), folder, lineage)
        except (AttributeError, KeyError, OmentumError, TypeError, ValueError) as error:
            self._set_aside(folder / LINEAGE_NAME, f"it is no lineage of a case ({error!r}); {_GET_AGAIN}")
            return None

    def _source(self, name: str, folder: Path, lineage: Mapping[str, Any]) -> Source:
        masks = tuple(self._masks(folder, lineage))
        originals = tuple(mask.organ for mask in masks if mask.source is MaskSource.ORIGINAL)
        times = [mask.time for mask in masks if mask.source is MaskSource.ORIGINAL]
        label = None
        if originals:
            label = OriginalLabel(
                path=folder / "segmentations", ids="omentum", organs=originals, time=max(times)
            )
        for organ_name, said in lineage.get("held_back", {}).items():
            why = f"its mask was held back there ({'; '.join(said)}), so that it is unknown"
            self._leave(folder / organ_name, why)
        said_of = lineage["data_set"]
        data_set, licence = ("" if said_of[key] == none else said_of[key] for key, none in _NOT_SAID.items())
        origin = ReleasedOrigin(
            case_id=name,
            patient_id=checked_case_id("patient", lineage["patient_id"]),
            held_out=bool(lineage["held_out"]),
            ct_sha256=self._sha256s[f"{name}/{_CT}"],
            folder=folder,
            masks=masks,
        )
        return Source(
            path=folder / _CT,
            case_id=name,
            label=label,
            data_set=data_set,
            licence=licence,
            released=origin,
        )

    def _masks(self, folder: Path, lineage: Mapping[str, Any]) -> Iterator[TracedMask]:
        for name, row in sorted(lineage["organs"].items()):
            path = folder / "segmentations" / f"{name}.nii.gz"
            if not self._is_as_released(path.relative_to(self._root).as_posix()):
                continue
            try:
                yield _traced(organ(name).name, path, row)
            except (AttributeError, KeyError, OmentumError, TypeError, ValueError) as error:
                self._set_aside(path, f"what {LINEAGE_NAME} says of it cannot be used: {error}")
                continue
            self._tell_others(path, row)

    def _tell_others(self, path: Path, row: Mapping[str, Any]) -> None:
        """Tell of other masks of an organ, which no release has."""
        if row.get("conflicts"):
            n = len(row["conflicts"])
            self._leave(
                path, f"other readings that contradict it there ({n}) are not in the release; this one is"
            )
        if row.get("revision_kept_beside"):
            self._leave(path, "a revision that it beats there is not in the release; this mask is")

    def _is_as_released(self, name: str) -> bool:
        """Return whether a file is there with the hash of the release; set it aside if not."""
        path, expected = self._root / name, self._sha256s.get(name)
        try:
            seen = "it is missing" if not path.is_file() else ""
            seen = seen or ("" if file_sha256(path) == expected else "it was changed since it was released")
        except OSError as error:
            seen = f"it cannot be read ({error.strerror})"
        if seen:
            self._set_aside(path, f"{seen}; {_GET_AGAIN}")
        return not seen

    def _set_aside(self, path: Path, why: str) -> None:
        self._unusable.append(Failure(key=str(path), reason=why))

    def _leave(self, path: Path, why: str) -> None:
        self._left_out.append(Failure(key=str(path), reason=why))


def _traced(name: str, path: Path, row: Mapping[str, Any]) -> TracedMask:
    source = MaskSource(row["source"])
    decided = row.get("decided_by")
    mask = TracedMask(
        organ=name,
        source=source,
        path=path,
        time=datetime.fromisoformat(row["time"]),
        reader=row.get("reader") or "",
        says=ReaderAnswer(row["says"]) if row.get("says") else None,
        round_number=int(row.get("round") or 1),
        network=row.get("network") or row.get("network_shown") or "",
        weights_sha256=row.get("weights_sha256") or "",
        base_sha256=row.get("base_sha256"),
        revision_sha256=row.get("revision_sha256") or "",
        decided=DecisionKind(decided["kind"]) if decided else None,
        decided_by=decided["by"] if decided else "",
    )
    if mask.network:
        checked_name("network", mask.network)
    needed = {MaskSource.REVISED: mask.reader, MaskSource.PREDICTED: mask.network}.get(source, "known")
    if not needed:
        raise ValueError(f"it is {source.value}, and neither reader nor network is named")
    return mask


def _sums(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        sha256, _, name = line.partition(" ")
        yield (
            name.removeprefix(" ").removeprefix("*"),
            sha256,
        )  # as `sha256sum` writes it, also in binary mode
