import pytest

from omentum.assemble.manifest import verify_release
from omentum.assemble.release import build_release


@pytest.fixture
def folder(make, blob, tmp_path):
    case = make.case("c1")
    inputs = make.inputs(case, make.prediction(case, {"liver": blob(1)}))
    made = build_release("V1", tmp_path, [inputs]).folder
    for path in made.rglob("*"):
        path.chmod(0o755)
    return made


LIVER = "c1/segmentations/liver.nii.gz"


def test_a_release_as_it_was_made_has_no_problem(folder):
    assert verify_release(folder) == []


def test_one_changed_byte_is_found(folder):
    content = bytearray((folder / LIVER).read_bytes())
    content[-9] ^= 1
    (folder / LIVER).write_bytes(content)
    assert verify_release(folder) == [f"{LIVER} was changed"]


def test_missing_and_added_files_are_found(folder):
    (folder / LIVER).rename(folder / "c1" / "liver2.nii.gz")
    assert verify_release(folder) == [
        f"{LIVER} is missing",
        "c1/liver2.nii.gz does not belong to the release",
    ]


def test_a_manifest_that_was_changed_to_fit_is_found(folder):
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace('"V1"', '"V2"'))
    assert verify_release(folder) == ["manifest.json is not what SHA256SUMS says"]


def test_lists_that_differ_are_found(folder):
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(line for line in lines if LIVER not in line))
    assert verify_release(folder) == [
        "SHA256SUMS and manifest.json do not list the same files with the same hashes"
    ]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"files": [1]}', '{"files": {"a": {}}}'])
def test_a_folder_that_is_no_release_is_said_to_be_none(folder, content):
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    (problem,) = verify_release(folder)
    assert "it is no whole release" in problem
