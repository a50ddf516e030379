"""Model the scanner's table: a thin, curved shell with foam in it."""

import numpy as np

from omentum.phantoms.patient import Patient
from omentum.phantoms.space import Space, stream
from omentum.phantoms.structure import Core, Fill, Structure
from omentum.phantoms.torso import Torso

__all__ = ["scanner_table"]


def scanner_table(space: Space, torso: Torso, patient: Patient) -> list[Structure]:
    """Give the table, if it is in view."""
    rng = stream(patient.seed, "table")
    if not patient.has_table:
        return []
    x = space.node_mm(0).astype(np.float32)[:, None, None]
    y = space.node_mm(1).astype(np.float32)[None, :, None]
    lowest = np.flatnonzero((torso.skin < 0.0).any(axis=(0, 2)))
    back_mm = space.node_mm(1)[lowest[0]] if lowest.size else -100.0
    top = np.float32(back_mm - rng.uniform(1.0, 6.0)) + (x / np.float32(rng.uniform(32.0, 48.0))) ** 2
    thick = np.float32(rng.uniform(14.0, 30.0))
    shell = np.maximum(
        np.maximum(y - top, top - thick - y), np.abs(x) - np.float32(rng.uniform(190.0, 215.0))
    )
    distance = np.broadcast_to(shell, space.shape).astype(np.float32)
    foam = Core(hu=-930.0, depth_mm=4.0)
    fill = Fill(hu=float(rng.uniform(-150.0, 250.0)), core=foam)
    return [Structure("table", space.everywhere, distance, fill)]
