"""List a patient's structures from the skin inwards, in the order in which they are painted."""

from omentum.phantoms.chest import chest
from omentum.phantoms.glands import adrenal_glands, kidneys, pancreas, spleen
from omentum.phantoms.gut import bowel, stomach
from omentum.phantoms.liver import gall_bladder, liver
from omentum.phantoms.patient import Patient
from omentum.phantoms.scanner_table import scanner_table
from omentum.phantoms.skeleton import bones, muscles
from omentum.phantoms.space import Space, make_space
from omentum.phantoms.structure import Structure, trimmed
from omentum.phantoms.tissue import draw_tissues
from omentum.phantoms.torso import make_torso, wall
from omentum.phantoms.vessels import branches, great_vessels

__all__ = ["build_anatomy"]


def build_anatomy(patient: Patient) -> tuple[Space, list[Structure]]:
    """Build one patient's anatomy; what comes later in the list lies on what comes before."""
    space = make_space(patient.seed, patient.to_scanner, warp_mm=3.0 * patient.variation)
    torso = make_torso(space, patient)
    tissues = draw_tissues(patient)
    structures = [
        *scanner_table(space, torso, patient),
        *wall(space, torso, patient, tissues),
        *bowel(space, torso, patient, tissues),
        *chest(space, torso, patient, tissues),
        *muscles(space, patient, tissues),
        *bones(space, torso, patient),
        *liver(space, torso, patient, tissues),
        *spleen(space, torso, patient, tissues),
        *stomach(space, torso, patient, tissues),
        *pancreas(space, patient, tissues),
        *adrenal_glands(space, patient, tissues),
        *kidneys(space, patient, tissues),
        *gall_bladder(space, torso, patient, tissues),
        *branches(space, patient, tissues),
        *great_vessels(space, patient, tissues),
    ]
    return space, [cut for cut in map(trimmed, structures) if cut is not None]
