"""How long does `omentum status` take at full size? Run: python benchmarks/status_speed.py [--quick].

Rows alone, made by `tests/fixtures/large_project.py`: 20,000 cases x 32 organs x 5 rounds, with 10,000 tasks
and their revisions; no volume. Each command runs in a process of its own, imports included; the median of
three. The start is what the same command takes in a project of 20 cases. The aim is 1 s of a processor on
SQLite beside that start. There is nothing to compare with.

`--project FOLDER` takes a project that an earlier run filled there, or fills one that stays.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))

from fixtures.large_project import fill_project
from fixtures.large_size import NAMES, LargeProject
from load.servers import postgresql_url
from measure import alone, asked, options, report
from omentum.evaluate.stop_forecast import prepare_forecast
from omentum.project.project import opened
from omentum.records import MaskSource, ReaderAnswer, Revision

TIMES = 3
FEW = LargeProject(n_cases=20)


def timed(root: Path, *words: str) -> dict[str, float]:
    """Run a command several times: median of its seconds, least of its processor's seconds, peak memory."""
    taken = [alone(run, str(root), list(words)) for _ in range(TIMES)]
    return {
        "seconds": statistics.median(one.value[0] for one in taken),
        "processor_seconds": min(one.value[1] for one in taken),
        "peak_mb": max(one.value[2] for one in taken),
    }


def run(root: str, words: list[str]) -> tuple[float, float, float]:
    """Run a command in a child: its seconds, its processor's seconds, and its peak memory in MB."""
    command = [sys.executable, "-m", "omentum", "-C", root, *words]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def end_audit(root: Path, size: LargeProject) -> None:
    """Let the last organ that was drawn at random come back, so that there is a bound and a forecast."""
    with opened(root) as project:
        number = size.n_rounds
        case_id, organ = size.task_of(number, 0)
        revision = Revision(
            case_id=case_id,
            organ=organ,
            path=project.folder.revision_dir(case_id, organ) / "mask.nii.gz",
            sha256="9" * 64,
            round_number=number,
            reader="reader-1",
            says=ReaderAnswer.ACCEPTED,
            base_sha256="9" * 64,
            base_source=MaskSource.PREDICTED,
            network=size.network(number),
            dice_to_base=1.0,
            time=datetime.now(UTC),
        )
        project.store.revisions.add(revision)


def measure_status(root: Path, size: LargeProject) -> dict[str, Any]:
    """Measure status before and after the audit is complete."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder) / "few"
        fill_project(few, FEW)
        found["start"] = timed(few, "status")
        end_audit(few, FEW)
        with opened(few) as project:
            prepare_forecast(project)
        found["start once the audit is complete"] = timed(few, "status")
    found["status"] = timed(root, "status")
    found["status --json"] = timed(root, "status", "--json")
    end_audit(root, size)
    found["sums for the forecast, once a score"] = alone(prepare, str(root)).value
    found["status once the audit is complete"] = timed(root, "status")
    for name in ("status", "status once the audit is complete"):
        start = found[name.replace("status", "start")]["processor_seconds"]
        found[name]["processor_seconds_beside_start"] = found[name]["processor_seconds"] - start
    return found


def measure_database(root: Path) -> dict[str, Any]:
    """Measure what reads and writes the whole database; the project is in SQLite again in the end."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        found["db backup"] = taken(root, "db", "backup", f"{folder}/backup.db")
        url = stack.enter_context(postgresql_url())
        found["db move to PostgreSQL"] = taken(root, "db", "move", "--to", url, "--anyway")
        found["status on PostgreSQL"] = timed(root, "status")
        found["db move to SQLite"] = taken(root, "db", "move", "--to", "sqlite:///back.db", "--anyway")
    return found


def prepare(root: str) -> dict[str, float]:
    """Sum up the scores for the forecast, as `omentum score` does in the end, in this process."""
    with opened(Path(root)) as project:
        started, used = time.perf_counter(), time.process_time()
        prepare_forecast(project)
        seconds, processor_seconds = time.perf_counter() - started, time.process_time() - used
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "processor_seconds": processor_seconds, "peak_mb": peak_mb}


def taken(root: Path, *words: str) -> dict[str, float]:
    """Run a command once."""
    seconds, processor_seconds, peak_mb = alone(run, str(root), list(words)).value
    return {"seconds": seconds, "processor_seconds": processor_seconds, "peak_mb": peak_mb}


def main(quick: bool, project: Path | None) -> None:
    size = LargeProject(n_cases=500 if quick else 20_000)
    with tempfile.TemporaryDirectory() as folder:
        root = project or Path(folder) / "atlas"
        if not (root / "omentum.toml").is_file():
            fill_project(root, size)
        database_mb = (root / "omentum.db").stat().st_size / 1e6
        found = {"database_mb": database_mb, **measure_status(root, size), **measure_database(root)}
    for name, one in found.items():
        if isinstance(one, dict):
            told = f"{one['seconds']:.2f} s, {one['processor_seconds']:.2f} s of a processor"
            beside = one.get("processor_seconds_beside_start")
            apart = "" if beside is None else f" ({beside:.2f} s beside the start)"
            print(f"{name}: {told}{apart}, {one['peak_mb']:.0f} MB")
    report(
        "status_speed", ours=found["status"]["seconds"], other=None, unit="s", quick=quick,
        n_cases=size.n_cases, n_organs=len(NAMES), n_rounds=size.n_rounds, **found,
    )  # fmt: skip


if __name__ == "__main__":
    parser = options(__doc__)
    parser.add_argument(
        "--project", type=Path, metavar="FOLDER", help="a project that was filled, or is to be"
    )
    given = asked(parser)
    main(given.quick, given.project)
