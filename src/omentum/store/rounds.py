"""Which round is it?

In:  the network that a round predicts with; the word that it is over.
Out: rounds, numbered from 1; one starts only once the one before has ended.
"""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from omentum.errors import ProjectError
from omentum.records import Round
from omentum.store.database import Database
from omentum.store.tables import RoundRow

__all__ = ["Rounds", "require_round"]


class Rounds:
    """The rounds of a project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, network: str) -> Round:
        """Start the next round, or the first.

        Raises:
            ProjectError: The last one has not ended.
        """
        with self._database.writing() as session:
            last = _last(session)
            if last is not None and last.finished is None:
                raise ProjectError(f"round {last.number} has not ended; end it with `omentum round`")
            number = 1 if last is None else last.number + 1
            row = RoundRow(number=number, network=network, started=datetime.now(UTC), finished=None)
            session.add(row)
            return _record(row)

    def finish(self, number: int) -> Round:
        """End a round; one that has ended keeps its time.

        Raises:
            ProjectError: There is no such round.
        """
        with self._database.writing() as session:
            row = require_round(session, number)
            row.finished = row.finished or datetime.now(UTC)
            return _record(row)

    def turn(self, number: int, network: str) -> Round:
        """End a round and start the one after it, both or neither; give the new one.

        Called again, it gives the round that was started then.

        Raises:
            ProjectError: There is no such round, or the one after it predicts with another network.
        """
        with self._database.writing() as session:
            row = require_round(session, number)
            row.finished = row.finished or datetime.now(UTC)
            after = session.get(RoundRow, number + 1)
            if after is None:
                after = RoundRow(number=number + 1, network=network, started=datetime.now(UTC), finished=None)
                session.add(after)
            elif after.network != network:
                seen = f"round {number + 1} has begun with {after.network}, not with {network}"
                raise ProjectError(f"{seen}; go back with `omentum rollback {network}`")
            return _record(after)

    def current(self) -> Round:
        """Give the latest round, which may have ended.

        Raises:
            ProjectError: None has started.
        """
        with self._database.reading() as session:
            row = _last(session)
            if row is None:
                raise ProjectError("no round has started; `omentum init` starts the first")
            return _record(row)

    def all(self) -> list[Round]:
        """Give all rounds, by number."""
        with self._database.reading() as session:
            return [_record(row) for row in session.scalars(select(RoundRow).order_by(RoundRow.number))]


def require_round(session: Session, number: int) -> RoundRow:
    """Find a round; there being none raises `ProjectError`."""
    row = session.get(RoundRow, number)
    if row is None:
        last = session.scalar(select(func.max(RoundRow.number))) or 0
        raise ProjectError(f"there is no round {number}; the latest is {last}")
    return row


def _last(session: Session) -> RoundRow | None:
    return session.scalars(select(RoundRow).order_by(RoundRow.number.desc()).limit(1)).first()


def _record(row: RoundRow) -> Round:
    return Round(number=row.number, network=row.network, started=row.started, finished=row.finished)
