"""Draw labels as the people of one site would, on the modelled anatomy, in mm.

In:  structures of a patient, and the conventions of a site.
Out: structures as that site delimits them; they change the labels and never the CT.

A convention is the same for every patient of a site: where a vessel starts, what belongs to an organ, on
which side of its border the line is drawn. Heights are those of the atlas (`space.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from omentum.phantoms.interpolate import RealArray
from omentum.phantoms.space import Space
from omentum.phantoms.structure import BACKGROUND, KEEP, Structure
from omentum.volumes.labels import SUBSETS, organ

__all__ = ["Conventions", "as_drawn", "draw_conventions"]

BIFURCATION_MM = -114.0
"""Height at which the aorta divides and the postcava begins."""
_INTO_LIVER_MM, _OUT_OF_LIVER_MM = 46.0, 90.0
"""Heights at which the postcava enters and leaves the liver."""
_HILUM_MM = -82.0
"""Right of this, splenic vessels run along the pancreas; left of it, in the hilum of the spleen."""
_BRANCHES = (
    "splenic vein", "portal trunk", "mesenteric vein", "mesenteric artery", "coeliac trunk", "splenic artery",
    "renal vein", "renal vein", "renal artery", "renal artery",
    "iliac artery", "iliac artery", "iliac vein", "iliac vein",
)  # fmt: skip
"""What the branches of `vessels.branches` are, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conventions:
    """What belongs to an organ at one site.

    Attributes:
        aorta_mm: Lowest and highest point at which the aorta is drawn; infinite: as far as it is in view.
        iliac_arteries_mm: Length, below the bifurcation, drawn as aorta.
        postcava_top_mm: Height up to which the postcava is drawn.
        iliac_veins_mm: Length, below their junction, drawn as postcava.
        renal_veins: Whether they are drawn as postcava.
        liver_postcava: Whether the postcava within the liver is drawn as liver.
        liver_vessels: Whether hepatic and portal veins within the liver are drawn as liver.
        stomach_wall: Whether the wall is drawn as stomach, or what it holds alone.
        kidney_sinus: Whether the fat in the hollow of a kidney is drawn as kidney.
        kidney_pelvis: Whether the pelvis in that fat is, too.
        gall_bladder_wall: Whether the wall is drawn as gall bladder.
        gall_bladder_neck_mm: Length of the neck that is left out.
        splenic_vein: Whether the splenic vein is drawn as pancreas and, in the hilum, as spleen.
        border_mm: How far outside its border each organ is drawn; negative: inside.
    """

    aorta_mm: tuple[float, float]
    iliac_arteries_mm: float
    postcava_top_mm: float
    iliac_veins_mm: float
    renal_veins: bool
    liver_postcava: bool
    liver_vessels: bool
    stomach_wall: bool
    kidney_sinus: bool
    kidney_pelvis: bool
    gall_bladder_wall: bool
    gall_bladder_neck_mm: float
    splenic_vein: bool
    border_mm: Mapping[str, float]


def draw_conventions(rng: np.random.Generator) -> Conventions:
    """Draw what the people of a site agree upon."""
    lowest = float(rng.choice((-np.inf, -95.0, -75.0), p=(0.6, 0.2, 0.2)))
    sinus = bool(rng.random() < 0.5)
    in_liver = bool(rng.random() < 0.25)
    top = float(rng.choice((62.0, 80.0, np.inf), p=(0.3, 0.3, 0.4)))
    return Conventions(
        aorta_mm=(lowest, float(rng.choice((36.0, 70.0, np.inf), p=(0.3, 0.3, 0.4)))),
        iliac_arteries_mm=float(rng.choice((0.0, 25.0, 80.0))) if lowest == -np.inf else 0.0,
        postcava_top_mm=_INTO_LIVER_MM if in_liver else top,
        iliac_veins_mm=float(rng.choice((0.0, 30.0))),
        renal_veins=bool(rng.random() < 0.4),
        liver_postcava=in_liver,
        liver_vessels=bool(rng.random() < 0.6),
        stomach_wall=bool(rng.random() < 0.65),
        kidney_sinus=sinus,
        kidney_pelvis=sinus and bool(rng.random() < 0.6),
        gall_bladder_wall=bool(rng.random() < 0.6),
        gall_bladder_neck_mm=float(rng.choice((0.0, 14.0), p=(0.6, 0.4))),
        splenic_vein=bool(rng.random() < 0.4),
        border_mm=_draw_borders(rng),
    )


def as_drawn(space: Space, structures: Sequence[Structure], conventions: Conventions) -> list[Structure]:
    """Change what structures are labelled as, and where they end, to what a site draws."""
    branches = iter(_BRANCHES)
    drawn: list[Structure] = []
    for structure in structures:
        name = next(branches) if structure.name.endswith(" branch") else structure.name
        rule = _RULES.get(name)
        drawn += [structure] if rule is None else rule(space, structure, conventions)
    return [_with_border(one, conventions.border_mm) for one in drawn]


def _draw_borders(rng: np.random.Generator) -> dict[str, float]:
    """Draw a habit of the site, to draw organs generously or tightly, and a difference for each organ."""
    habit = float(rng.choice((-1.0, 1.0)) * rng.uniform(0.3, 0.9))
    return {
        name: float(np.clip(habit + rng.normal(0.0, 0.35), -1.2, 1.2)) for name in SUBSETS["abdomenatlas-1.0"]
    }


def _with_border(structure: Structure, border_mm: Mapping[str, float]) -> Structure:
    for name, grown_mm in border_mm.items():
        if structure.label == organ(name).index:
            return replace(structure, distance=structure.distance - np.float32(grown_mm))
    return structure


def _cut(space: Space, structure: Structure, low_mm: float, high_mm: float) -> RealArray:
    """Give a structure's distance, cut off below and above two heights."""
    _, _, z = space.at(structure.box)
    outside = np.maximum(np.float32(low_mm) - z, z - np.float32(high_mm))
    distance: RealArray = np.maximum(structure.distance, outside)
    return distance


def _aorta(space: Space, aorta: Structure, site: Conventions) -> list[Structure]:
    return [replace(aorta, distance=_cut(space, aorta, *site.aorta_mm))]


def _postcava(space: Space, postcava: Structure, site: Conventions) -> list[Structure]:
    below = replace(postcava, distance=_cut(space, postcava, -np.inf, site.postcava_top_mm))
    if not site.liver_postcava:
        return [below]
    within = _cut(space, postcava, site.postcava_top_mm, _OUT_OF_LIVER_MM)
    return [replace(postcava, label=organ("liver").index, distance=within), below]


def _iliac_artery(space: Space, artery: Structure, site: Conventions) -> list[Structure]:
    return _length(space, artery, "aorta", site.iliac_arteries_mm)


def _iliac_vein(space: Space, vein: Structure, site: Conventions) -> list[Structure]:
    return _length(space, vein, "postcava", site.iliac_veins_mm)


def _length(space: Space, branch: Structure, name: str, length_mm: float) -> list[Structure]:
    if not length_mm:
        return [branch]
    distance = _cut(space, branch, BIFURCATION_MM - length_mm, np.inf)
    return [replace(branch, label=organ(name).index, distance=distance)]


def _renal_vein(space: Space, vein: Structure, site: Conventions) -> list[Structure]:
    del space
    return [replace(vein, label=organ("postcava").index if site.renal_veins else BACKGROUND)]


def _splenic_vein(space: Space, vein: Structure, site: Conventions) -> list[Structure]:
    if not site.splenic_vein:
        return [vein]
    x, _, _ = space.at(vein.box)
    past_hilum = x - np.float32(_HILUM_MM)
    return [
        replace(vein, label=organ("spleen").index, distance=np.maximum(vein.distance, past_hilum)),
        replace(vein, label=organ("pancreas").index, distance=np.maximum(vein.distance, -past_hilum)),
    ]


def _liver_vein(space: Space, vein: Structure, site: Conventions) -> list[Structure]:
    del space
    return [replace(vein, label=KEEP if site.liver_vessels else BACKGROUND)]


def _stomach(space: Space, stomach: Structure, site: Conventions) -> list[Structure]:
    del space
    return [stomach if site.stomach_wall else _without_wall(stomach)]


def _gall_bladder(space: Space, gall_bladder: Structure, site: Conventions) -> list[Structure]:
    drawn = gall_bladder if site.gall_bladder_wall else _without_wall(gall_bladder)
    if site.gall_bladder_neck_mm and (drawn.distance < 0).any():
        _, _, z = space.at(drawn.box)
        top = float(z[drawn.distance < 0].max())
        drawn = replace(drawn, distance=_cut(space, drawn, -np.inf, top - site.gall_bladder_neck_mm))
    return [drawn]


def _without_wall(hollow: Structure) -> Structure:
    depth_mm = hollow.fill.core.depth_mm if hollow.fill.core else 0.0
    return replace(hollow, distance=hollow.distance + np.float32(depth_mm))


def _sinus(space: Space, sinus: Structure, site: Conventions) -> list[Structure]:
    del space
    return [] if site.kidney_sinus else [sinus]


def _pelvis(space: Space, pelvis: Structure, site: Conventions) -> list[Structure]:
    del space
    return [] if site.kidney_pelvis else [pelvis]


def _nothing(space: Space, structure: Structure, site: Conventions) -> list[Structure]:
    """Leave the labels as they are: what it lies in is drawn."""
    del space, structure, site
    return []


_RULES: dict[str, Callable[[Space, Structure, Conventions], list[Structure]]] = {
    "aorta": _aorta,
    "gall bladder": _gall_bladder,
    "hepatic_vein": _liver_vein,
    "iliac artery": _iliac_artery,
    "iliac vein": _iliac_vein,
    "plaque": _nothing,
    "portal_vein": _liver_vein,
    "postcava": _postcava,
    "renal pelvis": _pelvis,
    "renal sinus": _sinus,
    "renal vein": _renal_vein,
    "splenic vein": _splenic_vein,
    "stomach": _stomach,
}
