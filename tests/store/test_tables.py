"""Times are kept in UTC, whatever the database remembers of zones."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from omentum.store import reader_tables, review_tables, tables  # noqa: F401  (they fill TableBase.metadata)
from omentum.store.base import TableBase, UtcTime

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DIALECT = sqlite.dialect()


def test_a_time_is_kept_in_utc():
    in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    kept = UtcTime().process_bind_param(in_tokyo, DIALECT)
    assert kept == NOON
    assert kept.tzinfo is UTC


def test_a_time_without_a_zone_is_not_guessed_at():
    with pytest.raises(ValueError, match="no time zone"):
        UtcTime().process_bind_param(NOON.replace(tzinfo=None), DIALECT)


@pytest.mark.parametrize(
    "given", [NOON, NOON.replace(tzinfo=None), NOON.astimezone(timezone(timedelta(hours=-5)))]
)
def test_a_time_comes_back_in_utc_with_and_without_a_zone(given):
    back = UtcTime().process_result_value(given, DIALECT)
    assert back == NOON
    assert back.tzinfo is UTC


def test_no_time_stays_no_time():
    assert UtcTime().process_bind_param(None, DIALECT) is None
    assert UtcTime().process_result_value(None, DIALECT) is None


def test_every_constraint_has_a_name_that_postgresql_takes():
    named = [
        each for table in TableBase.metadata.tables.values() for each in (*table.constraints, *table.indexes)
    ]
    names = [postgresql.dialect().identifier_preparer.format_constraint(each) for each in named]
    assert all(name and len(name) <= 63 for name in names)
    assert len(set(names)) == len(names)
