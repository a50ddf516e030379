"""Every method of the store that writes is logged, or says here why it is not."""

import ast
import inspect
from pathlib import Path

import pytest

from omentum import store as room

_WRITES = {"self._merge", "self._change", "self._delete", "writing", "claiming"}
_LOGS = {"self._log", "append_entry"}
NOT_LOGGED = {
    "Activities.add": "signs of work are measurements",
    "Arrivals.keep": "what was observed of a CT, before anyone decides",
    "AuditLog.keep_anchor": "the anchor is of the log itself",
    "Cases.add": "cases that come in; no word of a person",
    "Cases.add_all": "cases that come in; no word of a person",
    "Cases.move_source": "where a file is",
    "CatchTrials.remove": "trials that nobody has begun",
    "Claims": "who works on what is no statement",
    "Facts.forget": "notes about unfinished work",
    "Facts.set": "notes about unfinished work",
    "LabelVersions.add": "labels that come with a data set",
    "LabelVersions.keep_hash": "the hash of what is there already",
    "LabelVersions.keep_stamp": "where a file is",
    "LearnedMasks.keep": "it follows from revisions and settings",
    "Leases": "claims are no statements",
    "Ledgers": "what is done is computed anew at any time",
    "OpenTasks": "claims are no statements",
    "Predictions": "what networks compute",
    "Revisions.keep_findings": "what rules compute",
    "Scores": "what is computed",
    "Tasks.await_decision": "it waits, and changes nothing",
    "Tasks.claimed": "claims are no statements",
    "Tasks.replace": "a queue is computed",
    "Tombstones.keep": "`CaseRows.erase` logs it, in the same transaction",
}


def methods():
    """Give every method of a table's class with the names that it calls, by `Class.method`."""
    found = {}
    for path in sorted(Path(inspect.getfile(room)).parent.glob("*.py")):
        for one in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(one, ast.ClassDef) and path.stem not in ("database", "record_table", "store"):
                for part in one.body:
                    if isinstance(part, ast.FunctionDef):
                        found[f"{one.name}.{part.name}"] = _called(part)
    return found


def _called(function):
    return {
        f"self.{node.func.attr}"
        if _is_own(node)
        else getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }


def _is_own(node):
    return isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "self"


def reaches(name, found, wanted):
    """Tell whether a method, or one of its class that it calls, calls one of some names."""
    owner = name.partition(".")[0]
    seen, ahead = set(), [name]
    while ahead:
        one = ahead.pop()
        if found[one] & wanted:
            return True
        seen.add(one)
        others = {called.replace("self", owner, 1) for called in found[one] if called.startswith("self.")}
        ahead += (others & found.keys()) - seen
    return False


FOUND = methods()
WRITING = [name for name in FOUND if "._" not in name and reaches(name, FOUND, _WRITES)]


@pytest.mark.parametrize("name", WRITING)
def test_a_method_that_writes_also_logs(name):
    excused = name in NOT_LOGGED or name.partition(".")[0] in NOT_LOGGED
    assert reaches(name, FOUND, _LOGS) != excused, "log it, or say in NOT_LOGGED why it is not logged"


def test_every_excuse_is_of_a_method_that_writes():
    assert set(NOT_LOGGED) <= {*WRITING, *(name.partition(".")[0] for name in WRITING)}
