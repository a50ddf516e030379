"""Measure where organs lie beside each other, for the plausibility rules.

Run: PYTHONPATH=benchmarks python training/organ_positions.py PATH-TO-places.json.

Writes the table that the plausibility rules compare with: each organ's middle, its spread and half its
extent along R, A, S, and its volume where the field of view holds all of it, over synthetic patients, real
people's label maps, and those maps deformed at will.
Needs the folder `shared/data` beside the checkout.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from omentum.measures.plausibility.rule_input import rule_input, world_axes
from omentum.phantoms.phantom import LABELLED, make_phantom
from omentum.phantoms.rendered import render_pair
from omentum.volumes.geometry import Geometry
from omentum.volumes.label_schemes import label_scheme
from omentum.volumes.labels import organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import read_nifti
from shared import MAPS, data_folder, label_maps

SEEDS = range(1000, 1060)
"""Of synthetic and of deformed patients; no rule is measured on them."""
REAL = {**MAPS, "totalsegmentator_example/labels.nii.gz": "abdomenatlas-1.0"}
LEAST_SPREAD_MM = {True: 12.0, False: 22.0}
"""Of organs seen in many patients, and of those seen in the few real ones alone."""
MANY = 12
TUBES = ("aorta", "postcava", "esophagus", "colon", "intestine", "lung_right", "lung_left")
"""Organs that the field of view cuts, so that their middle says nothing of the level."""

Measured = tuple[np.ndarray, np.ndarray, float]
"""An organ's middle, half its extent, and its volume in mL; NaN where it is cut."""
Rows = list[dict[str, Measured]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    given = parser.parse_args()
    table = places([measured(masks) for masks in everybody()])
    rows = ",\n".join(f'  "{name}": {json.dumps(row)}' for name, row in table.items())
    about = (
        "Middle, spread and half extent along R, A, S in mm, about the middle between the kidneys; volume "
        f"(median) in mL; null: not known. From {len(SEEDS)} synthetic patients, {len(SEEDS)} deformations "
        "of three people's label maps, and four people's label maps, by training/organ_positions.py."
    )
    text = f'{{\n "about": {json.dumps(about)},\n "organs": {{\n{rows}\n }}\n}}\n'
    given.path.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def everybody() -> Iterator[MaskSet]:
    """Give the true masks of all patients, one after another."""
    folder = data_folder()
    if folder is None:
        raise SystemExit("there is no folder shared/data beside the checkout; the table needs real people")
    for seed in SEEDS:
        labels = make_phantom(seed).labels
        yield MaskSet.from_labels(labels.voxels, labels.geometry, LABELLED)
    for seed in SEEDS:
        pair = render_pair(seed, label_maps(), 3.0, made_share=0.0, style="mixed")
        yield MaskSet.from_labels(pair.labels, pair.geometry, LABELLED)
    for path, ids in REAL.items():
        yield real_masks(folder / path, ids)


def real_masks(path: Path, ids: str) -> MaskSet:
    """Read a person's label map."""
    volume = read_nifti(path)
    values = label_scheme(ids, path.parent).values
    lut = np.zeros(256, dtype=np.uint8)
    for name, own in values.items():
        lut[list(own)] = organ(name).index
    return MaskSet.from_labels(lut[volume.voxels.astype(np.uint8)], volume.geometry, values)


def measured(masks: MaskSet) -> dict[str, Measured]:
    """Give each organ's middle and half extent, NaN along axes that the field of view cuts, and volume."""
    found = {}
    for name, seen in rule_input(masks).organs.items():
        middle, half = seen.middle_mm.copy(), _half_mm(seen.box, masks.geometry)
        cut = np.array(seen.is_cut)
        middle[cut] = half[cut] = np.nan
        if name in TUBES:
            middle[2] = np.nan
        found[name] = middle, half, np.nan if cut.any() else seen.volume_ml
    return found


def places(people: Rows) -> dict[str, dict[str, Any]]:
    """Move all people over each other, and say how organs are spread about their middles."""
    names = sorted({name for person in people for name in person}, key=lambda name: organ(name).index)
    middles: dict[str, np.ndarray] = {name: np.zeros(3) for name in names}
    for _ in range(30):
        moved: dict[str, list[np.ndarray]] = defaultdict(list)
        for person in people:
            shift = np.nanmedian([place - middles[name] for name, (place, *_) in person.items()], axis=0)
            for name, (place, *_) in person.items():
                moved[name].append(place - shift)
        middles = {name: _mean(np.array(moved[name])) for name in names}
    origin = (middles["kidney_left"] + middles["kidney_right"]) / 2
    table = {}
    for name in names:
        own, half = np.array(moved[name]), np.array([p[name][1] for p in people if name in p])
        least = LEAST_SPREAD_MM[len(own) >= MANY]
        known = np.isfinite(own).sum(axis=0)
        spread = np.maximum(np.sqrt(_mean((own - middles[name]) ** 2)), least)
        middle = np.where(known > 0, middles[name] - origin, np.nan)
        table[name] = {
            "middle_mm": [_told(one) for one in middle],
            "spread_mm": [_told(one) for one in np.where(known > 0, spread, np.nan)],
            "half_mm": [_told(one) for one in _mean(half)],
            "volume_ml": _told(_median_ml([p[name][2] for p in people if name in p])),
        }
    return table


def _median_ml(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else np.nan


def _mean(values: np.ndarray) -> np.ndarray:
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def _told(value: float) -> int | None:
    return round(float(value)) if np.isfinite(value) else None


def _half_mm(box: tuple[slice, ...], geometry: Geometry) -> np.ndarray:
    half = np.zeros(3)
    for axis, part, edge in zip(world_axes(geometry), box, geometry.spacing_mm, strict=True):
        half[axis] = (part.stop - part.start) * edge / 2
    return half


if __name__ == "__main__":
    main()
