import pickle
import re
from pathlib import Path

import pytest

import omentum.errors
from omentum.errors import (
    CaseClashError,
    CheckpointError,
    ConfigError,
    DownloadError,
    ImageError,
    OmentumError,
    UnknownCaseError,
    UnknownNetworkError,
    UnknownOrganError,
)

CLASSES = {name: getattr(omentum.errors, name) for name in omentum.errors.__all__}


def test_the_tree_at_the_top_is_the_tree_of_classes():
    lines = omentum.errors.__doc__.splitlines()
    drawn, above = {}, {}
    for line in lines:
        found = re.match(r"^((?:[│ ]   )*)(?:[├└]── )?(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4 + (1 if "──" in line else 0)
            above[depth] = found[2]
            drawn[found[2]] = above[depth - 1] if depth else "Exception"
    assert drawn == {
        name: next(
            base.__name__ for base in kind.__mro__[1:] if issubclass(base, OmentumError) or base is Exception
        )
        for name, kind in CLASSES.items()
    }


def test_every_error_is_offered_sorted_and_documented():
    defined = {
        name for name, value in vars(omentum.errors).items()
        if isinstance(value, type) and issubclass(value, OmentumError)
    }  # fmt: skip
    assert list(omentum.errors.__all__) == sorted(defined)
    assert all(kind.__doc__ for kind in CLASSES.values())


def test_every_error_is_also_the_built_in_one_that_a_caller_expects():
    for kind in set(CLASSES.values()) - {OmentumError}:
        built_in = [base for base in kind.__mro__ if base.__module__ == "builtins"]
        assert built_in[0] not in (Exception, object), kind


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConfigError("threshold", 2.0, "it lies in [0, 1]"), ["threshold", "2.0", "[0, 1]"]),
        (
            ImageError(Path("a/ct.nii.gz"), "it is cut short", "copy it again"),
            ["a/ct.nii.gz", "cut short", "copy"],
        ),
        (UnknownOrganError("heart", ["liver", "spleen"]), ["'heart'", "liver, spleen"]),
        (UnknownNetworkError("x", ["starter"]), ["'x'", "starter", "omentum models add FILE --as x"]),
        (
            UnknownNetworkError("x", ["starter"], published=["x"]),
            ["'x' is not here yet", "starter", "`omentum models pull x`"],
        ),
        (
            UnknownNetworkError("y", ["starter"], published=["x"]),
            ["'y'", "to pull are x", "omentum models add FILE --as y"],
        ),
        (CheckpointError("w.pth", "it carries code"), ["w.pth", "carries code"]),
        (DownloadError("https://e.org/w.pth", "answered 404"), ["https://e.org/w.pth answered 404"]),
        (CaseClashError("ct", "b/ct.nii.gz", "a/ct.nii.gz"), ["'ct'", "b/ct.nii.gz", "a/ct.nii.gz", "--id"]),
        (UnknownCaseError("c7"), ["'c7'", "omentum cases list"]),
    ],
)
def test_a_message_is_one_line_with_what_was_seen_and_the_cure(error, said):
    message = str(error)
    assert "\n" not in message
    assert not message.endswith(".")
    for part in said:
        assert part in message


def test_the_message_of_a_lookup_error_is_not_put_in_quotes():
    assert not str(UnknownOrganError("heart", ["liver"])).startswith(("'", '"'))


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("share", 2, "it is at most 1"),
        CaseClashError("a", "new.nii.gz", "old.nii.gz"),
        UnknownOrganError("livr", ["liver"]),
        UnknownNetworkError("x", ["starter"]),
        DownloadError("https://example.org", "it is not there"),
        UnknownCaseError("a"),
    ],
)
def test_an_error_travels_between_processes_as_it_is(error):
    there = pickle.loads(pickle.dumps(error))
    assert type(there) is type(error)
    assert str(there) == str(error)
    assert there.args == error.args
