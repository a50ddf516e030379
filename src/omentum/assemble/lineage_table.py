"""Write and read the lineage of all masks of a release as one table, `lineage.parquet`.

It has a row for each organ and case; a few cases are in memory at a time.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omentum.assemble.lineage import Lineage
from omentum.errors import ReleaseError
from omentum.volumes.atomic import writing
from omentum.volumes.labels import organ

__all__ = ["TABLE_NAME", "read_table", "writing_table"]

TABLE_NAME = "lineage.parquet"
_ROWS_AT_ONCE = 20_000
_TEXTS = (
    "source",
    "reader",
    "says",
    "network",
    "weights_sha256",
    "network_shown",
    "base_sha256",
    "revision_sha256",
    "time",
    "sha256",
)
_DECIDED = {"decided_by": "by", "decision": "kind"}


@contextmanager
def writing_table(path: Path) -> Iterator[Callable[[Lineage], None]]:
    """Write a table, whole or not at all; give the function that adds the organs of a case."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, rows = _schema(), list[dict[str, Any]]()
    with writing(path) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            rows.clear()

        def add(lineage: Lineage) -> None:
            rows.extend(_rows(lineage))
            if len(rows) >= _ROWS_AT_ONCE:
                flush()

        yield add
        flush()


def read_table(path: Path) -> Iterator[dict[str, Any]]:
    """Read the rows of a table in order, some at a time.

    Raises:
        ReleaseError: There is no such table, or it is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ReleaseError(
            f"{path} cannot be read as the table of a release ({error}); "
            "check the release with `omentum release verify`"
        ) from None


def _schema() -> Any:
    import pyarrow as pa

    text = [(name, pa.string()) for name in _TEXTS]
    return pa.schema(
        [
            ("case_id", pa.string()),
            ("patient_id", pa.string()),
            ("data_set", pa.string()),
            ("held_out", pa.bool_()),
            ("ct_sha256", pa.string()),
            ("organ", pa.string()),
            ("organ_index", pa.uint8()),
            *text,
            ("round", pa.int32()),
            ("volume_ml", pa.float64()),
            *[(name, pa.string()) for name in _DECIDED],
            ("flags", pa.list_(pa.string())),
            ("ct_flags", pa.list_(pa.string())),
        ]
    )


def _rows(lineage: Lineage) -> Iterator[dict[str, Any]]:
    of_case = {
        "case_id": lineage["case_id"],
        "patient_id": lineage["patient_id"],
        "data_set": lineage["data_set"]["name"],
        "held_out": lineage["held_out"],
        "ct_sha256": lineage["files"]["ct.nii.gz"],
        "ct_flags": lineage["ct_flags"],
    }
    for name, row in sorted(lineage["organs"].items()):
        yield {
            **of_case,
            "organ": name,
            "organ_index": organ(name).index,
            **{key: row.get(key) for key in (*_TEXTS, "round", "volume_ml", "flags")},
            **{key: row.get("decided_by", {}).get(part) for key, part in _DECIDED.items()},
        }
