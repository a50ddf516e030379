import errno
from pathlib import Path

import pytest

from omentum.errors import DicomSeriesError, UnreadableImageError
from omentum.volumes.library_errors import reading

PATH = Path("/data/p1/a.dcm")


@pytest.mark.parametrize("error", [KeyError("Rows"), ValueError("/data/p1/a.dcm: odd"), OSError("no tag")])
def test_whatever_is_raised_names_the_file_and_its_own_type_and_is_chained(error):
    with (
        pytest.raises(UnreadableImageError, match=r"^/data/p1/a\.dcm: it cannot be read") as raised,
        reading(PATH),
    ):
        raise error
    assert type(error).__name__ in str(raised.value)
    assert raised.value.__cause__ is error


def test_an_error_that_says_nothing_is_named_once():
    with pytest.raises(UnreadableImageError, match=r"\(EOFError\)"), reading(PATH):
        raise EOFError


@pytest.mark.parametrize(
    "error", [DicomSeriesError(PATH, "seen", "cure"), MemoryError(), OSError(errno.ENOSPC, "full")]
)
def test_our_own_errors_and_those_of_the_machine_stay(error):
    with pytest.raises(type(error)) as raised, reading(PATH):
        raise error
    assert raised.value is error
