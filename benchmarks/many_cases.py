"""Time the commands that see all cases, at 10,000 cases. Run: python benchmarks/many_cases.py [--quick].

Real headers, small voxels: 10,000 CTs of 16 x 16 x 16, half of them with a label, in LiTS's layout. Then the
database is filled as if all were predicted, scored, and some revised. Times are of one run each, with the
growth of peak memory from a tenth of the cases to all of them. There is no alternative to compare with: the
aims are 60 s for `add`, 5 s and no volume opened for commands that only read, and memory that does not grow
with the number of cases.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from measure import asked, options, report
from omentum.project.project import Project, opened
from omentum.records import (
    WHOLE_CT,
    Case,
    CaseScore,
    MaskFinding,
    OrganScore,
    Prediction,
    ReaderAnswer,
    Revision,
)
from omentum.score.round_queue import queue_options, queue_round
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SIDE = 16
ADDING = {
    "add": ["add", "{data}", "--no-check-labels", "--json"],
    "add again": ["add", "{data}", "--no-check-labels", "--json"],
}
READING = {
    "status": ["status", "--json"],
    "organs list": ["organs", "list", "--json"],
    "assemble --plan": ["assemble", "--plan", "--version", "V1"],
}
COUNTING = """
import gzip, hashlib, json, re, sys
import nibabel
opened = 0
def counted(function):
    def call(*arguments, **named):
        global opened
        opened += 1
        return function(*arguments, **named)
    return call
nibabel.load, gzip.open = counted(nibabel.load), counted(gzip.open)
hashlib.file_digest = counted(hashlib.file_digest)
sys.argv[0] = "omentum"
from omentum.app.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status:  # `getrusage` counts what this benchmark took before the start
        peak_mb = int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) / 1024
    print(json.dumps({"peak_mb": peak_mb, "opened": opened}), file=sys.stderr)
"""
"""Runs a command, and says what memory it took and how many volumes it opened or files it hashed."""


def make_data(root: Path, n_cases: int) -> Path:
    """Write CTs that differ, and labels for every second one."""
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: make_case(root / "04_LiTS", number), range(n_cases)))
    return root / "04_LiTS"


def make_case(folder: Path, number: int) -> None:
    coarse = np.random.default_rng(number).integers(-180, 280, (4, 4, 4)).astype(np.int16)
    ct = coarse.repeat(4, 0).repeat(4, 1).repeat(4, 2)
    grid = Geometry(ct.shape, np.diag([-0.78, -0.78, 2.5, 1.0]))
    write_nifti(folder / "img" / f"case_{number}.nii.gz", Volume(ct, grid))
    if number % 2 == 0:
        label = np.zeros(ct.shape, dtype=np.uint8)
        label[4:12, 4:12, 4:12] = 1
        write_nifti(folder / "label" / f"case_{number}.nii.gz", Volume(label, grid))


def fill(root: Path) -> float:
    """Keep facts as if all cases were predicted and scored, and every twentieth revised; time the queue."""
    rng = np.random.default_rng(1)
    with opened(root) as workspace:
        store, organs = workspace.store, workspace.settings.organs
        cases = store.cases.all()
        with store.together():
            for number, case in enumerate(cases):
                store.predictions.keep(predicted(workspace, case, number), dict.fromkeys(organs, "0" * 64))
                if number % 20 == 0:
                    store.revisions.add(revised(workspace, case))
        scores = [scored(case, organs, rng) for case in cases]
        store.scores.replace(1, scores)
        started = time.perf_counter()
        queue_round(workspace, scores, queue_options(workspace.settings))
        return time.perf_counter() - started


def predicted(workspace: Project, case: Case, number: int) -> Prediction:
    """Give a prediction, with a suspicion about one case in ten and a CT upside down in one of a hundred."""
    odd = MaskFinding(organ="spleen", rule="pieces", said="in 3 pieces", severity=0.4, error_ml=2.0)
    turned = MaskFinding(organ=WHOLE_CT, rule="orientation", said="upside down", severity=1.0)
    return Prediction(
        case_id=case.case_id,
        network="starter",
        weights_sha256="w" * 64,
        folder=workspace.folder.prediction_dir(case.case_id, "starter"),
        organs=workspace.settings.organs,
        masks_sha256="0" * 64,
        findings=(*([odd] if number % 10 == 0 else []), *([turned] if number % 100 == 0 else [])),
    )


def revised(workspace: Project, case: Case) -> Revision:
    """Give a mask that a reader handed in."""
    return Revision(
        case_id=case.case_id,
        organ="pancreas",
        path=workspace.folder.revision_dir(case.case_id, "pancreas") / "mask.nii.gz",
        sha256="1" * 64,
        round_number=1,
        reader="reader-1",
        says=ReaderAnswer.REVISED,
        network="starter",
        time=datetime.now(UTC),
    )


def scored(case: Case, organs: Sequence[str], rng: np.random.Generator) -> CaseScore:
    """Give a score with a hot spot in each organ."""
    plain = OrganScore(organ="", attention_voxels=1, attention_ml=1.0, priority=1.0, dice_loss=0.1)
    errors = dict(zip(organs, rng.exponential(5.0, len(organs)).tolist(), strict=True))
    rows = tuple(replace(plain, organ=name, error_ml=ml, spots_ml=(ml,)) for name, ml in errors.items())
    return CaseScore(case_id=case.case_id, score=sum(errors.values()), organs=rows)


def run_steps(n_cases: int) -> dict[str, dict[str, float]]:
    """Time each step in a process of its own, with its peak memory in MB and what it opened."""
    with tempfile.TemporaryDirectory() as folder:
        data = make_data(Path(folder), n_cases)
        project = Path(folder) / "atlas"
        omentum(["init", str(project), "--network", "starter"])
        found = {}
        for name, words in ADDING.items():
            found[name] = timed(project, [word.format(data=data) for word in words])
            del found[name]["opened"]  # in processes of their own, where nobody counts
        found["make the queue"] = {"seconds": fill(project)}
        return found | {name: timed(project, words) for name, words in READING.items()}


def timed(project: Path, words: list[str]) -> dict[str, float]:
    """Time a command on a project."""
    started = time.perf_counter()
    told = omentum(["-C", str(project), *words])
    return {"seconds": time.perf_counter() - started, **told}


def omentum(words: list[str]) -> dict[str, float]:
    """Run a command, and give the peak memory that it took, in MB, and how many files it opened."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, *words], check=True, capture_output=True, text=True
    )
    told: dict[str, float] = json.loads(done.stderr.strip().splitlines()[-1])
    return told


def main(quick: bool) -> None:
    n_cases = 500 if quick else 10_000
    few, many = run_steps(n_cases // 10), run_steps(n_cases)
    for name, one in many.items():
        told = f"{name}: {one['seconds']:.1f} s for {n_cases} cases"
        if "peak_mb" in one:
            grown = one["peak_mb"] - few[name]["peak_mb"]
            told += f", {one['peak_mb']:.0f} MB ({grown:+.0f})"
        print(told + (f", {one['opened']:.0f} volumes opened" if "opened" in one else ""))
    report(
        "many_cases", ours=max(one["seconds"] for one in many.values()), other=None, unit="s", quick=quick,
        n_cases=n_cases, steps=many, steps_of_a_tenth=few,
    )  # fmt: skip


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
