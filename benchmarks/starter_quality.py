"""How good are the shipped weights? Run: python benchmarks/starter_quality.py [--quick].

On made-up patients that they never saw (true labels), and on real CTs beside the checkout where there are
any: `chaos_03` (liver drawn by a person) and `totalsegmentator_example` (labels made by another network).
"""

import os
import sys
from pathlib import Path

from measure import report
from omentum.evaluate.agreement import OrganAgreement, compare_case
from omentum.evaluate.summary import Summary, summarised
from omentum.phantoms.phantom import make_phantom
from omentum.predict.batch import predictor_named
from omentum.predict.predictor import Predictor
from omentum.volumes.labels import SUBSETS, organ, subset_ids
from omentum.volumes.masks import MaskSet, whole
from omentum.volumes.read import read_ct, read_mask

SHARED = Path(os.environ.get("OMENTUM_SHARED", Path(__file__).resolve().parents[2] / "shared")) / "data"
NINE = SUBSETS["abdomenatlas-1.0"]
TOLERANCE_MM = 3.0
FIRST_UNSEEN_SEED = 5000


def main(quick: bool) -> None:
    predictor = predictor_named("starter")
    n_phantoms = 2 if quick else 12
    columns = {style: _on_phantoms(predictor, style, n_phantoms) for style in ("mixed", "hard")}
    if SHARED.is_dir():
        columns["chaos_03 (person)"] = _on_chaos(predictor)
        columns["totalsegmentator_example (network)"] = _on_example(predictor)
    print("| organ | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    for name in NINE:
        print(
            f"| {organ(name).display_name} | " + " | ".join(_cell(s, name) for s in columns.values()) + " |"
        )
    figures = {column: {one.organ: one.dice for one in summary.organs} for column, summary in columns.items()}
    mean = columns["mixed"].dice
    assert mean is not None
    report("starter_quality", ours=mean, other=None, unit="Dice", quick=quick, dice=figures)


def _cell(summary: Summary, name: str) -> str:
    one = summary.of(name)
    if one is None or one.dice is None or one.surface_dice is None:
        return "-"
    return f"{one.dice:.2f} / {one.surface_dice:.2f}"


def _on_phantoms(predictor: Predictor, style: str, number: int) -> Summary:
    found: list[OrganAgreement] = []
    for seed in range(FIRST_UNSEEN_SEED, FIRST_UNSEEN_SEED + number):
        phantom = make_phantom(seed, style=style)
        truth = MaskSet.from_labels(phantom.labels.voxels, phantom.labels.geometry, NINE)
        found += compare_case(str(seed), predictor.predict(phantom.ct).masks, truth, TOLERANCE_MM)
    return summarised(found)


def _on_chaos(predictor: Predictor) -> Summary:
    ct = read_ct(SHARED / "chaos_03" / "dicom")
    liver = read_mask(SHARED / "chaos_03" / "liver.nii.gz", ct.geometry).voxels > 0
    truth = MaskSet.build(ct.geometry, ["liver"], [("liver", whole(ct.geometry.shape), liver)])
    return summarised(compare_case("chaos_03", predictor.predict(ct).masks, truth, TOLERANCE_MM))


def _on_example(predictor: Predictor) -> Summary:
    folder = SHARED / "totalsegmentator_example"
    ct = read_ct(folder / "ct.nii.gz")
    labels = read_mask(folder / "labels.nii.gz", ct.geometry).voxels
    box = whole(ct.geometry.shape)
    parts = ((name, box, labels == value) for value, name in subset_ids("abdomenatlas-1.0").items())
    truth = MaskSet.build(ct.geometry, NINE, parts)
    return summarised(compare_case("example", predictor.predict(ct).masks, truth, TOLERANCE_MM))


if __name__ == "__main__":
    main("--quick" in sys.argv)
