"""How do releases of 10,000 cases go? Run: python benchmarks/many_releases.py [--quick].

Headers and records are real, voxels are small: what is measured is what grows with the number of cases.
Measured: the plan of a release (choosing every mask and comparing with the release before), its lists
(manifest, table, data-set card), and the difference of two releases; each in a process of its own, with the
most memory it held, for a tenth of the cases too, so that what grows is seen. Assembly itself is measured a
case at a time, in assemble_speed.py.
"""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from measure import Taken, alone, asked, options, report
from omentum.assemble.compare import diff_of, plan_release
from omentum.assemble.inputs import CaseInputs, inputs_of
from omentum.assemble.manifest import write_manifest
from omentum.project.standing import CaseFacts
from omentum.records import Case, Prediction
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS

ORGAN_NAMES = tuple(row.name for row in ORGANS[:25])


def made_up(folder: Path, n_cases: int) -> Iterator[CaseInputs]:
    """Give the records of synthetic cases; their files are not there, and nobody asks for them."""
    geometry = Geometry((512, 512, 300), np.diag([0.8, 0.8, 1.5, 1.0]))
    for number in range(n_cases):
        case_id = f"case_{number:05d}"
        case = Case(
            case_id=case_id,
            patient_id=f"p-{number // 2}",
            ct_path=folder / case_id / "ct.nii.gz",
            geometry=geometry,
            source=f"/data/{case_id}.nii.gz",
            original_label_path=folder / case_id / "original_label.nii.gz",
            original_organs=ORGAN_NAMES[: number % 4],
        )
        made = Prediction(
            case_id=case_id, network="average", weights_sha256="w" * 64, folder=folder, organs=ORGAN_NAMES
        )
        yield inputs_of(CaseFacts(case=case, prediction=made))


def write_cases(folder: Path, inputs: Iterator[CaseInputs], changed_every: int) -> None:
    """Write the lineage of each case as assembly does; its voxel files are a byte each."""
    for number, one in enumerate(inputs):
        case = folder / one.case.case_id
        (case / "segmentations").mkdir(parents=True)
        organs = {}
        for place, name in enumerate(ORGAN_NAMES):
            is_original = name in one.case.original_organs
            mark = "b" if changed_every and not number % changed_every and place == 5 else "a"
            row = {"source": "original" if is_original else "predicted", "time": "2026-01-01T00:00:00+00:00"}
            if not is_original:
                row |= {"network": "average", "weights_sha256": "w" * 64}
            organs[name] = {**row, "volume_ml": 10.0 + place, "flags": [], "sha256": mark * 64}
        names = ["ct.nii.gz", "combined_labels.nii.gz", "labels.json"]
        names += [f"segmentations/{name}.nii.gz" for name in ORGAN_NAMES]
        for name in names:
            (case / name).write_bytes(b"x")
        lineage = {
            "case_id": one.case.case_id,
            "patient_id": one.case.patient_id,
            "held_out": False,
            "data_set": {"name": "made", "licence": "CC BY 4.0"},
            "organs": organs,
            "held_back": {},
            "ct_flags": [],
            "painted_from_bottom_to_top": list(ORGAN_NAMES),
            "files": dict.fromkeys(names, "c" * 64),
            "inputs": {},
        }
        (case / "lineage.json").write_text(json.dumps(lineage), encoding="utf-8")


def do(step: str, folder: Path, n_cases: int) -> None:
    """Do one step on so many cases."""
    first, second = folder / "V1", folder / "V1.1"
    if step == "plan":
        plan = plan_release(list(made_up(folder, n_cases)), first)
        assert (plan.n_cases, plan.n_cases_new, plan.n_masks_other) == (n_cases, 0, 0)
    elif step == "lists":
        write_manifest(second, "V1.1", [path.name for path in second.iterdir() if path.is_dir()])
    else:
        diff = diff_of(first, second)
        assert diff.n_same == n_cases * len(ORGAN_NAMES) - len(range(0, n_cases, 10))


def measured(n_cases: int) -> dict[str, Taken]:
    """Measure each step on so many cases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for version, changed_every in (("V1", 0), ("V1.1", 10)):
            write_cases(folder / version, made_up(folder, n_cases), changed_every)
        write_manifest(folder / "V1", "V1", [path.name for path in (folder / "V1").iterdir()])
        return {step: alone(do, step, folder, n_cases) for step in ("plan", "lists", "diff")}


def main(quick: bool) -> None:
    n_cases = 500 if quick else 10_000
    few, many = measured(n_cases // 10), measured(n_cases)
    for step, one in many.items():
        memory = f"{one.peak_gb:.2f} GB for {n_cases} cases; {few[step].peak_gb:.2f} GB for a tenth"
        print(f"{step}: {one.seconds:.1f} s, {memory}")
    seconds = {step: one.seconds for step, one in many.items()}
    report(
        "many_releases",
        ours=max(seconds.values()),
        other=None,
        unit="s",
        quick=quick,
        n_cases=n_cases,
        n_organs=len(ORGAN_NAMES),
        seconds=seconds,
        peak_gb={step: one.peak_gb for step, one in many.items()},
        peak_gb_of_a_tenth={step: one.peak_gb for step, one in few.items()},
    )


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
