"""Notes about cases go with their case."""

from datetime import UTC, datetime

from omentum.records.case_notes import CaseNote, NoteKind


def test_notes_are_renamed_and_erased_with_their_case(atlas):
    from omentum.project.case_life import erase_case, rename_case

    atlas.add("a", "b")
    store = atlas.workspace.store
    for case_id in ("a", "b"):
        note = CaseNote(
            case_id=case_id, kind=NoteKind.COMMENT, text="like a", by="anna", time=datetime.now(UTC)
        )
        store.case_notes.add(note)
    rename_case(atlas.workspace, "a", "c")
    assert [one.case_id for one in store.case_notes.all()] == ["c", "b"]
    erase_case(atlas.workspace, "c", why="asked for", by="owner")
    assert [one.case_id for one in store.case_notes.all()] == ["b"]
