"""Name the state of scores and audits, so that what was computed from them is known to be of today.

Every statement that changes either, or the cases that they are about, gives the state another name in its
transaction. No name comes twice, also not after a backup was restored.
"""

from uuid import uuid4

from sqlalchemy.orm import Session

from omentum.store.tables import FactRow

__all__ = ["begin_score_state", "score_state"]

_FACT = "state of scores and audits"


def begin_score_state(session: Session) -> None:
    """Give the state another name, as a session changes it."""
    session.merge(FactRow(name=_FACT, value=uuid4().hex))


def score_state(session: Session) -> str:
    """Give the name of the state that a session sees; empty if none was given yet."""
    row = session.get(FactRow, _FACT)
    return "" if row is None else row.value
