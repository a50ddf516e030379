"""How long does it take to assemble a CT? Run: python benchmarks/assemble_speed.py [--quick].

Ours: one case of a release, with its lineage. Other: the published script's arithmetic in plain nibabel and
NumPy: float volumes as nibabel gives them, one organ after another, written as nibabel writes them.
A case has 32 predicted organs, two of them revised, and an original label: of the liver alone, as LiTS has
it, or of 13 organs, as FLARE has them, which is what is reported; the other is among the figures. Memory is
that of a process of its own, the imports with it.
"""

import multiprocessing
import re
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import nibabel as nib
import numpy as np

from measure import median_seconds, report
from omentum.assemble.assemble_case import assemble_case
from omentum.assemble.inputs import CaseInputs, inputs_of
from omentum.phantoms.phantom import make_phantom
from omentum.project.standing import CaseFacts
from omentum.records import Case, Prediction, Revision, Says
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.mask_files import write_masks, write_organ_files, write_painted
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

REVISED = ("spleen", "pancreas")
LIVER_ALONE = (6,)
THIRTEEN = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14)
"""Classes of an original label: those of LiTS's liver, and of FLARE."""
VERSION = "V1"


def make_case(folder: Path, shape: tuple[int, int, int], classes: tuple[int, ...]) -> CaseInputs:
    """Write a synthetic patient as both sides read it."""
    phantom = make_phantom(0, shape=shape)
    labels, geometry = phantom.labels, phantom.labels.geometry
    masks = MaskSet.from_labels(labels.voxels, geometry, ["omentum"])
    write_nifti(folder / "ct.nii.gz", phantom.ct)
    write_masks(folder / "masks.nii.gz", masks)
    write_organ_files(folder / "average", masks)
    write_painted(folder / "pseudo_label.nii.gz", masks)
    held = np.where(np.isin(labels.voxels, classes), labels.voxels, 0).astype(np.uint8)
    write_nifti(folder / "own_label.nii.gz", Volume(held, geometry))
    write_nifti(folder / "original_label.nii.gz", Volume(held, geometry))
    revisions = []
    for name in REVISED:
        path = folder / f"{name}_revised.nii.gz"
        write_nifti(path, Volume(np.roll(masks.mask(name), 2, axis=0), geometry))
        revisions.append(
            Revision(case_id="c1", organ=name, path=path, sha256="0" * 64, round_number=1, reader="reader-1",
                     says=Says.REVISED, network="average",
                     time=datetime(2026, 1, 1, tzinfo=UTC))
        )  # fmt: skip
    case = Case(
        case_id="c1",
        patient_id="c1",
        ct_path=folder / "ct.nii.gz",
        geometry=geometry,
        source="made",
        original_label_path=folder / "original_label.nii.gz",
        original_organs=tuple(organ(index).name for index in classes if (held == index).any()),
    )
    prediction = Prediction(
        case_id="c1", network="average", weights_sha256="0" * 64, folder=folder, organs=masks.organs
    )
    return inputs_of(CaseFacts(case=case, revisions=tuple(revisions), prediction=prediction))


def plainly(folder: Path, out: Path) -> None:
    """Do what the published script does with one case."""
    pseudo = nib.load(folder / "pseudo_label.nii.gz")
    assembled = pseudo.get_fdata()
    (out / "segmentations").mkdir(parents=True, exist_ok=True)
    shutil.copy(folder / "ct.nii.gz", out / "ct.nii.gz")
    shutil.copy(folder / "own_label.nii.gz", out / "original_label.nii.gz")
    shutil.copy(folder / "pseudo_label.nii.gz", out / f"pseudo_label_{VERSION}.nii.gz")
    for name in REVISED:
        revised = nib.load(folder / f"{name}_revised.nii.gz").get_fdata()
        assembled[assembled == organ(name).index] = 0
        assembled[revised == 1] = organ(name).index
    own = nib.load(folder / "own_label.nii.gz").get_fdata()
    for index in np.unique(own)[1:]:
        assembled[assembled == index] = 0
        assembled[own == index] = index
    nib.save(nib.Nifti1Image(assembled, pseudo.affine), out / "pseudo_label.nii.gz")
    for row in ORGANS:
        average = folder / "average" / f"{row.name}.nii.gz"
        if row.name in REVISED:
            shutil.copy(average, out / "segmentations" / f"{row.name}_{VERSION}.nii.gz")
            average = folder / f"{row.name}_revised.nii.gz"
        shutil.copy(average, out / "segmentations" / f"{row.name}.nii.gz")


def peak_gb(side: str, folder: Path, inputs: CaseInputs) -> float:
    """Measure the most memory that one side holds, in GB."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_gb, (side, folder, inputs))


def _peak_gb(side: str, folder: Path, inputs: CaseInputs) -> float:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak of the process that began this one
    if side == "ours":
        assemble_case(inputs, folder / "out-ours")
    else:
        plainly(folder, folder / "out-plain")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e9


def measured(
    shape: tuple[int, int, int], classes: tuple[int, ...], *, quick: bool
) -> tuple[float, float, dict[str, float]]:
    """Measure both sides on one case: seconds of ours and of the other, and GB of each."""
    folder = Path(tempfile.mkdtemp())
    try:
        inputs = make_case(folder, shape, classes)
        memory = {side: peak_gb(side, folder, inputs) for side in ("ours", "plain")}
        fresh = (folder / f"out-{n}" for n in count())
        ours = median_seconds(lambda: assemble_case(inputs, next(fresh)), times=3, quick=quick)
        other = median_seconds(lambda: plainly(folder, next(fresh)), times=3, quick=quick)
        made = np.asarray(nib.load(folder / "out-ours" / "combined_labels.nii.gz").dataobj)
        theirs = np.asarray(nib.load(folder / "out-plain" / "pseudo_label.nii.gz").dataobj)
        if not np.array_equal(made, theirs):
            raise SystemExit("the two sides do not assemble the same map")
    finally:
        shutil.rmtree(folder)
    print(f"{len(classes)} original organs, {shape}: ours {ours:.2f} s, {memory['ours']:.2f} GB;", end=" ")
    print(f"plainly {other:.2f} s, {memory['plain']:.2f} GB")
    return ours, other, memory


def main(quick: bool) -> None:
    shape = (256, 256, 75) if quick else (512, 512, 300)
    ours_one, other_one, _ = measured(shape, LIVER_ALONE, quick=quick)
    ours, other, memory = measured(shape, THIRTEEN, quick=quick)
    report(
        "assemble_speed", ours=ours, other=other, unit="s", quick=quick, shape=shape,
        peak_gb=memory["ours"], other_peak_gb=memory["plain"],
        liver_alone={"ours": ours_one, "other": other_one, "ratio": other_one / ours_one},
    )  # fmt: skip


if __name__ == "__main__":
    main("--quick" in sys.argv)
