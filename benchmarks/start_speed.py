"""Do commands start at once? Run: python benchmarks/start_speed.py [--quick].

Processor time of the command line, in processes of its own, against importing only what it cannot do without:
`typer` and `rich.console` for help (aim: at most 3 times), NumPy and SQLAlchemy for `init` and `status` (at
most 4 times). The figures are medians; `ours` and `other` are those of `omentum --help`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from measure import asked, options, report

HELP = "import typer, rich.console"
PROJECT = "import numpy, sqlalchemy.orm"
TIMES, QUICK_TIMES = 11, 3


def processor_seconds(arguments: Sequence[str]) -> float:
    """Run Python once, and give the processor time that it took, in seconds."""
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return used.ru_utime + used.ru_stime


def main(quick: bool) -> None:
    """Time both sides in turn, and print how many times longer each command takes."""
    times = QUICK_TIMES if quick else TIMES
    with tempfile.TemporaryDirectory() as folder:
        project = str(Path(folder) / "project")
        commands = {
            "--version": (HELP, ["--version"]),
            "--help": (HELP, ["--help"]),
            "predict --help": (HELP, ["predict", "--help"]),
            "review list --help": (HELP, ["review", "list", "--help"]),
            "tune --help": (HELP, ["tune", "--help"]),
            "init": (PROJECT, ["init", project]),
            "status": (PROJECT, ["-C", project, "status"]),
        }
        taken: dict[str, list[float]] = {name: [] for name in (*commands, HELP, PROJECT)}
        for turn in range(times):
            for base in (HELP, PROJECT):
                taken[base].append(processor_seconds(["-c", base]))
            for name, (_, words) in commands.items():
                new = [f"{word}-{turn}" if word == project and name == "init" else word for word in words]
                if name == "status" and turn == 0:
                    processor_seconds(["-m", "omentum", "init", project])
                taken[name].append(processor_seconds(["-m", "omentum", *new]))
    median = {name: statistics.median(each) for name, each in taken.items()}
    ratios = {name: round(median[name] / median[base], 2) for name, (base, _) in commands.items()}
    for name, ratio in ratios.items():
        print(f"{name:20} {median[name]:6.2f} s {ratio:6.2f} times `{commands[name][0]}`")
    report(
        "start_speed",
        ours=median["--help"],
        other=median[HELP],
        unit="s",
        quick=quick,
        seconds={name: round(each, 3) for name, each in median.items()},
        ratios=ratios,
    )


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
