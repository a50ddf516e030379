"""Choose HU for each tissue of a label map, and what lies in it without a name: vessels, lesions, stones."""

import numpy as np

from omentum.phantoms.interpolate import FloatArray
from omentum.phantoms.mapped_body import threads
from omentum.phantoms.patient import Patient
from omentum.phantoms.shapes import ellipsoid
from omentum.phantoms.space import Space
from omentum.phantoms.structure import KEEP, Core, Fill, Structure, distance_at
from omentum.phantoms.tissue import Tissues

__all__ = ["fill_of", "inner_structures"]

_SAME = ("adrenal", "aorta", "cord", "liver", "muscle", "portal_vein", "postcava", "spleen")
"""Tissues whose HU has their own name."""
_TEXTURE_HU = {"liver": (4.0, 3.0), "spleen": (4.0, 4.0), "muscle": (9.0, 6.0)}
_MIXED = ("postcava", "vein")
"""Veins in which blood with and without contrast mixes."""


def fill_of(
    tissue: str, rng: np.random.Generator, patient: Patient, tissues: Tissues, heights_mm: FloatArray
) -> Fill:
    """Draw how bright a tissue is in one patient.

    Args:
        tissue: One of `mapped.PAINTED`.
        rng: Where its numbers come from.
        patient: Traits.
        tissues: HU by tissue.
        heights_mm: Places along the scanner's y inside it, for the level of gas in it.
    """
    if tissue in ("stomach", "bladder"):
        return _pool(tissue, rng, patient, tissues, heights_mm)
    if tissue in ("colon", "intestine", "duodenum", "esophagus"):
        return _bowel(tissue, rng, patient, tissues)
    if tissue in ("bone", "gall_bladder", "kidney_left", "kidney_right"):
        return _shell(tissue, rng, tissues)
    if tissue == "heart":
        return _heart(rng, tissues)
    if tissue == "pancreas":
        marbled = float(rng.uniform(5.0, 22.0))
        return Fill(hu=tissues["pancreas"] - 0.5 * marbled, texture_hu=marbled)
    patchy = rng.uniform(0.0, 0.12) * tissues["postcava"] if tissue in _MIXED else 0.0
    texture, broad = _TEXTURE_HU.get(tissue, (4.0, 2.0))
    if tissue == "spleen" and patient.phase == "arterial":
        broad = 18.0
    return Fill(hu=_hu(tissue, rng, tissues), texture_hu=texture, patchy_hu=broad + float(patchy))


def inner_structures(
    one: Structure, space: Space, rng: np.random.Generator, patient: Patient, tissues: Tissues
) -> list[Structure]:
    """Give what lies within a tissue: vessels in liver and lung, lesions, stones, fat in the kidneys."""
    found: list[Structure | None] = []
    if one.name == "liver":
        for tissue, radius in (("hepatic_vein", 2.6), ("portal_vein", 2.2)):
            found.append(_within(one, threads(space, rng, radius)[one.box], tissues[tissue], 2.0))
    if one.name.startswith("lung"):
        found.append(_within(one, threads(space, rng, 1.5)[one.box], -20.0, 4.0))
        found.append(_effusion(one, space, rng) if patient.effusion else None)
    if one.name in ("liver", "spleen") or one.name.startswith("kidney"):
        often = 1.0 if one.name == "liver" else 0.25
        found += [_lesion(one, space, rng) for _ in range(rng.poisson(often * patient.lesions))]
    if one.name == "gall_bladder" and rng.random() < 0.12:
        found.append(_blob(one, space, rng, (3.0, 6.0), float(rng.uniform(90.0, 400.0))))
    return [structure for structure in found if structure is not None]


def _hu(tissue: str, rng: np.random.Generator, tissues: Tissues) -> float:
    if tissue in _SAME:
        return tissues[tissue]
    if tissue.startswith("lung"):
        return float(rng.normal(-840.0, 35.0))
    table = {
        "airway": -985.0,
        "artery": tissues["aorta"] - 15.0,
        "cartilage": float(rng.normal(95.0, 20.0)),
        "cyst": float(rng.normal(8.0, 5.0)),
        "prostate": tissues["muscle"] - 5.0,
        "thyroid": tissues["muscle"] + 50.0,
        "vein": tissues["postcava"],
    }
    return table[tissue]


def _shell(tissue: str, rng: np.random.Generator, tissues: Tissues) -> Fill:
    """Fill what is one thing outside and another inside."""
    if tissue == "bone":
        spongy = float(np.clip(rng.normal(170.0, 55.0), 60.0, 320.0))
        return Fill(hu=330.0 + spongy, texture_hu=40.0, core=Core(hu=spongy, depth_mm=2.0, texture_hu=35.0))
    if tissue == "gall_bladder":
        bile = Core(hu=tissues["bile"] + float(rng.exponential(6.0)), depth_mm=1.6, texture_hu=3.0)
        return Fill(hu=tissues["bowel_wall"], core=bile)
    depth = float(rng.uniform(5.0, 9.0))
    medulla = Core(hu=tissues["kidney_medulla"], depth_mm=depth, rough_mm=3.5, texture_hu=5.0)
    return Fill(hu=tissues["kidney_cortex"], texture_hu=5.0, core=medulla)


def _heart(rng: np.random.Generator, tissues: Tissues) -> Fill:
    """Fill with blood, in which contrast is mixed or not yet, inside muscle."""
    share = rng.uniform(0.0, 1.0)
    blood = share * tissues["postcava"] + (1.0 - share) * tissues["aorta"]
    chambers = Core(
        hu=blood, depth_mm=float(rng.uniform(3.0, 9.0)), texture_hu=8.0, rough_mm=6.0, patchy_hu=12.0
    )
    return Fill(
        hu=tissues["heart"] - float(rng.uniform(0.0, 35.0)), texture_hu=8.0, patchy_hu=10.0, core=chambers
    )


def _content_hu(rng: np.random.Generator, patient: Patient) -> float:
    return float(rng.uniform(100.0, 400.0)) if patient.oral_contrast else float(rng.normal(16.0, 14.0))


def _pool(
    tissue: str, rng: np.random.Generator, patient: Patient, tissues: Tissues, heights_mm: FloatArray
) -> Fill:
    """Fill with fluid, gas above its level in the stomach; in some food with gas or settled contrast."""
    if tissue == "bladder":
        urine = tissues["urine"] if rng.random() < 0.4 else float(rng.normal(6.0, 4.0))
        return Fill(hu=tissues["muscle"], core=Core(hu=urine, depth_mm=3.0))
    varied = min(patient.variation, 1.0)
    meal = Core(
        hu=_content_hu(rng, patient),
        depth_mm=float(rng.uniform(2.5, 6.5)),
        texture_hu=float(rng.uniform(4.0, 45.0)) if rng.random() < 0.4 else 6.0,
        rough_mm=1.5,
        patchy_hu=float(rng.uniform(10.0, 45.0)) if rng.random() < 0.35 * varied else 0.0,
        gas_share=float(rng.uniform(0.02, 0.3)) if rng.random() < 0.3 * varied else 0.0,
        specks=bool(rng.random() < 0.5),
        **_levels(rng, heights_mm, varied),
    )
    return Fill(hu=tissues["stomach_wall"], texture_hu=6.0, core=meal)


def _levels(rng: np.random.Generator, heights_mm: FloatArray, varied: float) -> dict[str, float]:
    """Draw the level of the gas, and of contrast medium that has settled."""
    found: dict[str, float] = {}
    if heights_mm.size and rng.random() < 0.8:
        found["gas_above_mm"] = float(np.quantile(heights_mm, rng.uniform(0.2, 1.0)))
    if heights_mm.size and rng.random() < 0.2 * varied:
        found["settled_below_mm"] = float(np.quantile(heights_mm, rng.uniform(0.1, 0.7)))
        found["settled_hu"] = float(rng.uniform(120.0, 600.0))
    return found


def _bowel(tissue: str, rng: np.random.Generator, patient: Patient, tissues: Tissues) -> Fill:
    gas = {"colon": (0.05, 0.75), "intestine": (0.01, 0.2), "duodenum": (0.01, 0.2), "esophagus": (0.01, 0.4)}
    share = float(rng.uniform(*gas[tissue]))
    content = Core(
        hu=_content_hu(rng, patient),
        depth_mm=float(rng.uniform(2.5, 4.5)),
        texture_hu=float(rng.uniform(8.0, 30.0)),
        rough_mm=2.0,
        gas_share=share,
        specks=tissue == "colon" and rng.random() < 0.6,
    )
    return Fill(hu=tissues["bowel_wall"], texture_hu=8.0, patchy_hu=8.0, core=content)


def _within(one: Structure, distance: FloatArray, hu: float, depth_mm: float) -> Structure:
    inside = np.maximum(distance, one.distance + np.float32(depth_mm))
    return Structure(f"in {one.name}", one.box, inside, Fill(hu=hu), label=KEEP)


def _effusion(one: Structure, space: Space, rng: np.random.Generator) -> Structure | None:
    """Fill the back of a lung with fluid."""
    nodes = np.argwhere(one.distance < 0.0)
    if not len(nodes):
        return None
    y_mm = space.node_mm(1)[one.box[1]]
    level = np.quantile(y_mm[nodes[:, 1]], rng.uniform(0.05, 0.4))
    behind = np.broadcast_to((y_mm - level)[None, :, None], one.distance.shape).astype(np.float32)
    return _within(one, behind, float(rng.normal(8.0, 6.0)), 0.0)


def _lesion(one: Structure, space: Space, rng: np.random.Generator) -> Structure | None:
    cyst = rng.random() < 0.5
    hu = float(rng.normal(8.0, 5.0)) if cyst else one.fill.hu - float(rng.uniform(15.0, 60.0))
    return _blob(one, space, rng, (4.0, 20.0), hu)


def _blob(
    one: Structure, space: Space, rng: np.random.Generator, radii_mm: tuple[float, float], hu: float
) -> Structure | None:
    nodes = np.argwhere(one.distance < -4.0)
    if not len(nodes):
        return None
    place = nodes[rng.integers(len(nodes))] + [span.start for span in one.box]
    radius = float(rng.uniform(*radii_mm))
    centre = [float(points[tuple(place)]) for points in space.points]
    near = space.box(np.subtract(centre, radius), np.add(centre, radius))
    blob = ellipsoid(space.at(near), centre, (radius, radius * rng.uniform(0.7, 1.3), radius))
    distance = np.maximum(blob, distance_at(one, near) + 1.0)
    return Structure(f"blob in {one.name}", near, distance, Fill(hu=hu, texture_hu=5.0), label=KEEP)
