"""The people of a project, and the tokens of their programs."""

from datetime import UTC, datetime, timedelta

import pytest

from omentum.errors import ConfigError, MissingError, ProjectError, TakenError
from omentum.names import checked_name
from omentum.project.accounts import (
    add_person,
    change_person,
    hashed_token,
    make_token,
    revoke_token,
)
from omentum.project.passwords import hashed_password, is_password_of
from omentum.records.audit_log import LogAction
from omentum.records.people import Role
from omentum.store.store import Store

PASSWORD = "four words of anna"


@pytest.fixture
def chiefs_store(store):
    """A store with one person, who is an admin."""
    add_person(store, "chief", [Role.ADMIN])
    return store


def logged(store: Store) -> list[str]:
    return [entry.action for entry in store.log.entries()]


def test_the_first_person_is_an_admin_so_that_somebody_can_add_the_others(store):
    with pytest.raises(ProjectError, match="first person, and is no admin"):
        add_person(store, "anna", [Role.READER, Role.ADJUDICATOR])
    assert store.people.all() == []
    assert store.log.last(LogAction.PERSON_ADDED) is None


def test_the_last_admin_who_is_not_disabled_stays(chiefs_store):
    add_person(chiefs_store, "deputy", [Role.ADMIN])
    change_person(chiefs_store, "deputy", is_disabled=True)
    for change in ({"is_disabled": True}, {"roles": [Role.READER]}):
        with pytest.raises(ProjectError, match="has no admin"):
            change_person(chiefs_store, "chief", **change)
    assert chiefs_store.people.get("chief").roles == (Role.ADMIN,)
    assert not chiefs_store.people.get("chief").is_disabled


def test_no_two_people_have_names_that_differ_in_capitals_alone(chiefs_store):
    add_person(chiefs_store, "anna", [Role.READER])
    for name in ("anna", "Anna"):
        with pytest.raises(TakenError, match="'anna' already"):
            add_person(chiefs_store, name, [Role.READER])


@pytest.mark.parametrize("name", ["", "../anna", "a b", "omentum", "Omentum"])
def test_a_name_is_one_of_a_folder_and_not_the_programs(chiefs_store, name):
    with pytest.raises(ConfigError, match="name"):
        add_person(chiefs_store, name, [Role.READER])


@pytest.mark.parametrize(("password", "rule"), [("short", "12 to 1000"), ("Anna-Of-Basel", "guess")])
def test_a_password_is_long_and_not_the_name(chiefs_store, password, rule):
    with pytest.raises(ConfigError, match=rule) as refused:
        add_person(chiefs_store, "anna-of-basel", [Role.READER], password=password)
    assert password not in str(refused.value)
    assert chiefs_store.people.get("anna-of-basel") is None


def test_a_password_fits_its_hash_however_a_keyboard_writes_accents():
    kept = hashed_password("anna", "caf\u00e9 au lait 12")
    assert kept.startswith("$argon2id$")
    assert is_password_of(kept, "cafe\u0301 au lait 12")
    assert not is_password_of(kept, "cafe au lait 12")


def test_without_a_hash_no_password_fits():
    assert not is_password_of(None, "no one has this password")


def test_a_changed_password_and_being_disabled_end_sessions_and_other_changes_do_not(chiefs_store):
    anna = add_person(chiefs_store, "anna", [Role.READER], password=PASSWORD)
    promoted = change_person(chiefs_store, "anna", roles=[Role.ADJUDICATOR])
    assert promoted.sessions_from == anna.sessions_from
    renewed = change_person(chiefs_store, "anna", password=f"{PASSWORD} again")
    assert renewed.sessions_from > promoted.sessions_from
    disabled = change_person(chiefs_store, "anna", is_disabled=True)
    assert disabled.sessions_from > renewed.sessions_from
    assert change_person(chiefs_store, "anna", is_disabled=False).sessions_from == disabled.sessions_from


def test_a_token_is_kept_as_its_hash_and_found_by_it(chiefs_store):
    add_person(chiefs_store, "anna", [Role.READER])
    text, token = make_token(chiefs_store, "anna", "slicer", days=90)
    assert text.startswith("omt_")
    assert text not in repr(chiefs_store.tokens.all())
    found = chiefs_store.tokens.of_hash(hashed_token(text))
    assert found == token
    assert found.is_valid(datetime.now(UTC) + timedelta(days=89))
    assert not found.is_valid(datetime.now(UTC) + timedelta(days=91))


def test_a_revoked_token_is_not_valid_and_keeps_the_time_of_its_end(chiefs_store):
    _, token = make_token(chiefs_store, "chief", "script")
    first = revoke_token(chiefs_store, token.number)
    assert not first.is_valid(datetime.now(UTC))
    assert revoke_token(chiefs_store, token.number) == first
    with pytest.raises(MissingError, match="no token 77"):
        revoke_token(chiefs_store, 77)


def test_a_token_needs_a_person_a_label_and_an_end_within_reason(chiefs_store):
    with pytest.raises(MissingError, match="no person is called 'nobody'"):
        make_token(chiefs_store, "nobody", "slicer")
    for label, days in (("", 1), ("a\nb", 1), ("slicer", 0), ("slicer", 10**6)):
        with pytest.raises(ConfigError):
            make_token(chiefs_store, "chief", label, days=days)


def test_accounts_and_tokens_are_logged_without_hashes(chiefs_store):
    add_person(chiefs_store, "anna", [Role.READER], password=PASSWORD)
    change_person(chiefs_store, "anna", roles=[Role.ADJUDICATOR], password=f"{PASSWORD} again", by="chief")
    text, token = make_token(chiefs_store, "anna", "slicer", by="anna")
    revoke_token(chiefs_store, token.number, by="chief")
    assert logged(chiefs_store)[-5:] == [
        LogAction.PERSON_ADDED,
        LogAction.PERSON_CHANGED,
        LogAction.PASSWORD_CHANGED,
        LogAction.TOKEN_MADE,
        LogAction.TOKEN_REVOKED,
    ]
    said = repr(list(chiefs_store.log.entries()))
    assert "argon2" not in said
    assert hashed_token(text) not in said
    assert chiefs_store.log.last().actor == checked_name("reader", "chief")


def test_people_and_tokens_are_kept_alike_on_both_databases(each_store):
    chief = add_person(each_store, "chief", [Role.ADMIN, Role.READER], password=PASSWORD)
    _, token = make_token(each_store, "chief", "script", days=1)
    assert each_store.people.all() == [chief]
    assert each_store.tokens.of_person("chief") == [token]
    change_person(each_store, "chief", password=f"{PASSWORD} again")
    revoke_token(each_store, token.number)
    assert each_store.people.get("chief").sessions_from > chief.sessions_from
    with pytest.raises(ProjectError):
        change_person(each_store, "chief", is_disabled=True)
    assert logged(each_store)[-3:] == ["token-made", "password-changed", "token-revoked"]


def test_what_changes_nothing_is_not_logged(chiefs_store):
    before = logged(chiefs_store)
    change_person(chiefs_store, "chief", roles=[Role.ADMIN])
    assert logged(chiefs_store) == before
