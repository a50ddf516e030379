"""HU of each tissue in each contrast phase, drawn around textbook values at 120 kV."""

from omentum.phantoms.patient import Patient
from omentum.phantoms.space import stream
from omentum.phantoms.styles import PHASES

__all__ = ["Tissues", "draw_tissues"]

Tissues = dict[str, float]
"""Mean HU of one patient's tissues, by name."""

_NATIVE_AND_GAIN: dict[str, tuple[float, float, float, float]] = {
    # HU without contrast, then what contrast adds in the arterial, portal venous and delayed phase
    "adrenal": (28.0, 42.0, 45.0, 32.0),
    "aorta": (42.0, 270.0, 110.0, 62.0),
    "bile": (8.0, 0.0, 0.0, 2.0),
    "bowel_wall": (36.0, 45.0, 50.0, 38.0),
    "cord": (32.0, 3.0, 5.0, 5.0),
    "fat": (-103.0, 1.0, 2.0, 2.0),
    "heart": (42.0, 165.0, 105.0, 60.0),
    "hepatic_vein": (40.0, 20.0, 118.0, 62.0),
    "kidney_cortex": (34.0, 145.0, 155.0, 125.0),
    "kidney_medulla": (31.0, 45.0, 140.0, 130.0),
    "liver": (57.0, 14.0, 55.0, 34.0),
    "muscle": (54.0, 5.0, 11.0, 9.0),
    "pancreas": (40.0, 62.0, 52.0, 32.0),
    "portal_vein": (40.0, 70.0, 122.0, 64.0),
    "postcava": (40.0, 42.0, 95.0, 62.0),
    "spleen": (48.0, 75.0, 70.0, 44.0),
    "stomach_wall": (38.0, 35.0, 44.0, 34.0),
    "urine": (6.0, 2.0, 8.0, 210.0),
}
_SPREAD_HU = {"aorta": 4.0, "bile": 6.0, "fat": 5.0, "liver": 6.0, "pancreas": 6.0}
_FATTY_LIVER_HU = -32.0


def draw_tissues(patient: Patient) -> Tissues:
    """Draw one patient's HU, with the strength of the contrast and a little difference between people."""
    rng = stream(patient.seed, "tissue")
    place = PHASES.index(patient.phase)
    hu = {}
    for tissue, row in _NATIVE_AND_GAIN.items():
        gain = row[place] * patient.enhancement * rng.normal(1.0, 0.06) if place else 0.0
        hu[tissue] = float(row[0] + gain + rng.normal(0.0, _SPREAD_HU.get(tissue, 3.0)))
    if patient.fatty_liver:
        hu["liver"] += _FATTY_LIVER_HU * rng.uniform(0.6, 1.4)
    return hu
