"""Check what many readers left in a project against what its server told them.

In:  what readers saw; the project, once all saves are handed in.
Out: sentences, one for each thing that is wrong; none where all is right.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from load.readers import Watch
from omentum.project.project import opened

__all__ = ["wrongs"]


def wrongs(root: Path, watch: Watch) -> list[str]:
    """Say what is wrong: a task that two readers were given, a save that is lost or twice in the record."""
    return [*_given_twice(watch), *_lost(root, watch), *watch.refused]


def _given_twice(watch: Watch) -> Iterator[str]:
    readers = defaultdict(set)
    for task, reader in watch.given:
        readers[task].add(reader)
    for task, names in readers.items():
        if len(names) > 1:
            yield f"task {task} was given to {', '.join(sorted(names))}"


def _lost(root: Path, watch: Watch) -> Iterator[str]:
    """Every save that was taken is one revision, by its reader, of its task and with its hash."""
    with opened(root, looking=True) as project:
        found = defaultdict(int)
        for one in project.store.revisions.all():
            found[one.task_number, one.reader, one.sha256] += 1
    for saved in watch.saved:
        n_times = found[saved.task, saved.reader, saved.sha256]
        if n_times != 1:
            yield f"{saved.name} of {saved.reader} for task {saved.task} is {n_times} times in the record"
