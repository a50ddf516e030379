"""What older versions kept of items becomes jobs that ended, and goes back without what is open."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from omentum.store import migrate
from omentum.store.database import Database
from omentum.store.store import Store

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
BEFORE_JOBS = "0009"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    """A database of this version."""
    url = "sqlite:///omentum.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with closing(Database(url, tmp_path, wait_seconds=1.0)) as made:
        migrate.upgrade(made)
        yield made


def test_what_was_done_and_what_failed_stays_so(database):
    migrate.downgrade(database, BEFORE_JOBS)
    add = text("INSERT INTO ledger (stage, key, reason, time) VALUES ('predict', :key, :reason, :time)")
    with database.writing() as session:
        for key, reason in (("a", None), ("b", "torn"), ("c", "")):
            session.execute(add, {"key": key, "reason": reason, "time": NOON})
    migrate.upgrade(database)
    ledger = Store(database).ledger
    assert ledger.done_keys("predict") == {"a"}
    assert [(one.key, one.reason) for one in ledger.failures()] == [("b", "torn"), ("c", "")]
    assert ledger.offer("predict", ["a", "b", "d"]).keys() == {"a", "b", "c"}
    assert ledger.claim("predict", "here:1:a", 5, timedelta(days=1)) == ["b", "d"]


def test_what_is_open_is_not_taken_for_done_by_an_older_version(database):
    ledger = Store(database).ledger
    ledger.offer("predict", list("abcde"))
    ledger.claim("predict", "here:1:a", 4, timedelta(days=1))
    ledger.mark_done("predict", "a")
    ledger.mark_failed("predict", "b", "torn")
    ledger.postpone("predict", "here:1:a", "c", "the share is gone", timedelta(days=1))
    migrate.downgrade(database, BEFORE_JOBS)
    with database.reading() as session:
        kept = session.execute(text("SELECT key, reason FROM ledger ORDER BY key")).all()
    assert [tuple(row) for row in kept] == [("a", None), ("b", "torn")]
