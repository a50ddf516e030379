"""Predict from mask files of other programs, such as nnU-Net or TotalSegmentator."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from pathlib import Path
from typing import Any, TypeVar

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import ConfigError, ImageError, LabelValueError, UnreadableImageError
from omentum.measures.probability_bytes import nearest_bytes
from omentum.networks.catalogue import AVERAGE
from omentum.predict.predictors import PredictedCase
from omentum.volumes.boxes import BoxedArray, BoxedBytes, BoxedMask, bounding_box
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import LabelScheme, label_scheme
from omentum.volumes.labels import organ, organs_named
from omentum.volumes.masks import MaskSet, NamedPart, organ_boxes
from omentum.volumes.probabilities import FULL, ProbabilityMaps
from omentum.volumes.read import check_finite
from omentum.volumes.segmentations import read_mask, read_on_grid
from omentum.volumes.stated_names import StatedNames, check_agree, stated_names
from omentum.volumes.volume import Volume

__all__ = ["CaseFiles", "MaskFilesPredictor"]

_ENDINGS = (".nii.gz", ".nii")
_ROUNDING = 1e-3
"""Floating probabilities may be this much below 0 or above 1."""

_Files = Mapping[str, tuple[Path, ...]]
_Soft = Mapping[str, BoxedBytes | None]
_ReadMasks = Iterable[tuple[str, list[BoxedMask]]]
T = TypeVar("T")


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
    entropies: _Files

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
    has the probabilities 255 and 0; an organ with a soft prediction alone is where that is over a half.

    Attributes:
        name: Name in files.
        folder: Where the cases are.
        ids: What values and file names mean; as of `label_scheme`.
        organs: Those that the network knows; all that `ids` names by default.
        skips_unusable: Leave out and note an organ's file that cannot be used, instead of raising an error.

    Raises:
        ConfigError: The folder is not there, `ids` is none, or has nothing for an organ asked for.
        UnknownOrganError: `organs` names what is none.
    """

    name: str
    folder: Path
    ids: str = "omentum"
    organs: tuple[str, ...] = ()
    skips_unusable: bool = False
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
        label_map = _volume(self.folder, case_id)
        masks: _Files = {}
        if label_map is None:
            masks = self._organ_files(case_dir / "segmentations") or self._organ_files(case_dir)
        soft = self._organ_files(case_dir / "soft_pred")
        if label_map is None and not masks and not soft:
            looked = f"neither {case_id}.nii.gz nor {case_id}/ holds an organ by the names of {self.ids!r}"
            cure = "predict the case there, or name the ids that it uses"
            raise UnreadableImageError(self.folder, looked, cure)
        entropies = self._organ_files(case_dir / "entropy")
        return CaseFiles(label_map=label_map, masks=masks, soft=soft, entropies=entropies)

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`; the hash is that of the case's files, their names and what they mean."""
        meaning = [self._scheme.name, self.organs, sorted(self._scheme.values.items())]
        found = hashlib.sha256(json.dumps(meaning).encode())
        for path in self.find(case_id).paths:
            found.update(f"{path.relative_to(self.folder).as_posix()}\0{path.stat().st_size}\0".encode())
            with path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    found.update(chunk)
        return {"network": self.name, "weights_sha256": found.hexdigest(), "organs": list(self.organs)}

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`; all is on the CT's grid, and masks are used unchanged.

        Raises:
            GridMismatchError: A file does not cover the CT's grid; its axes may have another order.
            LabelValueError: A label map has a value that `ids` does not know, or that names in it or beside
                it have for another organ; an organ's file two values
                beside 0, or a soft prediction values above 1 (floating) or 255 (whole numbers).
            ImageError: A file is not there or cannot be read.
        """
        files, grid = self.find(case_id), ct.geometry
        unusable: dict[str, str] = {}
        notes: list[str] = []
        read_soft = partial(_soft_part, ct=grid)
        soft = dict(self._usable(files.soft, read_soft, unusable))
        if files.label_map is not None:
            masks = self._masks_of_map(files.label_map, grid, notes)
        else:
            parts = self._usable(files.masks, partial(_mask_parts, ct=grid, notes=notes), unusable)
            masks = _masks_of_files(files.masks, soft, grid, parts)
        entropies = dict(self._usable(files.entropies, read_soft, unusable))
        return PredictedCase(
            maps=ProbabilityMaps(grid, masks.organs, _probabilities(masks, soft)),
            masks=masks,
            entropies=ProbabilityMaps(grid, tuple(entropies), _occupied(entropies)) if entropies else None,
            unusable=unusable,
            notes=tuple(notes),
        )

    def _case_dir(self, case_id: str) -> Path:
        """Choose where a case's files are: in the published tree, this network's own place in it."""
        case_dir = self.folder / case_id
        if not (case_dir / "backbones").is_dir():
            return case_dir
        return case_dir / "average" if self.name == AVERAGE else case_dir / "backbones" / self.name

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

    def _usable(
        self, files: _Files, read: Callable[[Sequence[Path]], T], unusable: dict[str, str]
    ) -> Iterator[tuple[str, T]]:
        """Read the files of each organ; note those that cannot be used, or raise."""
        for name, paths in files.items():
            try:
                found = read(paths)
            except ImageError as error:
                if not self.skips_unusable:
                    raise
                unusable[name] = str(error)
            else:
                yield name, found

    def _masks_of_map(self, path: Path, ct: Geometry, notes: list[str]) -> MaskSet:
        """Take a label map's values for sets of organs, in one pass over the voxels."""
        stated = stated_names(path)
        if stated is not None:
            check_agree(path, stated, StatedNames(where=repr(self.ids), scheme=self._scheme))
        labels = _noted(path, ct, notes)
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


def _masks_of_files(files: _Files, soft: _Soft, ct: Geometry, read: _ReadMasks) -> MaskSet:
    """Code masks that are read one organ at a time; one whose file cannot be used is unknown."""
    known = [name for name in soft if name not in files]

    def parts() -> Iterator[NamedPart]:
        for name, own in read:
            known.append(name)
            yield from ((name, part) for part in own)
        for name, likely in soft.items():
            if likely is not None and name not in files:
                yield name, BoxedArray(likely.box, likely.values > FULL / 2)

    masks = MaskSet.build(ct, {*files, *soft}, parts())
    return replace(masks, organs=tuple(name for name in masks.organs if name in known))


def _probabilities(masks: MaskSet, soft: _Soft) -> dict[str, BoxedBytes]:
    """Take the soft prediction of each organ that has one, else its mask."""
    parts = _occupied({name: part for name, part in soft.items() if name in masks.organs})
    for name, box in organ_boxes(masks).items():
        if name not in soft and box is not None:
            parts[name] = BoxedArray(box, masks.mask_in(name, box) * np.uint8(FULL))
    return parts


def _occupied(parts: Mapping[str, BoxedBytes | None]) -> dict[str, BoxedBytes]:
    return {name: part for name, part in parts.items() if part is not None}


def _mask_parts(paths: Sequence[Path], ct: Geometry, notes: list[str]) -> list[BoxedMask]:
    """Read the files whose union is one organ's mask."""
    return [part for path in paths if (part := _mask_part(path, ct, notes)) is not None]


def _mask_part(path: Path, ct: Geometry, notes: list[str]) -> BoxedMask | None:
    """Read a file that holds 0 and one other value; `None` if it holds 0 only."""
    labels = _noted(path, ct, notes)
    box = bounding_box(labels > 0)
    if box is None:
        return None
    values = [value for value in fastremap.unique(labels[box]).tolist() if value]
    if len(values) > 1:
        seen = f"it holds the values {', '.join(map(str, values))}, and an organ's file holds one beside 0"
        raise LabelValueError(path, seen, "save each organ as a file, or all as <case_id>.nii.gz")
    return BoxedArray(box, labels[box] > 0)


def _noted(path: Path, ct: Geometry, notes: list[str]) -> npt.NDArray[Any]:
    """Read the values of a file on the CT's grid; note what was done to place it."""
    mask = read_mask(path, ct)
    notes += [f"{path.name}: {one}" for one in mask.notes]
    return mask.voxels


def _soft_part(paths: Sequence[Path], ct: Geometry) -> BoxedBytes | None:
    """Cut out all that is not zero of the maximum of files: what was stored is kept to the byte."""
    return BoxedArray.cut_out(reduce(np.maximum, (_soft(path, ct) for path in paths)), margin_voxels=1)


def _soft(path: Path, ct: Geometry) -> npt.NDArray[np.uint8]:
    """Read whole numbers from 0 to 255, or floating ones from 0 to 1, as bytes."""
    voxels = read_on_grid(path, ct).voxels
    check_finite(path, voxels)
    is_whole = voxels.dtype.kind in "iu"
    low, high = float(voxels.min()), float(voxels.max())
    most, spare = (FULL, 0.0) if is_whole else (1, _ROUNDING)
    if low < -spare or high > most + spare:
        kind = "whole numbers" if is_whole else "floating"
        seen = f"its values run from {low:g} to {high:g}, and probabilities ({kind}) from 0 to {most}"
        raise LabelValueError(path, seen, "save probabilities, not logits or labels")
    if is_whole:
        return np.asfortranarray(voxels.astype(np.uint8, copy=False))
    values = np.empty(voxels.shape, dtype=np.uint8, order="F")
    for z in range(voxels.shape[2]):
        values[:, :, z] = nearest_bytes(voxels[:, :, z])
    return values


def _volume(folder: Path, stem: str) -> Path | None:
    paths = (folder / f"{stem}{ending}" for ending in _ENDINGS)
    return next((path for path in paths if path.is_file()), None)
