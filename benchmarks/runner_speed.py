"""How much sooner do two processes predict than one? Run: python benchmarks/runner_speed.py [--quick].

Real prediction of synthetic CTs by the network `starter`, file to files, each process with one thread. Ours:
two processes. Other: one. The aim is 1.6 times on two processors. The figures also have two Ray actors, which
may take 10 % longer than two processes; the start of the cluster is not counted, that of the actors is.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import ray

from measure import asked, options, report
from omentum.phantoms.phantom import make_phantom
from omentum.predict.portable import portable_predictor
from omentum.predict.predict_case import CaseWork
from omentum.project.paths import ProjectFolder
from omentum.records import Case
from omentum.runners.memory_ledger import MemoryJobs, MemorySharedLedger
from omentum.runners.processes import ProcessRunner
from omentum.runners.ray_runner import RayRunner
from omentum.runners.runner import Runner
from omentum.volumes.nifti import write_nifti

NETWORK = "starter"


def write_cases(folder: Path, n_cases: int, shape: tuple[int, int, int]) -> list[Case]:
    """Write synthetic CTs."""
    cases = []
    for number in range(n_cases):
        path = folder / f"{number}.nii.gz"
        ct = make_phantom(number, shape=shape).ct
        write_nifti(path, ct)
        name = f"c{number}"
        case = Case(case_id=name, patient_id=name, ct_path=path, geometry=ct.geometry, source="phantom")
        cases.append(case)
    return cases


def predict(runner: Runner, cases: list[Case], folder: Path) -> tuple[float, list[float]]:
    """Predict all cases; give the seconds of the run, and of each case."""
    folder_of = partial(ProjectFolder(folder).prediction_dir, network=NETWORK)
    work = CaseWork(predictor=portable_predictor(NETWORK), folder_of=folder_of)
    jobs: MemoryJobs[object] = MemoryJobs()
    started = time.perf_counter()
    ledger = MemorySharedLedger(jobs, "this")
    batch = runner.run(cases, work.steps, key=lambda case: case.case_id, ledger=ledger)
    seconds = time.perf_counter() - started
    assert len(batch.done) == len(cases), batch.failed
    return seconds, [cost[0] or 0.0 for cost in jobs.costs.values()]


def main(quick: bool) -> None:
    shape, n_cases = ((96, 96, 64), 2) if quick else ((320, 320, 200), 12)
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    runners = {
        "one": ProcessRunner(1, threads=1),
        "two": ProcessRunner(2, threads=1),
        "ray": RayRunner(2, threads=1),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = write_cases(folder, n_cases, shape)
        taken = {kind: predict(runner, cases, folder / kind) for kind, runner in runners.items()}
    for kind, (seconds, each) in taken.items():
        print(f"{kind}: {seconds:.1f} s for {n_cases} CTs of {shape}, {sum(each) / n_cases:.1f} s each")
    report(
        "runner_speed",
        ours=taken["two"][0],
        other=taken["one"][0],
        unit="s",
        quick=quick,
        shape=shape,
        n_cases=n_cases,
        seconds_a_case=sum(taken["one"][1]) / n_cases,
        ray_seconds=taken["ray"][0],
        ray_longer=taken["ray"][0] / taken["two"][0] - 1,
    )


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
