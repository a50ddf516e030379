"""Keep the people who may come in, and the hashes of their programs' tokens."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.errors import ConfigError, MissingError, ProjectError
from omentum.records.people import AccessToken, Person, Role
from omentum.store.reader_tables import AccessTokenRow, PersonRow
from omentum.store.record_table import ListedTable

__all__ = ["People", "Tokens"]


class People(ListedTable[Person]):
    """The people of a project, by name; none is ever removed, as revisions name them."""

    record_type, row_type, order = Person, PersonRow, ("name",)

    def add(self, person: Person) -> Person:
        """Add a person.

        Raises:
            ProjectError: There is a person of that name.
            ConfigError: It is the first one, and not an admin.
        """
        with self._database.writing() as session:
            if session.get(PersonRow, person.name) is not None:
                raise ProjectError(
                    f"there is a person {person.name!r} already; give another name, or change this one with "
                    f"`omentum people set-role {person.name}`"
                )
            session.add(PersonRow(**self._values(person)))
            self._require_an_admin(session, [person.name])
        return person

    def get(self, name: str) -> Person | None:
        """Find a person; `None` where there is none of that name."""
        return self._get(name)

    def change(self, person: Person) -> Person:
        """Keep a person's roles, password and whether the person is disabled, in place of those before.

        Raises:
            MissingError: There is no person of that name.
            ConfigError: No admin would be left.
        """
        with self._database.writing() as session:
            if session.get(PersonRow, person.name) is None:
                raise MissingError(f"no person is called {person.name!r}; `omentum people list` shows them")
            session.merge(PersonRow(**self._values(person)))
            self._require_an_admin(session, [person.name])
        return person

    def _require_an_admin(self, session: Session, changed: Iterable[str]) -> None:
        """Refuse a project that nobody may manage."""
        session.flush()
        rows = session.scalars(select(PersonRow))
        if not any(Role.ADMIN in row.roles and not row.is_disabled for row in rows):
            rule = "one person must be an admin who is not disabled; make another admin first"
            raise ConfigError("the admins of the project without", ", ".join(changed), rule)


class Tokens(ListedTable[AccessToken]):
    """The tokens of people's programs, in the order in which they were made; none is ever removed."""

    record_type, row_type, order = AccessToken, AccessTokenRow, ("number",)

    def add(self, token: AccessToken) -> AccessToken:
        """Add a token, and give it with its number.

        Raises:
            MissingError: There is no such person.
        """
        with self._database.writing() as session:
            if session.get(PersonRow, token.person) is None:
                raise MissingError(f"no person is called {token.person!r}; `omentum people list` shows them")
            row = AccessTokenRow(**self._values(token, number=None))
            session.add(row)
            session.flush()
            return replace(token, number=row.number)

    def get(self, number: int) -> AccessToken | None:
        """Find a token by its number; `None` where there is none."""
        return self._get(number)

    def of_hash(self, sha256: str) -> AccessToken | None:
        """Find a token by its hash; `None` where there is none."""
        found = self._select(AccessTokenRow.sha256 == sha256)
        return found[0] if found else None

    def of_person(self, name: str) -> list[AccessToken]:
        """Give the tokens of a person."""
        return self._select(AccessTokenRow.person == name)

    def revoke(self, number: int, time: datetime) -> None:
        """Note that a token lets no program in any more; one that was revoked before keeps its time."""
        self._change(AccessTokenRow.number == number, AccessTokenRow.revoked.is_(None), revoked=time)
