"""Write the script of a Slurm job array that predicts a project."""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.app.termination import TERMINATED

__all__ = ["SlurmJob", "predict_script"]

_SECONDS_BEFORE = 60
"""So long before its time ends, a job is asked to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmJob:
    """What each job of an array asks the cluster for; what is empty is left to the cluster.

    Attributes:
        n_parts: Jobs of the array.
        partition: Its name.
        gpus: Of a job.
        cpus: Processors of a job.
        memory: Of a job, such as `16G`.
        time: Of a job, such as `04:00:00`.
        setup: Commands that run first.
    """

    n_parts: int
    partition: str = ""
    gpus: int = 0
    cpus: int = 1
    memory: str = ""
    time: str = ""
    setup: tuple[str, ...] = ()


def predict_script(
    job: SlurmJob, root: Path, networks: Sequence[str] = (), *, program: Sequence[str] = ()
) -> str:
    """Write the script: each job predicts one shard; one that runs out of time is queued again.

    Args:
        job: What it asks for.
        root: The project's folder, absolute.
        networks: Names; those of the project if empty.
        program: How `omentum` is started; as this one was by default.
    """
    named = [part for name in networks for part in ("--network", name)]
    start = [*(program or (sys.executable, "-m", "omentum")), "-C", str(root), "predict", *named]
    asked = {
        "job-name": "omentum-predict",
        "array": f"0-{job.n_parts - 1}",
        "partition": job.partition,
        "gpus": job.gpus or "",
        "cpus-per-task": job.cpus,
        "mem": job.memory,
        "time": job.time,
        "signal": f"B:TERM@{_SECONDS_BEFORE}",
        "output": "omentum-predict-%A-%a.log",
    }
    options = [f"#SBATCH --{name}={value}" for name, value in asked.items() if value]
    return "\n".join(
        [
            "#!/bin/bash",
            *options,
            "#SBATCH --requeue",
            "#SBATCH --open-mode=append",
            "",
            "set -euo pipefail",
            *job.setup,
            "",
            "# SIGTERM goes on to the program, which gives back what it has not finished.",
            "trap 'kill -TERM \"$program\" 2>/dev/null || true' TERM",
            f'{shlex.join(start)} --shard "$((SLURM_ARRAY_TASK_ID + 1))/{job.n_parts}" &',
            "program=$!",
            "code=0",
            'wait "$program" || code=$?',
            'while kill -0 "$program" 2>/dev/null; do code=0; wait "$program" || code=$?; done',
            f'if [ "$code" -eq {TERMINATED} ] && command -v scontrol >/dev/null; then',
            '    scontrol requeue "$SLURM_JOB_ID"',
            "fi",
            'exit "$code"',
            "",
        ]
    )
