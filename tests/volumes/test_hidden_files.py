from pathlib import Path

import pytest

from omentum.volumes.hidden_files import is_hidden


@pytest.mark.parametrize(
    "name", ["._ct.nii.gz", ".DS_Store", ".hidden", "Thumbs.db", "THUMBS.DB", "__MACOSX", "#recycle"]
)
def test_what_systems_leave_is_hidden(name):
    assert is_hidden(Path("/a") / name)
    assert is_hidden(Path("/a") / name / "ct.nii.gz", below=Path("/a"))
    assert not is_hidden(Path("/a") / name / "ct.nii.gz", below=Path("/a") / name)


@pytest.mark.parametrize("name", ["ct.nii.gz", "_ct.nii.gz", "thumbs", "a.DS_Store", "macosx"])
def test_other_names_are_shown(name):
    assert not is_hidden(Path("/a") / name)
