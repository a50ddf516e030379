import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omentum.errors import ConfigError
from omentum.names import checked_case_id, checked_new_case_id, distinct_name, safe_name


@pytest.mark.parametrize("name", [
    "患者一", "Müller", "Пациент_7", "مريض-٣", "रोगी", "ผู้ป่วย", "환자", "BTCV_0002", "1.2.840.1", "a.b-c_d",
])  # fmt: skip
def test_letters_and_digits_of_every_script_stay(name):
    assert safe_name(name) == name
    assert checked_new_case_id("case_id", name) == name
    assert safe_name(unicodedata.normalize("NFD", name)) == name


@pytest.mark.parametrize(("name", "safe"), [
    ("CON", "_CON"), ("nul", "_nul"), ("Com1.2", "_Com1.2"), ("LPT9", "_LPT9"), ("console", "console"),
    ("a.", "a"), ("a. ", "a._"), (". .", "_"), ('a<>:"/\\|?*b', "a_b"), ("a\tb\n", "a_b_"), ("-rf", "_rf"),
    ("a..b", "a.b"), ("\u0301a", "_\u0301a"), ("", "case"), ("...", "case"),
])  # fmt: skip
def test_what_some_system_does_not_take_is_replaced(name, safe):
    assert safe_name(name) == safe


def test_long_names_that_differ_at_the_end_stay_different():
    for letter in ("a", "患", "é"):
        first, second = safe_name(letter * 130 + "1"), safe_name(letter * 130 + "2")
        assert first != second
        assert len(first.encode()) <= 100
    assert safe_name("a" * 100) == "a" * 100
    assert len(distinct_name("患" * 33, "x").encode()) <= 100


@given(st.text(st.characters(), max_size=150))
def test_any_name_becomes_one_that_a_new_case_can_have(name):
    safe = safe_name(name)
    assert checked_new_case_id("case_id", safe) == safe == safe_name(safe)
    assert checked_case_id("case_id", distinct_name(safe, name))


@pytest.mark.parametrize("name", ["CON", "a.", "-x", "nul.1"])
def test_a_name_of_an_existing_case_stays_and_a_new_one_is_refused_with_another(name):
    assert checked_case_id("case_id", name) == name
    with pytest.raises(ConfigError, match="is one that fits"):
        checked_new_case_id("--id", name)


@pytest.mark.parametrize("name", [
    "", ".", "..", ".a", "a/b", "a\\b", "a..b", "a b", "a\n", "a\0", "a" * 101, "患" * 34, "C:",
    "e\u0301", "\u0301a", "\udc80", None, 3,
])  # fmt: skip
def test_a_name_that_is_no_folder_is_refused(name):
    with pytest.raises(ConfigError, match=r"case_id is .* but it names a folder"):
        checked_case_id("case_id", name)
