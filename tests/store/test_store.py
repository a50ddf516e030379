"""A store opens, closes and opens again; several at once get along."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from omentum.errors import CaseClashError
from omentum.store.store import Store

URL = "sqlite:///omentum.db"


def test_what_was_kept_is_there_when_the_store_opens_again(tmp_path, case_of):
    with Store.open(URL, tmp_path) as store:
        store.cases.add(case_of("a"))
        store.rounds.start("starter")
        store.ledger.mark_done("predict", "a")
    with Store.open(URL, tmp_path) as store:
        assert [case.case_id for case in store.cases.all()] == ["a"]
        assert store.rounds.current().network == "starter"
        assert store.ledger.done_keys("predict") == {"a"}


def test_a_closed_store_leaves_one_file(tmp_path, case_of):
    with Store.open(URL, tmp_path) as store:
        store.cases.add(case_of("a"))
    assert [path.name for path in tmp_path.iterdir()] == ["omentum.db"]


def test_a_relative_database_lies_in_the_project_wherever_we_are(tmp_path, monkeypatch):
    root, elsewhere = tmp_path / "atlas", tmp_path / "elsewhere"
    for folder in (root, elsewhere):
        folder.mkdir()
    monkeypatch.chdir(elsewhere)
    Store.open(URL, root).close()
    Store.open(f"sqlite:///{root / 'other.db'}", root).close()
    assert {path.name for path in root.iterdir()} == {"omentum.db", "other.db"}
    assert list(elsewhere.iterdir()) == []


def test_a_block_that_fails_closes_the_store_and_its_error_goes_up(tmp_path, case_of):
    Store.open(URL, tmp_path).close()
    with pytest.raises(CaseClashError), Store.open(URL, tmp_path) as store:
        store.cases.add_all([case_of("a"), case_of("a", source="elsewhere")])
    with Store.open(URL, tmp_path) as store:
        assert store.cases.add(case_of("a"))


def test_many_open_a_new_project_at_once(tmp_path):
    def open_and_note(number):
        with Store.open(URL, tmp_path) as store:
            store.facts.set(f"fact-{number}", "said")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_note, range(8)))
    with Store.open(URL, tmp_path) as store:
        assert all(store.facts.get(f"fact-{number}") == "said" for number in range(8))


def test_a_project_that_another_program_is_just_making_is_waited_for(tmp_path):
    other = sqlite3.connect(tmp_path / "omentum.db", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE something (number INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other.execute, ["COMMIT"]).start()
    with Store.open(URL, tmp_path) as store:
        store.facts.set("fact", "said")
        assert store.facts.get("fact") == "said"
    other.close()


def test_of_many_who_add_the_same_cases_at_once_one_is_told_that_they_are_new(tmp_path, case_of):
    cases = [case_of(f"case-{number}") for number in range(20)]
    Store.open(URL, tmp_path).close()

    def add(_):
        with Store.open(URL, tmp_path) as store:
            return [case.case_id for case in cases if store.cases.add(case)]

    with ThreadPoolExecutor(4) as pool:
        told = [case_id for new in pool.map(add, range(4)) for case_id in new]
    assert sorted(told) == sorted(case.case_id for case in cases)


def test_one_store_serves_many_threads(store):
    def note(number):
        store.ledger.mark_done("predict", f"{number:03}")
        return store.ledger.done("predict", f"{number:03}")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(note, range(100)))
    assert len(store.ledger.done_keys("predict")) == 100


def test_what_is_done_together_is_kept_together_or_not_at_all(tmp_path, case_of):
    with Store.open(URL, tmp_path) as store:
        with store.together():
            store.cases.add(case_of("a"))
            assert store.cases.get("a").case_id == "a", "what was written inside is seen inside"
            store.ledger.mark_done("add", "a")
        with pytest.raises(KeyboardInterrupt):
            _interrupted(store, case_of("b"))
        assert [case.case_id for case in store.cases.all()] == ["a"]
        assert store.ledger.done_keys("add") == {"a"}


def test_other_threads_see_what_is_done_together_once_it_is_kept(tmp_path, case_of):
    with Store.open(URL, tmp_path) as store, ThreadPoolExecutor(1) as thread:
        with store.together():
            store.cases.add(case_of("a"))
            assert thread.submit(store.cases.all).result() == []
        assert [case.case_id for case in thread.submit(store.cases.all).result()] == ["a"]


def _interrupted(store, case):
    with store.together():
        store.cases.add(case)
        store.ledger.mark_done("add", case.case_id)
        raise KeyboardInterrupt
