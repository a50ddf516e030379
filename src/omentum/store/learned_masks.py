"""Keep which mask of each organ and case a network has learned from."""

from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from omentum.store.database import Database
from omentum.store.tables import LessonRow, NetworkRow

__all__ = ["LearnedMasks"]

Key = tuple[str, str]
"""Case and organ."""


class LearnedMasks:
    """What the networks of a project have learned from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, network: str, learned: Mapping[Key, str]) -> None:
        """Keep the hash of each mask that a network was tuned on, by case and organ, over earlier ones."""
        rows = [
            {"network": network, "case_id": case_id, "organ": organ, "sha256": sha256}
            for (case_id, organ), sha256 in sorted(learned.items())
        ]
        with self._database.writing() as session:
            session.execute(delete(LessonRow).where(LessonRow.network == network))
            if rows:
                session.execute(insert(LessonRow), rows)

    def of_network(self, network: str) -> dict[Key, str]:
        """Give what a network, or one that it descends from, learned last of each case and organ."""
        learned: dict[Key, str] = {}
        with self._database.reading() as session:
            parents = {row.name: row.parent for row in session.scalars(select(NetworkRow))}
            name: str | None = network
            while name is not None:
                asked = select(LessonRow.case_id, LessonRow.organ, LessonRow.sha256)
                rows = session.execute(asked.where(LessonRow.network == name))
                learned = {(case_id, organ): sha256 for case_id, organ, sha256 in rows} | learned
                name = parents.get(name)
        return learned

    def networks_of_case(self, case_id: str) -> tuple[str, ...]:
        """Give the networks that learned from a case, and those that were tuned from them, sorted."""
        with self._database.reading() as session:
            parents = {row.name: row.parent for row in session.scalars(select(NetworkRow))}
            of_it = select(LessonRow.network).where(LessonRow.case_id == case_id).distinct()
            learned = set(session.scalars(of_it))
        more = set(learned)
        while more:
            more = {name for name, parent in parents.items() if parent in more} - learned
            learned |= more
        return tuple(sorted(learned))
