"""Commands about the people who may log in to the review server, and about their programs' tokens."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from omentum.app.console import say_json, say_table
from omentum.app.lazy import command_group
from omentum.app.options import AsJson, project_of
from omentum.errors import ConfigError

if TYPE_CHECKING:
    from omentum.records.people import AccessToken, Person, Role

__all__ = ["app"]

app = command_group("People who may log in to the review server.")

Name = Annotated[str, typer.Argument(help="The person's pseudonym, which is also that of the reader.")]
RoleNames = Annotated[
    list[str], typer.Option("--role", help="reader, adjudicator or admin; may be repeated.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from a line of the standard input.")
]


@app.command()
def add(
    context: typer.Context,
    name: Name,
    role: RoleNames,
    password_stdin: FromStdin = False,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For who comes in by a token or a proxy alone.")
    ] = False,
) -> None:
    """Add a person; the first one must be an admin. From then on the review server asks all to log in.

    Example: omentum -C my-atlas people add anna --role reader.
    """
    from omentum.project.accounts import add_person

    roles = _roles(role)
    with project_of(context) as project:
        password = None if no_password else _new_password(name, from_stdin=password_stdin)
        person = add_person(project.store, name, roles, password=password)
    typer.echo(f"{person.name} may come in as {_listed(person)}")


@app.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List people and their tokens, with the pseudonyms by which releases name them.

    Example: omentum -C my-atlas people list.
    """
    from omentum.names import reader_pseudonym
    from omentum.project.paths import read_secret

    with project_of(context, looking=True) as project:
        people, tokens = project.store.people.all(), project.store.tokens.all()
        secret = read_secret(project.folder)
    rows = [
        (one, reader_pseudonym(secret, one.name), [each for each in tokens if each.person == one.name])
        for one in people
    ]
    if as_json:
        say_json([_as_json(*row) for row in rows])
        return
    columns = ("name", "roles", "state", "since", "in releases", "tokens")
    say_table("1 person" if len(rows) == 1 else f"{len(rows)} people", columns, [_row(*row) for row in rows])


@app.command("set-role")
def set_role(context: typer.Context, name: Name, role: RoleNames) -> None:
    """Give a person these roles in place of those before.

    Example: omentum -C my-atlas people set-role anna --role adjudicator.
    """
    from omentum.project.accounts import change_person

    roles = _roles(role)
    with project_of(context) as project:
        person = change_person(project.store, name, roles=roles)
    typer.echo(f"{person.name} may come in as {_listed(person)}")


@app.command()
def password(context: typer.Context, name: Name, password_stdin: FromStdin = False) -> None:
    """Set a person's password; the person's sessions end, and tokens stay valid.

    Example: omentum -C my-atlas people password anna.
    """
    from omentum.project.accounts import change_person, known_person

    with project_of(context) as project:
        known_person(project.store, name)
        change_person(project.store, name, password=_new_password(name, from_stdin=password_stdin))
        tokens = project.store.tokens.of_person(name)
    typer.echo(f"{name} has a new password; the sessions of {name} have ended")
    _say_valid_tokens(name, tokens)


@app.command()
def disable(context: typer.Context, name: Name) -> None:
    """Let a person, and the person's tokens, in no more; what the person did stays.

    Example: omentum -C my-atlas people disable anna.
    """
    from omentum.project.accounts import change_person

    with project_of(context) as project:
        change_person(project.store, name, is_disabled=True)
    typer.echo(f"{name} is disabled; the sessions of {name} have ended")


@app.command()
def enable(context: typer.Context, name: Name) -> None:
    """Let a person who was disabled in again.

    Example: omentum -C my-atlas people enable anna.
    """
    from omentum.project.accounts import change_person

    with project_of(context) as project:
        person = change_person(project.store, name, is_disabled=False)
    typer.echo(f"{person.name} may come in as {_listed(person)}")


@app.command()
def token(
    context: typer.Context,
    name: Name,
    label: Annotated[str, typer.Option(help="What it is for, such as slicer.")],
    days: Annotated[
        int | None, typer.Option(min=1, help="For how long; without an end if not given.")
    ] = None,
) -> None:
    """Make a token for a person's program; it is printed this once and kept nowhere.

    Example: omentum -C my-atlas people token anna --label slicer --days 90.
    """
    from omentum.project.accounts import make_token

    with project_of(context) as project:
        text, made = make_token(project.store, name, label, days=days)
    typer.echo(text)
    end = "has no end" if made.until is None else f"ends {made.until:%Y-%m-%d}"
    typer.echo(f"token {made.number} of {name} {end}; it is shown this once", err=True)


@app.command()
def revoke(
    context: typer.Context, number: Annotated[int, typer.Argument(help="The token's number.", min=1)]
) -> None:
    """End a token, so that it lets no one in any more.

    Example: omentum -C my-atlas people revoke 3.
    """
    from omentum.project.accounts import revoke_token

    with project_of(context) as project:
        revoked = revoke_token(project.store, number)
    typer.echo(f"token {number} of {revoked.person} lets no one in any more")


def _roles(names: Sequence[str]) -> "list[Role]":
    from omentum.records.people import Role

    unknown = [name for name in names if name not in list(Role)]
    if unknown:
        raise ConfigError("--role", unknown[0], f"it must be one of {', '.join(Role)}")
    return [Role(name) for name in names]


def _new_password(name: str, *, from_stdin: bool) -> str:
    """Read a new password: from a pipe where told so, else twice from the terminal."""
    if from_stdin:
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        rule = "there is no terminal to ask for the password; give --password-stdin and send it as a line"
        raise ConfigError("the standard input", "no terminal", rule)
    return str(typer.prompt(f"Password for {name}", hide_input=True, confirmation_prompt=True))


def _say_valid_tokens(name: str, tokens: "Sequence[AccessToken]") -> None:
    """Tell of what a new password does not end."""
    now = datetime.now(UTC)
    numbers = [str(one.number) for one in tokens if one.is_valid(now)]
    if numbers:
        said = "1 token" if len(numbers) == 1 else f"{len(numbers)} tokens"
        stay = "stays" if len(numbers) == 1 else "stay"
        cure = "end one with `omentum people revoke NUMBER`"
        typer.echo(f"{said} of {name} {stay} valid ({', '.join(numbers)}); {cure}")


def _listed(person: "Person") -> str:
    return ", ".join(person.roles)


def _row(person: "Person", pseudonym: str, tokens: "Sequence[AccessToken]") -> tuple[object, ...]:
    state = "disabled" if person.is_disabled else ("no password" if person.password_hash is None else "")
    said = ", ".join(f"{one.number} {one.label}" for one in tokens if one.revoked is None)
    return person.name, _listed(person), state, f"{person.time:%Y-%m-%d}", pseudonym, said


def _as_json(person: "Person", pseudonym: str, tokens: "Sequence[AccessToken]") -> dict[str, object]:
    return {
        "name": person.name,
        "roles": [role.value for role in person.roles],
        "is_disabled": person.is_disabled,
        "has_password": person.password_hash is not None,
        "since": person.time.isoformat(),
        "in_releases": pseudonym,
        "tokens": [_token_as_json(one) for one in tokens],
    }


def _token_as_json(token: "AccessToken") -> dict[str, object]:
    return {
        "number": token.number,
        "label": token.label,
        "since": token.time.isoformat(),
        "until": None if token.until is None else token.until.isoformat(),
        "revoked": None if token.revoked is None else token.revoked.isoformat(),
    }
