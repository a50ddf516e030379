"""What is left of an erased case."""

from datetime import UTC, datetime

from omentum.records import Tombstone


def test_what_is_left_of_erased_cases_comes_by_time_and_can_be_forgotten(each_store):
    kept = [
        Tombstone(pseudonym=name, voxels=voxels, why="w", by="r", releases=("V1",), time=time)
        for name, voxels, time in (
            ("p-1", "", datetime(2026, 11, 1, tzinfo=UTC)),
            ("p-2", "v", datetime(2026, 11, 3, tzinfo=UTC)),
            ("p-3", "v", datetime(2026, 11, 2, tzinfo=UTC)),
        )
    ]
    for one in kept:
        each_store.tombstones.keep(one)
    assert [one.pseudonym for one in each_store.tombstones.all()] == ["p-1", "p-3", "p-2"]
    each_store.tombstones.forget("p-2")
    assert each_store.tombstones.all() == [kept[0], kept[2]]
