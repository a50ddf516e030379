"""Write the masks of a case as one `.seg.nrrd` file, which 3D Slicer opens, changes and saves in place.

Organs that overlap lie in different layers; a voxel of a layer has the index of one organ.

Source:
    3D Slicer, developer guide, "Segmentation labelmap file format (.seg.nrrd)"; NRRD,
    teem.sourceforge.net/nrrd/format.html. Slicer 4.11 and later read layers and label values.
"""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import fastremap
import numpy as np
import numpy.typing as npt

from omentum.errors import UnknownOrganError
from omentum.volumes.anatomy_terms import Term, anatomy_terms
from omentum.volumes.atomic import writing
from omentum.volumes.geometry import LPS_TO_RAS, Box
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet, organ_boxes

__all__ = ["write_segments"]

_LEVEL = 1
_SLAB_BYTES = 4 << 20
_NO_EXTENT = "0 -1 0 -1 0 -1"
_CATEGORIES = "Segmentation category and type - DICOM master list"
_REGIONS = "Anatomic codes - DICOM master list"
_REPRESENTATION = "Binary labelmap"


def write_segments(path: Path, masks: MaskSet, order: Sequence[str]) -> None:
    """Write a segment for each organ, also those without a voxel.

    A segment has the organ's name as its name and id, its colour, its SNOMED CT terms, and its index as the
    label value. The grid is the CT's own, so that nothing is resampled.

    Args:
        path: The file, `.seg.nrrd`.
        masks: The masks.
        order: Organs of the masks, in the order in which Slicer lists them.

    Raises:
        UnknownOrganError: An organ is unknown to the masks.
    """
    from isal import igzip

    unknown = next((name for name in order if organ(name).name not in masks.organs), None)
    if unknown is not None:
        raise UnknownOrganError(unknown, masks.organs)
    layers = _layers(masks, order)
    header = _header(masks, order, layers)
    with writing(path) as part, part.open("wb") as file:
        file.write("\n".join([*header, "", ""]).encode())
        with igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=_LEVEL, filename="", mtime=0) as stream:
            for slab in _slabs(masks, layers):
                stream.write(slab)


def _layers(masks: MaskSet, order: Sequence[str]) -> list[list[str]]:
    """Put each organ into the first layer in which it overlaps no other; there is one layer at least."""
    present = [masks.sets[code] for code in fastremap.unique(masks.codes).tolist()]
    layers: list[list[str]] = [[]]
    for name in order:
        free = [layer for layer in layers if not _overlap(name, layer, present)]
        if free:
            free[0].append(name)
        else:
            layers.append([name])
    return layers


def _overlap(name: str, layer: Collection[str], present: Collection[tuple[int, ...]]) -> bool:
    own, others = organ(name).index, {organ(other).index for other in layer}
    return any(own in members and not others.isdisjoint(members) for members in present)


def _slabs(masks: MaskSet, layers: Sequence[Sequence[str]]) -> Iterator[memoryview]:
    """Give the voxels of all layers in rising z, the layer fastest."""
    tables = np.stack([_table(masks, layer) for layer in layers])
    side_x, side_y, side_z = masks.geometry.shape
    n_planes = max(1, _SLAB_BYTES // (side_x * side_y * len(layers)))
    for z in range(0, side_z, n_planes):
        values = np.asfortranarray(tables[:, masks.codes[:, :, z : z + n_planes]])
        yield values.ravel(order="K").data


def _table(masks: MaskSet, layer: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Give the label value of a layer for each code of a set-coded map."""
    indices = [organ(name).index for name in layer]
    held = [[index for index in indices if index in members] for members in masks.sets]
    return np.array([found[0] if len(found) == 1 else 0 for found in held], dtype=np.uint8)


def _header(masks: MaskSet, order: Sequence[str], layers: Sequence[Sequence[str]]) -> list[str]:
    shape, affine = masks.geometry.shape, LPS_TO_RAS @ masks.geometry.affine
    x, y, z, origin = (_vector(column) for column in affine[:3].T)
    lead = ("", "", "") if len(layers) == 1 else (f"{len(layers)} ", "none ", "list ")
    fields = {
        "type": "unsigned char",
        "dimension": "3" if len(layers) == 1 else "4",
        "space": "left-posterior-superior",
        "sizes": lead[0] + " ".join(map(str, shape)),
        "space directions": f"{lead[1]}{x} {y} {z}",
        "kinds": f"{lead[2]}domain domain domain",
        "encoding": "gzip",
        "space origin": origin,
    }
    lines = ["NRRD0004", *(f"{key}: {value}" for key, value in fields.items())]
    return [*lines, *(f"{key}:={value}" for key, value in _free_text(masks, order, layers).items())]


def _vector(values: npt.NDArray[np.float64]) -> str:
    return f"({','.join(repr(float(value) + 0.0) for value in values)})"


def _free_text(masks: MaskSet, order: Sequence[str], layers: Sequence[Sequence[str]]) -> dict[str, str]:
    boxes = organ_boxes(masks)
    layer_of = {name: number for number, layer in enumerate(layers) for name in layer}
    fields: dict[str, str] = {}
    for number, name in enumerate(order):
        of_one = _segment(name, layer_of[name], boxes[organ(name).name])
        fields |= {f"Segment{number}_{key}": value for key, value in of_one.items()}
    return fields | {
        "Segmentation_ContainedRepresentationNames": f"{_REPRESENTATION}|",
        "Segmentation_MasterRepresentation": _REPRESENTATION,
        "Segmentation_SourceRepresentation": _REPRESENTATION,
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }


def _segment(name: str, layer: int, box: Box | None) -> dict[str, str]:
    row = organ(name)
    extent = _NO_EXTENT if box is None else " ".join(f"{part.start} {part.stop - 1}" for part in box)
    return {
        "ID": row.name,
        "Name": row.name,
        "NameAutoGenerated": "0",
        "Color": " ".join(f"{value / 255:.6f}" for value in row.colour),
        "ColorAutoGenerated": "0",
        "Extent": extent,
        "LabelValue": str(row.index),
        "Layer": str(layer),
        "Tags": f"Segmentation.Status:notstarted|TerminologyEntry:{_terminology(row.name)}|",
    }


def _terminology(name: str) -> str:
    terms = anatomy_terms(name)
    side = None if terms.region is not None else terms.side
    parts = (_CATEGORIES, _coded(terms.category), _coded(terms.kind), _coded(side))
    return "~".join([*parts, _REGIONS, _coded(terms.region), _coded(None)])


def _coded(term: Term | None) -> str:
    return "^^" if term is None else f"SCT^{term.value}^{term.meaning}"
