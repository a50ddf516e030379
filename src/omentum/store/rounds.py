"""Keep the rounds of a project, numbered from 1; one starts only once the one before has ended."""

from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from omentum.errors import ProjectError
from omentum.records import Round
from omentum.records.audit_log import PROGRAM, LogAction
from omentum.store.record_table import ListedTable, columns_of
from omentum.store.tables import RoundRow

__all__ = ["Rounds", "require_round"]

_LATEST = select(*columns_of(RoundRow)).order_by(RoundRow.__table__.c.number.desc()).limit(1)


class Rounds(ListedTable[Round]):
    """The rounds of a project."""

    record_type, row_type, order = Round, RoundRow, ("number",)

    def start(self, network: str) -> Round:
        """Start the next round, or the first.

        Raises:
            ProjectError: The last one has not ended.
        """
        with self._database.writing() as session:
            last = _last(session)
            if last is not None and last.finished is None:
                raise ProjectError(f"round {last.number} has not ended; end it with `omentum round`")
            return self._begin(session, 1 if last is None else last.number + 1, network)

    def finish(self, number: int) -> Round:
        """End a round; one that has ended keeps its time.

        Raises:
            ProjectError: There is no such round.
        """
        with self._database.writing() as session:
            return self._record(self._end(session, number))

    def turn(self, number: int, network: str) -> Round:
        """End a round and start the one after it, both or neither; give the new one.

        Called again, it gives the round that was started then.

        Raises:
            ProjectError: There is no such round, or the one after it predicts with another network.
        """
        with self._database.writing() as session:
            self._end(session, number)
            after = session.get(RoundRow, number + 1)
            if after is None:
                return self._begin(session, number + 1, network)
            if after.network != network:
                seen = f"round {number + 1} has begun with {after.network}, not with {network}"
                raise ProjectError(f"{seen}; go back with `omentum rollback {network}`")
            return self._record(after)

    def current(self) -> Round:
        """Give the latest round, which may have ended.

        Raises:
            ProjectError: None has started.
        """

        def ask(session: Session) -> Round | None:
            row = session.execute(_LATEST).first()
            return None if row is None else self._record(row)

        found = self._database.read_once("current round", ask)
        if found is None:
            raise ProjectError("no round has started; `omentum init` starts the first")
        return found

    def _begin(self, session: Session, number: int, network: str) -> Round:
        new = Round(number=number, network=network, started=datetime.now(UTC))
        session.add(RoundRow(**self._values(new)))
        self._log(session, PROGRAM, LogAction.ROUND_BEGUN, {"network": network, "round": number})
        return new

    def _end(self, session: Session, number: int) -> RoundRow:
        """Note that a round has ended; one that has keeps its time."""
        row = require_round(session, number)
        if row.finished is None:
            row.finished = datetime.now(UTC)
            self._log(session, PROGRAM, LogAction.ROUND_ENDED, {"round": number})
        return row


def require_round(session: Session, number: int) -> RoundRow:
    """Find a round; there being none raises `ProjectError`."""
    row = session.get(RoundRow, number)
    if row is None:
        last = session.scalar(select(func.max(RoundRow.number))) or 0
        raise ProjectError(f"there is no round {number}; the latest is {last}")
    return row


def _last(session: Session) -> RoundRow | None:
    return session.scalars(select(RoundRow).order_by(RoundRow.number.desc()).limit(1)).first()
