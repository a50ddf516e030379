"""How long does it take to assemble a CT? Run: python benchmarks/assemble_speed.py [--quick].

Ours: one case of a release, with its lineage. Other: the published script's arithmetic in plain nibabel and
NumPy: float volumes as nibabel gives them, one organ after another, written as nibabel writes them.
A case has 32 predicted organs, two of them revised, and an original label of 13 organs, as FLARE has them.
Memory is that of a process of its own, the imports with it.
"""

import shutil
import tempfile
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import nibabel as nib
import numpy as np

from measure import alone, asked, median_seconds, options, report
from omentum.assemble.assemble_case import assemble_case
from omentum.assemble.inputs import CaseInputs, inputs_of
from omentum.phantoms.phantom import make_phantom
from omentum.project.standing import CaseFacts
from omentum.records import Case, Prediction, ReaderAnswer, Revision
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.mask_files import write_masks, write_organ_files, write_painted
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

REVISED = ("spleen", "pancreas")
THIRTEEN = (1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14)
"""Classes of an original label, those of FLARE."""
VERSION = "V1"


def make_case(folder: Path, shape: tuple[int, int, int]) -> CaseInputs:
    """Write a synthetic patient as both sides read it."""
    phantom = make_phantom(0, shape=shape)
    labels, geometry = phantom.labels, phantom.labels.geometry
    masks = MaskSet.from_labels(labels.voxels, geometry, ["omentum"])
    write_nifti(folder / "ct.nii.gz", phantom.ct)
    write_masks(folder / "masks.nii.gz", masks)
    write_organ_files(folder / "average", masks)
    write_painted(folder / "pseudo_label.nii.gz", masks)
    held = np.where(np.isin(labels.voxels, THIRTEEN), labels.voxels, 0).astype(np.uint8)
    write_nifti(folder / "own_label.nii.gz", Volume(held, geometry))
    write_nifti(folder / "original_label.nii.gz", Volume(held, geometry))
    revisions = []
    for name in REVISED:
        path = folder / f"{name}_revised.nii.gz"
        write_nifti(path, Volume(np.roll(masks.mask(name), 2, axis=0), geometry))
        revisions.append(
            Revision(case_id="c1", organ=name, path=path, sha256="0" * 64, round_number=1, reader="reader-1",
                     says=ReaderAnswer.REVISED, network="average",
                     time=datetime(2026, 1, 1, tzinfo=UTC))
        )  # fmt: skip
    case = Case(
        case_id="c1",
        patient_id="c1",
        ct_path=folder / "ct.nii.gz",
        geometry=geometry,
        source="made",
        original_label_path=folder / "original_label.nii.gz",
        original_organs=tuple(organ(index).name for index in THIRTEEN if (held == index).any()),
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


def repeated(side: str, inputs: CaseInputs, folder: Path, quick: bool) -> float:
    """Assemble several times, into `folder/SIDE-0` and so on; give the median, in seconds."""
    outs = (folder / f"{side}-{n}" for n in count())
    if side == "ours":
        return median_seconds(lambda: assemble_case(inputs, next(outs)), times=3, quick=quick)
    return median_seconds(lambda: plainly(folder, next(outs)), times=3, quick=quick)


def main(quick: bool) -> None:
    shape = (256, 256, 75) if quick else (512, 512, 300)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = make_case(folder, shape)
        ours, other = (alone(repeated, side, inputs, folder, quick) for side in ("ours", "plain"))
        made = np.asarray(nib.load(folder / "ours-0" / "combined_labels.nii.gz").dataobj)
        theirs = np.asarray(nib.load(folder / "plain-0" / "pseudo_label.nii.gz").dataobj)
        if not np.array_equal(made, theirs):
            raise SystemExit("the two sides do not assemble the same map")
    print(f"{shape}: ours {ours.value:.2f} s, {ours.peak_gb:.2f} GB;", end=" ")
    print(f"plainly {other.value:.2f} s, {other.peak_gb:.2f} GB")
    memory = {"peak_gb": ours.peak_gb, "other_peak_gb": other.peak_gb}
    report("assemble_speed", ours=ours.value, other=other.value, unit="s", quick=quick, shape=shape, **memory)


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
