"""Predict from mask files of other programs, such as nnU-Net or TotalSegmentator."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import fastremap
import numpy as np

from omentum.errors import ConfigError, ImageError, LabelValueError, UnreadableImageError
from omentum.networks.catalogue import AVERAGE
from omentum.predict.mask_volumes import read_organ, read_soft
from omentum.predict.masks_from_probabilities import DecidedMasks
from omentum.predict.predictors import PredictedCase
from omentum.volumes.boxes import BoxedArray, BoxedBytes
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.masks import MaskSet, NamedPart, organ_boxes
from omentum.volumes.probabilities import FULL, ProbabilityMaps
from omentum.volumes.segmentations import read_mask
from omentum.volumes.stated_names import StatedNames, check_agree, stated_names
from omentum.volumes.volume import Volume

__all__ = ["CaseFiles", "MaskFilesPredictor"]

_ENDINGS = (".nii.gz", ".nii")
_CHUNK_BYTES = 1 << 20

_Files = Mapping[str, tuple[Path, ...]]
T = TypeVar("T")
OnUnusable = Callable[[str, ImageError], None]
"""Receives an organ, and why one of its files cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFiles:
    """The files that are used of one case.

    Attributes:
        label_map: One file with all organs, if there is one; `masks` is empty then.
        masks: By organ, the files whose union is its mask.
        soft: By organ, the files whose maximum is its probability.
        entropies: By organ, the files whose maximum is its entropy.
    """

    label_map: Path | None
    masks: _Files
    soft: _Files
    entropies: _Files = field(default_factory=dict)

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them, sorted."""
        kinds = (self.masks, self.soft, self.entropies)
        several = [path for files in kinds for own in files.values() for path in own]
        return tuple(sorted(several if self.label_map is None else [self.label_map, *several]))


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskFilesPredictor:
    """Reads the predictions of a network that ran in another program.

    A case is looked for as `<case_id>.nii.gz` (a label map), else in `<case_id>/segmentations/`, else in
    `<case_id>/` with one file an organ, by the names of `ids` or our own; other files are ignored.
    Probabilities are read from `<case_id>/soft_pred/` and entropies from `<case_id>/entropy/`, if they exist.
    In a published tree the folder is `<case_id>/backbones/<name>/`, or `<case_id>/average/` for `average`.
    A label map covers all organs of `ids` (or of `organs`); an organ without a file is unknown. A hard mask
    has the probabilities 255 and 0.

    Attributes:
        name: Name in files.
        folder: Where the cases are.
        ids: What values and file names mean; as of `label_scheme`.
        organs: Those that the network knows; all that `ids` names by default.

    Raises:
        ConfigError: The folder is not there, `ids` is none, or has nothing for an organ asked for.
        UnknownOrganError: `organs` names what is none.
    """

    name: str
    folder: Path
    ids: str = "omentum"
    organs: tuple[str, ...] = ()
    _scheme: LabelScheme = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the folder and the organs before any volume is read; put the organs in order."""
        if not self.folder.is_dir():
            raise ConfigError("folder", str(self.folder), "there is no such folder; check the path")
        scheme = label_scheme(self.ids, self.folder)
        if not scheme.values:
            raise ConfigError("ids", self.ids, "it names pairs of organs only, and no single organ")
        organs = tuple(row.name for row in organs_named(self.organs or scheme.values))
        for name in organs:
            if name not in scheme.values:
                raise ConfigError("organs", name, f"{self.ids!r} has {', '.join(scheme.values)} only")
        object.__setattr__(self, "_scheme", scheme)
        object.__setattr__(self, "organs", organs)

    def find(self, case_id: str) -> CaseFiles:
        """Find the files of a case.

        Raises:
            UnreadableImageError: There are none.
        """
        case_dir = self._case_dir(case_id)
        soft = self._organ_files(case_dir / "soft_pred")
        entropies = self._organ_files(case_dir / "entropy")
        label_map = _volume(self.folder, case_id)
        if label_map is not None:
            return CaseFiles(label_map=label_map, masks={}, soft=soft, entropies=entropies)
        masks = self._organ_files(case_dir / "segmentations") or self._organ_files(case_dir)
        if not masks and not soft:
            looked = f"neither {case_id}.nii.gz nor {case_id}/ holds an organ by the names of {self.ids!r}"
            raise UnreadableImageError(
                self.folder, looked, "predict the case there, or name the ids that it uses"
            )
        return CaseFiles(label_map=None, masks=masks, soft=soft, entropies=entropies)

    def sha256(self, case_id: str) -> str:
        """Hash the files that are used of a case, their names and what they mean; errors as `find`."""
        meaning = [self._scheme.name, self.organs, sorted(self._scheme.values.items())]
        found = hashlib.sha256(json.dumps(meaning).encode())
        for path in self.find(case_id).paths:
            found.update(f"{path.relative_to(self.folder).as_posix()}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    found.update(chunk)
        return found.hexdigest()

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`; the hash is that of the case's files."""
        return {"network": self.name, "weights_sha256": self.sha256(case_id), "organs": list(self.organs)}

    def predict(self, ct: Volume, case_id: str, on_unusable: OnUnusable | None = None) -> PredictedCase:
        """See `Predictor.predict`; masks are used unchanged. Arguments and errors as of `read`."""
        maps, masks = self.read(case_id, ct.geometry, on_unusable)
        soft = self._soft_parts(self.find(case_id).entropies, ct.geometry, on_unusable)
        entropies = ProbabilityMaps(ct.geometry, tuple(soft), _occupied(soft)) if soft else None
        return PredictedCase(maps=maps, decided=DecidedMasks(masks=masks), entropies=entropies)

    def read(
        self, case_id: str, ct: Geometry, on_unusable: OnUnusable | None = None
    ) -> tuple[ProbabilityMaps, MaskSet]:
        """Read the probabilities and masks of a case.

        Args:
            case_id: The case.
            ct: The CT's grid. Files may have its axes in another order or direction.
            on_unusable: Called for each organ's file that cannot be used; the organ is then unknown, or only
                its soft prediction. Without it, such a file is an error.

        Returns:
            Probabilities and masks, both on the CT's grid. An organ with a soft prediction and no mask is
            where its probability is over a half.

        Raises:
            GridMismatchError: A file does not lie on the CT's grid: a corner is more than 1e-3 mm off.
            LabelValueError: A label map has a value that `ids` does not know, or that names in it or beside
                it have for another organ; an organ's file two values
                beside 0, or a soft prediction values above 1 (floating) or 255 (whole numbers).
            ImageError: A file is not there or cannot be read.
        """
        files = self.find(case_id)
        soft = self._soft_parts(files.soft, ct, on_unusable)
        if files.label_map is not None:
            masks = self._masks_of_map(files.label_map, ct)
        else:
            masks = _built(files.masks, soft, ct, on_unusable)
            soft = {name: part for name, part in soft.items() if name in masks.organs}
        parts = _occupied(soft)
        for name, box in organ_boxes(masks).items():
            if name not in soft and box is not None:
                parts[name] = BoxedArray(box, masks.mask_in(name, box) * np.uint8(FULL))
        return ProbabilityMaps(ct, masks.organs, parts), masks

    def _soft_parts(
        self, files: _Files, ct: Geometry, on_unusable: OnUnusable | None
    ) -> dict[str, BoxedBytes | None]:
        return dict(_usable(files, lambda paths: _soft_part(paths, ct), on_unusable))

    def _case_dir(self, case_id: str) -> Path:
        """Choose where a case's files are: in the published tree, this network's own place in it."""
        case_dir = self.folder / case_id
        if not (case_dir / "backbones").is_dir():
            return case_dir
        return case_dir / "average" if self.name == AVERAGE else case_dir / "backbones" / self.name

    def _masks_of_map(self, path: Path, ct: Geometry) -> MaskSet:
        """Take a label map's values for sets of organs, in one pass over the voxels."""
        stated = stated_names(path)
        if stated is not None:
            check_agree(path, stated, StatedNames(where=repr(self.ids), scheme=self._scheme))
        labels = read_mask(path, ct).voxels
        unknown = sorted(set(fastremap.unique(labels).tolist()) - self._scheme.known_values)
        if unknown:
            seen = f"it holds the values {', '.join(map(str, unknown))}, which {self.ids!r} does not know"
            raise LabelValueError(path, seen, "say which ids it uses, or map them to those first")
        numbers: dict[tuple[int, ...], int] = {(): 0}
        lut = np.zeros(256, dtype=np.uint8)
        for value in sorted(self._scheme.known_values):
            members = tuple(organ(name).index for name in self.organs if value in self._scheme.values[name])
            lut[value] = numbers.setdefault(members, len(numbers))
        return MaskSet(lut[labels], tuple(numbers), self.organs, ct)

    def _organ_files(self, folder: Path) -> dict[str, tuple[Path, ...]]:
        """Find the organs whose files are all there; one lobe is no lung."""
        found = {}
        for name in self.organs:
            paths = [_volume(folder, stem) for stem in self._scheme.files[name]]
            if None in paths:
                paths = [_volume(folder, organ(name).published_name)]
            present = tuple(path for path in paths if path is not None)
            if present:
                found[name] = present
        return found


def _occupied(parts: Mapping[str, BoxedBytes | None]) -> dict[str, BoxedBytes]:
    return {name: part for name, part in parts.items() if part is not None}


def _soft_part(paths: tuple[Path, ...], ct: Geometry) -> BoxedBytes | None:
    """Read soft values, and cut out all that is not zero: what was stored is kept to the byte."""
    return BoxedArray.cut_out(read_soft(paths, ct), margin_voxels=1)


def _built(
    files: _Files, soft: Mapping[str, BoxedBytes | None], ct: Geometry, on_unusable: OnUnusable | None
) -> MaskSet:
    """Code masks that are read one organ at a time; one whose file cannot be used is unknown."""
    read: list[str] = [name for name in soft if name not in files]

    def parts() -> Iterator[NamedPart]:
        for name, own in _usable(files, lambda paths: [read_organ(path, ct) for path in paths], on_unusable):
            read.append(name)
            yield from ((name, part) for part in own if part is not None)
        for name, likely in soft.items():
            if likely is not None and name not in files:
                yield name, BoxedArray(likely.box, likely.values > FULL / 2)

    masks = MaskSet.build(ct, {*files, *soft}, parts())
    return replace(masks, organs=tuple(name for name in masks.organs if name in read))


def _usable(
    files: _Files, read: Callable[[tuple[Path, ...]], T], on_unusable: OnUnusable | None
) -> Iterator[tuple[str, T]]:
    """Read the files of each organ; report those that cannot be used, or raise."""
    for name, paths in files.items():
        try:
            found = read(paths)
        except ImageError as error:
            if on_unusable is None:
                raise
            on_unusable(name, error)
        else:
            yield name, found


def _volume(folder: Path, stem: str) -> Path | None:
    paths = (folder / f"{stem}{ending}" for ending in _ENDINGS)
    return next((path for path in paths if path.is_file()), None)
