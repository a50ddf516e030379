"""People and tokens from the command line."""

import io
import json

import pytest

from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings

PASSWORD = "four words of chief"


@pytest.fixture
def people(omentum, tmp_path, monkeypatch):
    """Function: run `omentum people`, with this on the standard input."""
    begin_project(tmp_path / "atlas", Settings(networks=("starter",)))

    def run(*words, typed=""):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return omentum("-C", tmp_path / "atlas", "people", *words)

    run.root = tmp_path / "atlas"
    return run


@pytest.fixture
def chief(people):
    added = people("add", "chief", "--role", "admin", "--password-stdin", typed=f"{PASSWORD}\n")
    assert (added.code, added.out) == (0, "chief may come in as admin\n")


def listed(people):
    return json.loads(people("list", "--json").out)


def test_the_first_person_must_be_an_admin(people):
    ran = people("add", "anna", "--role", "reader", "--no-password")
    assert ran.code == 2
    assert "--role admin" in ran.err
    assert listed(people) == []


def test_a_password_is_read_from_a_line_and_kept_as_its_hash(people, chief):
    (one,) = listed(people)
    assert (one["name"], one["roles"], one["has_password"]) == ("chief", ["admin"], True)
    assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in people.root.glob("*.db*"))


def test_without_a_terminal_it_says_how_to_send_a_password(people):
    ran = people("add", "chief", "--role", "admin")
    assert ran.code == 2
    assert "--password-stdin" in ran.err


def test_a_short_password_and_an_unknown_role_are_refused(people):
    short = people("add", "chief", "--role", "admin", "--password-stdin", typed="short\n")
    assert (short.code, "12 to 1000" in short.err) == (2, True)
    role = people("add", "chief", "--role", "king", "--no-password")
    assert (role.code, "reader, adjudicator, admin" in role.err) == (2, True)


def test_roles_passwords_and_who_is_disabled_change(people, chief):
    assert people("add", "anna", "--role", "reader", "--no-password").code == 0
    assert people("set-role", "anna", "--role", "adjudicator", "--role", "reader").code == 0
    assert people("password", "anna", "--password-stdin", typed="four words of anna\n").code == 0
    assert people("disable", "anna").code == 0
    anna = listed(people)[0]
    assert (anna["roles"], anna["has_password"], anna["is_disabled"]) == (
        ["reader", "adjudicator"], True, True,
    )  # fmt: skip
    assert people("enable", "anna").out == "anna may come in as reader, adjudicator\n"
    for word in ("disable", "enable", "password"):
        assert people(word, "nobody", *(["--password-stdin"] if word == "password" else [])).code == 2
    last = people("disable", "chief")
    assert (last.code, "has no admin" in last.err) == (2, True)


def test_a_new_password_says_how_many_tokens_stay(people, chief):
    def changed():
        return people("password", "chief", "--password-stdin", typed="other words of chief\n").out

    assert "token" not in changed()
    for label in ("slicer", "script", "lost"):
        people("token", "chief", "--label", label)
    people("revoke", "3")
    assert "2 tokens of chief stay valid (1, 2)" in changed()
    people("revoke", "1")
    assert "1 token of chief stays valid (2)" in changed()


def test_a_token_is_printed_once_alone_on_its_line_so_that_a_script_can_take_it(people, chief):
    made = people("token", "chief", "--label", "slicer", "--days", "90")
    assert made.out.startswith("omt_")
    assert len(made.out.split()) == 1
    assert "token 1 of chief ends" in made.err
    assert made.out.strip() not in people("list").out + json.dumps(listed(people))
    assert listed(people)[0]["tokens"][0]["label"] == "slicer"
    assert people("revoke", "1").code == 0
    assert listed(people)[0]["tokens"][0]["revoked"]
    assert people("revoke", "2").code == 2


def test_the_list_is_a_table_for_people(people, chief):
    people("token", "chief", "--label", "slicer")
    said = people("list").out
    assert "1 person" in said
    assert "1 slicer" in said
    assert listed(people)[0]["in_releases"] in said


def test_what_the_commands_do_is_in_the_audit_log(people, chief):
    people("token", "chief", "--label", "slicer")
    with opened(people.root) as project:
        actions = [entry.action for entry in project.store.log.entries()]
    assert actions[-2:] == ["person-added", "token-made"]
