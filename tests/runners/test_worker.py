"""A process that works for a program ends without a word when the program has gone."""

import multiprocessing
import subprocess
import sys

ALONE = """
import os, pickle, sys
from multiprocessing.connection import Connection
from omentum.runners.worker import serve
serve(Connection(int(sys.argv[1])), pickle.dumps(print))
"""


def test_a_worker_whose_program_has_gone_ends_without_a_word():
    ours, theirs = multiprocessing.Pipe()
    ours.close()
    command = [sys.executable, "-c", ALONE, str(theirs.fileno())]
    ended = subprocess.run(command, check=False, pass_fds=[theirs.fileno()], capture_output=True, text=True)
    theirs.close()
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
