"""The audit log is one chain, written with what it is about, and tells where it was tampered with."""

import json
import shutil
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from omentum.errors import UnknownCaseError
from omentum.records import Confirmation, Decision, DecisionKind, TaskState
from omentum.records.audit_log import BEFORE_FIRST, LogAction, LogEntry, canonical_json
from omentum.store.log_chain import ProblemKind
from omentum.store.mentions import Mentions
from omentum.store.store import Store

NOW = datetime(2026, 12, 1, tzinfo=UTC)
URL = "sqlite:///omentum.db"


def decision(case_id="a", **changes):
    plain = Decision(case_id=case_id, organ="liver", kind=DecisionKind.PREFER, by="chief", time=NOW)
    return replace(plain, **changes)


def confirmation(case_id="a"):
    return Confirmation(
        case_id=case_id, organ="liver", rule="side", mask_sha256="f00", by="chief", why="fine", time=NOW
    )


@pytest.fixture
def logged(each_store, revision_of, task_of):
    """A store in which readers revised, a person decided, confirmed, and skipped a task."""
    store = each_store
    (task, _) = store.tasks.replace(1, [task_of("a"), task_of("b", rank=2)])
    store.revisions.add(revision_of(minutes=4, task_number=task.number, comment="like b"))
    store.revisions.add(revision_of(case_id="b", reader="eva", sha256="ba4"))
    store.decisions.add(decision(revision_number=1, why="as in b"))
    store.confirmations.add([confirmation(), confirmation("b")])
    store.tasks.set_state([task.number], TaskState.SKIPPED, reason="motion", by="eva")
    return store


@pytest.fixture
def tampered(tmp_path, case_of, revision_of):
    """Function: run SQL on the file of a project with 12 entries, and give the problems and the anchors."""
    with Store.open(URL, tmp_path) as store:
        store.cases.add_all([case_of("a"), case_of("b")])
        store.rounds.start("starter")
        store.log.keep_anchor(store.log.head("release V0"))
        for k in range(8):
            store.revisions.add(revision_of(sha256=f"{k:03d}"))
        store.decisions.add(decision())
        anchor = store.log.head("release V1")
        assert anchor.n_entries == 11

    def change(*statements, anchors=()):
        with closing(sqlite3.connect(tmp_path / "omentum.db")) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        with Store.open(URL, tmp_path) as again:
            return again.log.check(anchors).problems

    return change, anchor


def first(problems):
    return (problems[0].number, problems[0].kind) if problems else None


def test_every_kind_of_write_is_in_the_log_with_who_did_it(logged):
    told = [(entry.actor, entry.action) for entry in logged.log.entries()]
    assert told == [
        ("omentum", LogAction.BEGUN),
        ("omentum", LogAction.ROUND_BEGUN),
        ("reader-1", LogAction.REVISION),
        ("eva", LogAction.REVISION),
        ("chief", LogAction.DECISION),
        ("chief", LogAction.CONFIRMATION),
        ("chief", LogAction.CONFIRMATION),
        ("eva", LogAction.SKIPPED),
    ]
    check = logged.log.check()
    assert (check.problems, check.n_records) == ((), 5)


def test_what_fails_leaves_no_entry(each_store, revision_of):
    before = each_store.log.last()

    def fail():
        with each_store.together():
            each_store.revisions.add(revision_of())
            each_store.decisions.add(decision("nobody"))

    with pytest.raises(UnknownCaseError):
        fail()
    assert each_store.log.last() == before


def test_the_log_names_no_case_and_quotes_nobody(logged):
    about = json.dumps([entry.about for entry in logged.log.entries()])
    assert "like b" not in about
    assert "motion" not in about
    assert '"a"' not in about
    assert logged.log.alias("a") in about


def test_anyone_can_verify_the_chain_with_jq_and_sha256sum(logged):
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    logged.log.add("Zoë \x7f\n", LogAction.SETTINGS, {"share": 0.05, "large": 2**60, "ok": True, "é": None})
    entries = list(logged.log.entries())
    lines = "\n".join(json.dumps({**one.hashed, "sha256": one.sha256}) for one in entries)
    script = """while read -r line; do printf %s "$(jq -acS 'del(.sha256)' <<<"$line")" | sha256sum; done"""
    ran = subprocess.run(
        ["bash", "-c", script], input=lines + "\n", capture_output=True, text=True, check=True
    )
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [one.sha256 for one in entries]


def test_entries_of_threads_that_write_at_once_are_one_chain(each_store, revision_of):
    def hand_in(k):
        with each_store.together():
            each_store.revisions.add(revision_of(sha256=f"{k:03d}", reader=f"r{k % 50}"))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(hand_in, range(60)))
    check = each_store.log.check()
    assert (check.problems, check.n_records, check.n_entries) == ((), 60, 62)


def test_renamed_and_erased_cases_change_no_entry_and_the_log_still_verifies(logged):
    before = [entry.sha256 for entry in logged.log.entries()]
    logged.case_rows.rename("b", "patient_7")
    assert logged.log.check().problems == ()
    logged.case_rows.erase("patient_7", Mentions(("patient_7", "b"), "gone", inside_texts=True), by="chief")
    assert logged.decisions.all()[0].why == "as in gone"
    check = logged.log.check()
    assert check.problems == ()
    assert [entry.sha256 for entry in logged.log.entries()][: len(before)] == before
    assert logged.log.last(LogAction.ERASED).actor == "chief"


def test_a_number_that_an_erased_revision_had_may_be_given_again(logged, revision_of):
    logged.case_rows.erase("b", Mentions(("b",), "gone"))
    again = logged.revisions.add(revision_of(sha256="new"))
    assert again.number == 2
    assert logged.log.check().problems == ()


@pytest.mark.parametrize(
    ("statement", "number", "kind"),
    [
        ("UPDATE log_entries SET actor = 'eva' WHERE number = 6", 6, ProblemKind.CHANGED),
        ("UPDATE log_entries SET about = '{}' WHERE number = 2", 2, ProblemKind.CHANGED),
        ("UPDATE log_entries SET time = '2020-01-01 00:00:00' WHERE number = 6", 6, ProblemKind.CHANGED),
        ("DELETE FROM log_entries WHERE number = 6", 6, ProblemKind.REMOVED),
        ("DELETE FROM log_entries WHERE number = 1", 1, ProblemKind.REMOVED),
        ("UPDATE revisions SET reader = 'eva' WHERE number = 4", 6, ProblemKind.RECORD_DIFFERS),
        ("UPDATE revisions SET sha256 = 'other' WHERE number = 4", 6, ProblemKind.RECORD_DIFFERS),
        ("UPDATE revisions SET case_id = 'b' WHERE number = 4", 6, ProblemKind.RECORD_DIFFERS),
        ("UPDATE revisions SET comment = 'no' WHERE number = 4", 6, ProblemKind.RECORD_DIFFERS),
        ("DELETE FROM revisions WHERE number = 4", 6, ProblemKind.RECORD_DIFFERS),
        ("UPDATE decisions SET stands = 'original'", 11, ProblemKind.RECORD_DIFFERS),
        ("DELETE FROM log_entries", 1, ProblemKind.REMOVED),
    ],
)  # fmt: skip
def test_one_change_of_the_file_is_found_at_its_place(tampered, statement, number, kind):
    change, _ = tampered
    assert first(change(statement)) == (number, kind)


def test_a_whole_log_has_no_problem_and_agrees_with_its_anchors(tampered):
    change, anchor = tampered
    assert change(anchors=[anchor]) == ()


def test_swapped_entries_are_found(tampered):
    change, _ = tampered
    swap = [
        f"UPDATE log_entries SET number = {after} WHERE number = {before}"
        for before, after in ((5, -5), (8, 5), (-5, 8))
    ]
    assert first(change(*swap)) == (5, ProblemKind.REORDERED)


def test_entries_that_are_numbered_anew_after_a_removal_are_found(tampered):
    change, _ = tampered
    moved = [f"UPDATE log_entries SET number = {k - 1} WHERE number = {k}" for k in range(7, 12)]
    assert first(change("DELETE FROM log_entries WHERE number = 6", *moved)) == (6, ProblemKind.REMOVED)


def test_an_entry_that_is_put_between_others_is_found(tampered):
    change, _ = tampered
    moved = [f"UPDATE log_entries SET number = {k + 1} WHERE number = {k}" for k in range(11, 5, -1)]
    copied = "INSERT INTO log_entries SELECT 6, actor, action, about, previous_sha256, sha256, time"
    problems = change(*moved, f"{copied} FROM log_entries WHERE number = 5")
    assert first(problems) == (6, ProblemKind.ADDED)


def test_a_record_without_an_entry_is_found(tampered):
    change, _ = tampered
    columns = "case_id, organ, kind, stands, revision_number, by, why, time"
    problems = change(f"INSERT INTO decisions ({columns}) SELECT {columns} FROM decisions")
    assert first(problems) == (None, ProblemKind.RECORD_DIFFERS)


def test_a_tail_that_is_cut_with_its_records_is_found_only_by_an_anchor(tampered):
    change, anchor = tampered
    cut = (
        "DELETE FROM log_entries WHERE number > 9",
        "DELETE FROM decisions",
        "DELETE FROM revisions WHERE number = 8",
    )
    assert change(*cut) == ()
    assert first(change(anchors=[anchor])) == (10, ProblemKind.ANCHOR_AHEAD)


def test_a_tail_that_is_cut_without_its_records_is_found_by_them(tampered):
    change, _ = tampered
    assert first(change("DELETE FROM log_entries WHERE number > 9")) == (None, ProblemKind.RECORD_DIFFERS)


def test_a_chain_that_is_written_anew_is_found_only_by_an_anchor(tampered, tmp_path):
    change, anchor = tampered
    with Store.open(URL, tmp_path) as store:
        entries = list(store.log.entries())
    statements, previous = [], BEFORE_FIRST
    for entry in entries:
        actor = "mallory" if entry.number == 2 else entry.actor
        forged = replace(entry, actor=actor, previous_sha256=previous)
        previous = forged.computed_sha256()
        statements.append(
            f"UPDATE log_entries SET actor = '{actor}', previous_sha256 = '{forged.previous_sha256}', "
            f"sha256 = '{previous}' WHERE number = {entry.number}"
        )
    statements.append("DELETE FROM log_anchors")
    assert change(*statements) == ()
    assert first(change(anchors=[anchor])) == (11, ProblemKind.CHANGED)


def test_an_anchor_in_the_database_is_checked_too(tampered):
    change, _ = tampered
    problems = change("UPDATE log_anchors SET sha256 = 'f00'")
    assert first(problems) == (2, ProblemKind.CHANGED)
    assert "release V0" in problems[0].said


def test_a_hash_covers_every_field_of_an_entry():
    entry = LogEntry(
        number=1, time=NOW, actor="eva", action="note", about={"n": 1}, previous_sha256="0", sha256=""
    )
    changes = ({"number": 2}, {"time": datetime.now(UTC)}, {"actor": "e"}, {"action": "n"}, {"about": {}})
    hashes = {replace(entry, **change).computed_sha256() for change in (*changes, {"previous_sha256": "1"})}
    assert len(hashes | {entry.computed_sha256()}) == 7
    assert canonical_json(entry.hashed).startswith('{"about":{"n":1},"action":"note"')


def test_the_log_of_an_old_project_begins_with_what_was_there(old):
    with Store.open(URL, old / "project") as store:
        begun = next(store.log.entries())
        assert begun.action == LogAction.BEGUN
        n_revisions = len(store.revisions.all())
        assert begun.about["earlier"]["revision"]["n"] == n_revisions > 0
        assert store.log.check().problems == ()
        case_id = store.revisions.all()[0].case_id
        store.case_rows.rename(case_id, "renamed")
        assert store.log.check().problems == ()
        store.case_rows.erase("renamed", Mentions(("renamed", case_id), "gone"))
        assert store.log.check().problems == ()
        number = store.revisions.all()[-1].number
    with closing(sqlite3.connect(old / "project" / "omentum.db")) as connection, connection:
        connection.execute(f"UPDATE revisions SET reader = 'eva' WHERE number = {number}")
    with Store.open(URL, old / "project") as store:
        (problem,) = store.log.check().problems
        assert problem.kind is ProblemKind.RECORD_DIFFERS
        assert "before the log" in problem.said
