"""Open a PostgreSQL database: writers take turns, readers and claims never wait."""

from collections.abc import Callable, Iterable
from functools import partial

from sqlalchemy import Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, OperationalError

from omentum.errors import ProjectError
from omentum.store.sqlite import N_CONNECTIONS

__all__ = ["cure", "is_full", "open_engines", "open_reader", "scrub"]

_WRITES = "omentum_writes"
_WAITS = "omentum_waits"
_CONNECT_SECONDS = 10
_SCRUB_SECONDS = 30
"""How long to wait for those who read a table that is to be written anew; others wait behind that."""
_WRITERS = 0x6F6D656E
"""The number of the lock that writers take in turn: any that no other program takes."""

_DISK_FULL = "53100"
_TROUBLE = {
    "55P03": "another program keeps it locked; wait for that to end and run the command again",
    "40P01": "another program wrote the same rows at that moment; run the command again",
    "40001": "another program wrote the same rows at that moment; run the command again",
    "25006": "its server takes no writes; name the main server as `database` in omentum.toml",
    "42501": "its user may not do this; ask who runs the server for the right to read and write its tables",
}


def open_engines(
    url: URL, *, wait_seconds: float, json_serializer: Callable[[object], str]
) -> tuple[Engine, Engine, Engine]:
    """Make the engines that read, write and claim."""
    reader = _open(url, json_serializer)
    event.listen(reader, "begin", partial(_begin, wait_seconds=wait_seconds))
    # A writer must see what was committed while it waited for its turn, hence not a repeatable read.
    claimer = reader.execution_options(**{_WAITS: True, "isolation_level": "READ COMMITTED"})
    return reader, claimer.execution_options(**{_WRITES: True}), claimer


def open_reader(url: URL, *, wait_seconds: float, json_serializer: Callable[[object], str]) -> Engine:
    """Make an engine in whose transactions the server refuses every write; readers never wait."""
    del wait_seconds
    return _open(url, json_serializer).execution_options(postgresql_readonly=True)


def cure(error: DatabaseError) -> str | None:
    """Say what to do about an error from PostgreSQL; `None` where it is our bug."""
    known = _TROUBLE.get(getattr(error.orig, "sqlstate", None) or "")
    if known is None and isinstance(error, OperationalError):
        said = str(error.orig).strip().partition("\n")[0]
        return f"it says {said!r}; check `database` in omentum.toml and that the server runs"
    return known


def is_full(error: DatabaseError) -> bool:
    """Tell whether the disk of the server has no space left."""
    return getattr(error.orig, "sqlstate", None) == _DISK_FULL


def scrub(engine: Engine, tables: Iterable[str]) -> None:
    """Write tables anew without what removed rows left in them."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"SET lock_timeout = '{_SCRUB_SECONDS}s'")
        try:
            for table in sorted(tables):
                connection.exec_driver_sql(f"VACUUM FULL {table}")
        finally:
            connection.exec_driver_sql("RESET lock_timeout")


def _open(url: URL, json_serializer: Callable[[object], str]) -> Engine:
    if url.drivername != "postgresql+psycopg":
        raise ProjectError(
            f"database {url.drivername}:// is unknown; known are sqlite and postgresql+psycopg"
        )
    try:
        return create_engine(
            url,
            isolation_level="REPEATABLE READ",
            json_serializer=json_serializer,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
            pool_size=N_CONNECTIONS,
            max_overflow=-1,
        )
    except ModuleNotFoundError:
        raise ProjectError("PostgreSQL needs its driver; `pip install omentum[postgres]`") from None


def _begin(connection: Connection, wait_seconds: float) -> None:
    options = connection.get_execution_options()
    if options.get(_WAITS, False):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{round(wait_seconds * 1000)}ms'")
    if options.get(_WRITES, False):
        connection.execute(select(func.pg_advisory_xact_lock(_WRITERS)))
