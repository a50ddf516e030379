"""Find the CTs in files and folders, and give each a name.

In:  paths: a CT, a DICOM folder, a folder that holds several of any kind at any depth, or a list (JSON).
Out: one `Source` a CT, with the `case_id` that it will have. No voxel is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.errors import CaseClashError, ImageError, OmentumError
from omentum.exchange.importers.dataset_descriptions import DataSet
from omentum.exchange.importers.recognise import recognise
from omentum.exchange.importers.source import GENERIC_NAMES, LABEL_WORDS, Source, case_id_of
from omentum.records import Failure

__all__ = ["GENERIC_NAMES", "LABEL_WORDS", "Looked", "Source", "case_id_of", "find_sources", "look_through"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What files and folders hold.

    Attributes:
        sources: The CTs, in the order of the paths, and by name within a folder.
        unusable: Paths that hold none, or one whose name is taken, with the reason.
        left_out: Files in folders that are neither a CT nor its label, each with the reason.
    """

    sources: tuple[Source, ...]
    unusable: tuple[Failure, ...] = ()
    left_out: tuple[Failure, ...] = ()


def look_through(paths: Sequence[Path], data_set: DataSet | None = None) -> Looked:
    """Find the CTs in files and folders; of several, what holds none is set aside, and a name that is taken.

    Args:
        paths: As of `find_sources`.
        data_set: What they are copies of; where not said, folders' names tell.

    Raises:
        UnreadableImageError: The only path there is holds none.
        ConfigError: Nothing in a path fits the layouts of `data_set`.
    """
    return _looked(paths, data_set)[0]


def _looked(paths: Sequence[Path], data_set: DataSet | None) -> tuple[Looked, list[OmentumError]]:
    """Give what was found, and the errors of what is unusable."""
    found: dict[str, Source] = {}
    errors: dict[str, OmentumError] = {}
    left_out: dict[str, Failure] = {}
    for path in paths:
        try:
            here = recognise(path, data_set)
        except ImageError as error:
            if len(paths) == 1:
                raise
            errors[str(path)] = error
            continue
        for source in here.sources:
            first = found.setdefault(source.case_id.casefold(), source)
            if first is not source and (
                first.path.resolve() != source.path.resolve() or first.files != source.files
            ):
                errors[str(source.path)] = CaseClashError(source.case_id, source.path, first.path)
        left_out.update((one.key, one) for one in here.left_out)
    taken = {str(source.path) for source in found.values()}
    looked = Looked(
        sources=tuple(found.values()),
        unusable=tuple(Failure(key=key, reason=str(error)) for key, error in errors.items()),
        left_out=tuple(one for key, one in left_out.items() if key not in taken),
    )
    return looked, list(errors.values())


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Find the CTs in files and folders; one that is met twice is given once.

    Returns:
        In the order of `paths`, and by name within a folder.

    Raises:
        UnreadableImageError: A path is not there, no CT, or a folder with no CT in it.
        CaseClashError: Two CTs would have one `case_id`; upper and lower case are not told apart, as
            some disks do not.
    """
    looked, errors = _looked(paths, None)
    if errors:
        raise errors[0]
    return list(looked.sources)
