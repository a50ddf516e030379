"""Keep the people who may come in, and the hashes of their programs' tokens; what changes is logged."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from omentum.errors import MissingError, ProjectError, TakenError
from omentum.records.audit_log import LogAction
from omentum.records.people import AccessToken, Person, Role
from omentum.store.append_entry import append_entry
from omentum.store.reader_tables import AccessTokenRow, PersonRow
from omentum.store.record_table import ListedTable

__all__ = ["People", "Tokens"]


class People(ListedTable[Person]):
    """The people of a project, by name; none is ever removed, as revisions name them."""

    record_type, row_type, order = Person, PersonRow, ("name",)

    def add(self, person: Person, by: str) -> Person:
        """Add a person.

        Args:
            person: The person.
            by: Who adds it.

        Raises:
            TakenError: There is a person of that name, perhaps in capitals.
            ProjectError: It is the first one, and not an admin.
        """
        with self._database.writing() as session:
            for name in session.scalars(select(PersonRow.name)):
                if name.casefold() == person.name.casefold():
                    raise TakenError(
                        f"there is a person {name!r} already; give another name, or change this one with "
                        f"`omentum people set-role {name}`"
                    )
            session.add(PersonRow(**self._values(person)))
            _require_an_admin(session, f"{person.name!r} would be the first person, and is no admin")
            append_entry(self._database, session, by, LogAction.PERSON_ADDED, _told(person))
        return person

    def get(self, name: str) -> Person | None:
        """Find a person; `None` where there is none of that name."""
        return self._get(name)

    def change(self, person: Person, by: str) -> Person:
        """Keep a person's roles, password and whether the person is disabled, in place of those before.

        Raises:
            MissingError: There is no person of that name.
            ProjectError: No admin would be left.
        """
        with self._database.writing() as session:
            row = session.get(PersonRow, person.name)
            if row is None:
                raise _no_person(person.name)
            before = self._record(row)
            session.merge(PersonRow(**self._values(person)))
            _require_an_admin(session, f"without {person.name!r} the project has no admin")
            for action in _actions(before, person):
                append_entry(self._database, session, by, action, _told(person))
        return person


class Tokens(ListedTable[AccessToken]):
    """The tokens of people's programs, in the order in which they were made; none is ever removed."""

    record_type, row_type, order = AccessToken, AccessTokenRow, ("number",)

    def add(self, token: AccessToken, by: str) -> AccessToken:
        """Add a token, and give it with its number.

        Raises:
            MissingError: There is no such person.
        """
        with self._database.writing() as session:
            if session.get(PersonRow, token.person) is None:
                raise _no_person(token.person)
            row = AccessTokenRow(**self._values(token, number=None))
            session.add(row)
            session.flush()
            added = replace(token, number=row.number)
            append_entry(self._database, session, by, LogAction.TOKEN_MADE, _told_token(added))
            return added

    def get(self, number: int) -> AccessToken | None:
        """Find a token by its number; `None` where there is none."""
        return self._get(number)

    def of_hash(self, sha256: str) -> AccessToken | None:
        """Find a token by its hash; `None` where there is none."""
        found = self._equal(sha256=sha256)
        return found[0] if found else None

    def of_person(self, name: str) -> list[AccessToken]:
        """Give the tokens of a person."""
        return self._equal(person=name)

    def revoke(self, number: int, time: datetime, by: str) -> AccessToken:
        """Note that a token lets no program in any more; one that was revoked before keeps its time.

        Raises:
            MissingError: There is no token of that number.
        """
        with self._database.writing() as session:
            row = session.get(AccessTokenRow, number)
            if row is None:
                raise MissingError(f"there is no token {number}; `omentum people list --json` shows them")
            if row.revoked is None:
                row.revoked = time
                about = _told_token(self._record(row))
                append_entry(self._database, session, by, LogAction.TOKEN_REVOKED, about)
            return self._record(row)


def _require_an_admin(session: Session, seen: str) -> None:
    """Refuse a project that no one may manage."""
    session.flush()
    rows = session.scalars(select(PersonRow))
    if not any(Role.ADMIN in row.roles and not row.is_disabled for row in rows):
        rule = "one person must be an admin who is not disabled"
        raise ProjectError(f"{seen}; {rule}: make one with `--role admin` first")


def _actions(before: Person, now: Person) -> list[LogAction]:
    is_same = (before.roles, before.is_disabled) == (now.roles, now.is_disabled)
    actions = [] if is_same else [LogAction.PERSON_CHANGED]
    return actions if before.password_hash == now.password_hash else [*actions, LogAction.PASSWORD_CHANGED]


def _told(person: Person) -> dict[str, object]:
    roles = [role.value for role in person.roles]
    return {"person": person.name, "roles": roles, "is_disabled": person.is_disabled}


def _told_token(token: AccessToken) -> dict[str, object]:
    return {"token": token.number, "person": token.person, "until": token.until}


def _no_person(name: str) -> MissingError:
    return MissingError(f"no person is called {name!r}; `omentum people list` shows them")
