"""Journals of shards follow cases: lines of an erased one go, those of a renamed one have its new name."""

import threading

import pytest

from omentum.project.case_life import erase_case, rename_case
from omentum.project.journal import append_line, change_lines, read_lines

NAME, LONGER = "phantom_7", "phantom_7-b"
"""Two cases, of which one name holds the other."""


@pytest.fixture
def path(atlas):
    """A journal with lines of both, one that is damaged and names the case, and a torn one."""
    atlas.add(NAME, LONGER)
    path = atlas.workspace.folder.shards_dir / "predict-starter-1-of-2.jsonl"
    lines = [
        {"network": "starter", "case": NAME, "reason": "no CT"},
        {"network": "starter", "case": NAME, "prediction": {"case_id": NAME, "organs": ["liver"]}},
        {"network": "starter", "case": LONGER, "reason": f"not like {NAME}, said {LONGER}"},
        {"network": "starter", "case": LONGER, "prediction": {"case_id": LONGER, "organs": ["liver"]}},
    ]
    for line in lines:
        append_line(path, line)
    with path.open("a") as stream:
        stream.write(f'{{"case": "{NAME}", dam\n{{"network": "starter", "case": "{NAME}", "rea')
    return path


def erase(atlas, name=NAME):
    return erase_case(atlas.workspace, name, why="consent withdrawn", by="anna")


def test_an_erased_case_is_named_in_no_journal_and_lines_of_others_stay(atlas, path):
    alone = path.with_name("predict-other-1-of-1.jsonl")
    append_line(alone, {"network": "other", "case": NAME, "reason": "no CT"})
    tombstone = erase(atlas).tombstone
    assert NAME not in path.read_text().replace(LONGER, "")
    first, second = read_lines(path)
    assert first["reason"] == f"not like {tombstone.pseudonym}, said {LONGER}"
    assert second["prediction"] == {"case_id": LONGER, "organs": ["liver"]}
    assert not alone.exists()
    assert {one.name for one in path.parent.iterdir()} == {path.name}


def test_former_names_of_an_erased_case_go_from_journals_too(atlas, path):
    with path.open("rb") as stream:
        before = stream.read()
    rename_case(atlas.workspace, NAME, "new")
    path.write_bytes(before)  # as of a shard that began before and wrote afterwards
    erase(atlas, "new")
    assert [one["case"] for one in read_lines(path)] == [LONGER, LONGER]


def test_lines_of_a_renamed_case_have_its_new_name(atlas, path):
    rename_case(atlas.workspace, NAME, "liver")
    change_lines(path, lambda line: line if b"dam" not in line else None)
    found = read_lines(path)
    assert [one["case"] for one in found] == ["liver", "liver", LONGER, LONGER]
    assert found[1]["prediction"] == {"case_id": "liver", "organs": ["liver"]}


def test_what_shards_append_while_lines_are_removed_is_kept(tmp_path):
    path = tmp_path / "journal.jsonl"
    append_line(path, {"case": "gone"})

    def append(name):
        for number in range(40):
            append_line(path, {"case": f"{name}-{number}"})

    programs = [threading.Thread(target=append, args=(name,)) for name in ("a", "b")]
    for one in programs:
        one.start()
    while any(one.is_alive() for one in programs):
        append_line(path, {"case": "gone"})
        change_lines(path, lambda line: None if b"gone" in line else line)
    found = [one["case"] for one in read_lines(path)]
    assert sorted(found) == sorted(f"{name}-{number}" for name in "ab" for number in range(40))
