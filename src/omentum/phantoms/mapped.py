"""Build a patient from label maps of real people: of the body, and of organs perhaps from another map."""

import numpy as np

from omentum.phantoms.anatomy_map import AnatomyMap, Part
from omentum.phantoms.deform import AnatomyPlacement, fit_placement, placed
from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.mapped_body import body_wall
from omentum.phantoms.mapped_fill import fill_of, inner_structures
from omentum.phantoms.patient import Patient
from omentum.phantoms.phantom import LABELLED
from omentum.phantoms.space import Space, make_space, stream
from omentum.phantoms.structure import BACKGROUND, KEEP, Fill, Structure, distance_at, ruffled, trimmed
from omentum.phantoms.tissue import Tissues, draw_tissues
from omentum.volumes.geometry import Box, Geometry
from omentum.volumes.labels import SUBSETS, organ

__all__ = ["PAINTED", "build_mapped"]

_ORGANS = SUBSETS["abdomenatlas-1.0"]
PAINTED = (
    "lung_left", "lung_right", "airway", "esophagus", "heart", "muscle", "bone", "cartilage", "cord",
    "thyroid", "prostate", "bladder", "intestine", "colon", "duodenum", "liver", "stomach", "spleen",
    "pancreas", "adrenal", "kidney_left", "kidney_right", "cyst", "gall_bladder", "portal_vein", "vein",
    "artery", "postcava", "aorta",
)  # fmt: skip
"""Every tissue of a map, in the order of painting; vessels are sharp, so they come last."""
_STRETCHED = {
    # spread of the factors (logarithms) along x and z;
    # whether the higher end stays where it is, along each axis
    "stomach": ((0.13, 0.2), (False, False, True)),
    "liver": ((0.09, 0.05), (True, False, True)),
}
_EDGE_MM = 14.0
"""How far beyond the view the coarse grid reaches."""
_WARP_MM = 4.5
_WARP_PERIOD_MM = (60.0, 130.0)
_RESIZED_MM = 1.3
_HOLLOW = 1.8
"""How much more the size of stomach, gall bladder and urinary bladder differs."""
_MOVED_MM = 2.5
_ROUGH_MM = 1.0
_LARGE_SPLEEN_MM = (3.0, 14.0)
_SMALL_KIDNEY_MM = (-9.0, -3.0)
_ATRIUM_MM = 26.0
"""How far round the end of the postcava the heart's blood is as bright as the vein's."""


def build_mapped(
    patient: Patient, host: AnatomyMap, guest: AnatomyMap | None, view: Geometry
) -> tuple[Space, list[Structure]]:
    """Build one patient's anatomy from maps, deformed; only as much of it as the view shows.

    Args:
        patient: Traits.
        host: Whose body it is; has bones.
        guest: Whose nine organs take the place of the host's, if another's.
        view: The scan's grid, axes pointing R, A, S.
    """
    rng = stream(patient.seed, "mapped")
    space = _space(rng, patient, view)
    tissues = draw_tissues(patient)
    placement = AnatomyPlacement() if guest is None else fit_placement(_organs(host), _organs(guest))
    structures = body_wall(space, host, patient, tissues)
    absent = {"gall_bladder"} if not patient.has_gall_bladder else set()
    absent |= {f"kidney_{patient.missing_kidney}", "cyst"} if patient.missing_kidney else set()
    absent |= {"cyst"} if guest is not None else set()  # it would lie beside the guest's kidneys
    for tissue in _order(rng):
        source = guest if guest is not None and tissue in _ORGANS else host
        part = source.parts.get(tissue)
        if part is None or tissue in absent:
            continue
        own = _stretched(tissue, part, placement if source is guest else AnatomyPlacement(), rng, patient)
        moved = rng.normal(0.0, _MOVED_MM * patient.variation, 3) if _is_free(tissue) else np.zeros(3)
        box, distance = placed(space, part, own, moved)
        if _is_free(tissue):
            distance = _resized(space, rng, box, distance, patient.variation * _looseness(tissue))
            distance -= np.float32(_grown_mm(tissue, rng, patient))
        one = Structure(
            tissue,
            box,
            distance,
            fill_of(tissue, rng, patient, tissues, _heights(space, box, distance)),
            label=_label(tissue),
        )
        structures += [one, *inner_structures(one, space, rng, patient, tissues)]
        vein = (guest or host).parts.get("postcava")
        if tissue == "heart" and vein is not None:
            structures.append(_atrium(one, placed(space, vein, placement), tissues))
    return space, [cut for cut in map(trimmed, structures) if cut is not None]


def _order(rng: np.random.Generator) -> tuple[str, ...]:
    """Give the order of painting: of liver and stomach, which touch, now one gives way and now the other."""
    liver, stomach = PAINTED.index("liver"), PAINTED.index("stomach")
    order = list(PAINTED)
    if rng.random() < 0.5:
        order[liver], order[stomach] = order[stomach], order[liver]
    return tuple(order)


def _stretched(
    tissue: str, part: Part, placement: AnatomyPlacement, rng: np.random.Generator, patient: Patient
) -> AnatomyPlacement:
    """Let stomachs hang lower or reach further to the right, and livers reach further to the left."""
    if tissue not in _STRETCHED:
        return placement
    (x_spread, z_spread), fixed = _STRETCHED[tissue]
    spread = np.array([x_spread, 0.0, z_spread]) * min(patient.variation, 1.5)
    factors = np.exp(np.clip(rng.normal(0.3, 1.0, 3), -1.5, 2.2) * spread)
    low, high = placement.back(part.ends_mm)
    at = np.where(fixed, high, low)
    scale = placement.scale / factors
    return AnatomyPlacement(scale, placement.shift_mm + at * (placement.scale - scale))


def _grown_mm(tissue: str, rng: np.random.Generator, patient: Patient) -> float:
    """Draw how much larger an organ is by the patient's traits."""
    if tissue == "spleen" and patient.large_spleen:
        return float(rng.uniform(*_LARGE_SPLEEN_MM))
    if tissue == f"kidney_{patient.small_kidney}":
        return float(rng.uniform(*_SMALL_KIDNEY_MM))
    if tissue == "stomach" and rng.random() < 0.2:
        return float(rng.uniform(-6.0, -2.0))  # empty
    return 0.0


def _atrium(heart: Structure, vein: tuple[Box, FloatArray], tissues: Tissues) -> Structure:
    """Give the part of the heart round the postcava's end: as bright as the vein, and none of it."""
    near = distance_at(Structure("postcava", *vein, Fill(hu=0.0)), heart.box) - np.float32(_ATRIUM_MM)
    inside = np.maximum(near, heart.distance + np.float32(2.0))
    blood = Fill(hu=tissues["postcava"], texture_hu=6.0, patchy_hu=12.0)
    return Structure("atrium", heart.box, inside, blood)


def _space(rng: np.random.Generator, patient: Patient, view: Geometry) -> Space:
    low = view.affine[:3, 3]
    ends = np.stack([low, low + np.array(view.spacing_mm) * (np.array(view.shape) - 1)])
    ends += np.array([[-_EDGE_MM], [_EDGE_MM]])
    warp = _WARP_MM * patient.variation * rng.uniform(0.4, 1.0)
    period = float(rng.uniform(*_WARP_PERIOD_MM))
    return make_space(patient.seed, patient.to_scanner, warp * period / 90.0, period_mm=period, ends_mm=ends)


def _organs(one: AnatomyMap) -> dict[str, Part]:
    return {name: part for name, part in one.parts.items() if name in _ORGANS}


def _is_free(tissue: str) -> bool:
    """Tell whether it is a soft organ whose size and place differ from its neighbours'."""
    return tissue in _ORGANS or tissue in ("adrenal", "duodenum", "heart", "bladder")


def _looseness(tissue: str) -> float:
    return _HOLLOW if tissue in ("stomach", "gall_bladder", "bladder") else 1.0


def _resized(
    space: Space, rng: np.random.Generator, box: Box, distance: FloatArray, variation: float
) -> FloatArray:
    """Grow or shrink an organ and make its surface uneven, by no more than its thickness allows."""
    thick = float(min(1.0, -float(distance.min(initial=0.0)) / 12.0))
    offset = rng.normal(0.0, _RESIZED_MM * variation) * thick
    uneven = ruffled(space, rng, box, distance, broad_mm=_ROUGH_MM * variation * thick)
    return uneven + np.float32(offset)


def _heights(space: Space, box: Box, distance: FloatArray) -> FloatArray:
    """Give the places along the scanner's y of the nodes inside."""
    inside = np.nonzero(distance < -5.0)[1]
    return np.asarray(space.node_mm(1)[box[1].start + inside], dtype=np.float32)


def _label(tissue: str) -> int:
    if tissue == "cyst":
        return KEEP
    return organ(tissue).index if tissue in LABELLED else BACKGROUND
