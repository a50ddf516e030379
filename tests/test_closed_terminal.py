"""A program whose terminal is closed gives back its cases; under `nohup` it goes on."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from fixtures.shared_projects import STAGE
from omentum.project.project import opened
from omentum.records.jobs import JobState

pytestmark = pytest.mark.slow


def states(root):
    with opened(root, looking=True) as project:
        return [job.state for job in project.store.ledger.jobs(STAGE)]


def wait_for_one(root, program):
    """Wait until the program has predicted its first case; its files tell sooner than the database."""
    while not any(root.glob("cases/*/networks/*/summary.json")):
        assert program.poll() is None
        time.sleep(0.01)


def command(root, *options):
    return [sys.executable, "-m", "omentum", "-C", str(root), "predict", *options]


@pytest.mark.parametrize("options", [(), ("--runner", "processes", "--workers", "2")])
def test_a_program_whose_terminal_is_closed_ends_soon_and_gives_its_cases_back(make_project, options):
    root = make_project("atlas", n_cases=40, side=64)
    ours, its = pty.openpty()
    # The first terminal that a new session opens is its own.
    in_it = ["sh", "-c", 'exec "$@" <"$0" >"$0" 2>&1', os.ttyname(its), *command(root, *options)]
    program = subprocess.Popen(in_it, start_new_session=True)
    wait_for_one(root, program)
    os.close(its)
    os.close(ours)  # as when the window is closed
    assert program.wait() == 129
    left = states(root)
    assert JobState.CLAIMED not in left
    assert JobState.DUE in left


def test_a_program_that_nohup_started_goes_on(make_project):
    root = make_project("atlas", n_cases=4, side=64)
    program = subprocess.Popen(["nohup", *command(root)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for_one(root, program)
    program.send_signal(signal.SIGHUP)
    _, said = program.communicate()
    assert program.returncode == 0, said
    assert set(states(root)) == {JobState.DONE}
