"""Carry rows back from the tables of migration 0005, or refuse where the old ones cannot hold them."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from omentum.errors import ProjectError
from omentum.store.migrations.rows import Kept, Rows, inserted, rows_of, table_of

__all__ = ["read_new", "refuse_what_cannot_go_back", "write_old"]

_PREDICT, _ADD, _SCORE, _DRAWN = "predict ", "add", "score ", "take revisions"
_PREFERRED = "revised_over_original"


def _finding_text(finding: Mapping[str, Any]) -> str:
    return f"{finding['organ']}: {finding['said']}"


def refuse_what_cannot_go_back(connection: sa.Connection) -> None:
    """Refuse, with the count of rows of each kind that the old tables cannot hold.

    Raises:
        ProjectError: There are such rows.
    """
    found = {what: n for what, n in _unholdable(connection).items() if n}
    if found:
        told = ", ".join(f"{n} {what}" for what, n in found.items())
        raise ProjectError(
            f"the older form of the database cannot hold {told}; nothing was changed: keep this version, "
            "or bring back a backup that was made by the older one"
        )


_COUNTS = {
    "excluded cases": "SELECT count(*) FROM cases WHERE excluded_why IS NOT NULL",
    "erased cases": "SELECT count(*) FROM tombstones",
    "former names of cases": "SELECT count(*) FROM former_names",
    "confirmations": "SELECT count(*) FROM confirmations",
    "decisions other than that revisions stand": "SELECT count(*) FROM decisions WHERE kind <> 'prefer' "
    "OR stands <> 'revised' OR revision_number IS NOT NULL",
    "tasks of kinds or states that it does not have": "SELECT count(*) FROM tasks WHERE "
    "kind NOT IN ('attention', 'audit', 'held-out') OR n_readings <> 1 "
    "OR state NOT IN ('queued', 'claimed', 'done')",
    "revisions in conflict": "SELECT count(*) FROM revisions WHERE conflicts_with IS NOT NULL",
    "revisions whose change is not known": "SELECT count(*) FROM revisions WHERE added_ml IS NULL "
    "OR removed_ml IS NULL",
    "revisions whose base is known": "SELECT count(*) FROM revisions WHERE base_sha256 IS NOT NULL",
    "comments on revisions": "SELECT count(*) FROM revisions WHERE comment <> ''",
    "tasks that are reserved": "SELECT count(DISTINCT key) FROM leases WHERE reserved_for IS NOT NULL",
}


def _unholdable(connection: sa.Connection) -> dict[str, int]:
    found = {what: connection.scalar(sa.text(query)) or 0 for what, query in _COUNTS.items()}
    tasks = rows_of(connection, "tasks", "round_number case_id organ")
    found["second tasks of one organ"] = _n_twice(tuple(row.values()) for row in tasks)
    revisions = rows_of(connection, "revisions", "case_id organ sha256 round_number")
    found["revisions with voxels handed in before"] = _n_twice(tuple(row.values()) for row in revisions)
    versions = rows_of(connection, "label_versions", "case_id")
    found["later versions of an original label"] = _n_twice(row["case_id"] for row in versions)
    for table in ("arrivals", "predictions", "revisions"):
        found[f"{table} with findings"] = sum(
            bool(row["findings"]) for row in rows_of(connection, table, "findings")
        )
    return found


def _n_twice(keys: Iterable[Any]) -> int:
    return sum(n - 1 for n in Counter(keys).values())


_NEW = {
    "cases": "case_id source data_set licence",
    "arrivals": "case_id voxels thumbnail same_voxels_as likely_patient_of patient_in_source "
    "patients_conflict",
    "label_versions": "case_id notes findings",
    "predictions": "case_id network weights_sha256 made_with organs origin source_stamp unusable",
    "case_scores": "round_number case_id made_from",
    "tasks": "round_number case_id organ rank attention_ml state minutes error_ml n_spots reason kind",
    "revisions": "number case_id organ path sha256 round_number reader minutes added_ml removed_ml "
    "dice_to_base network time origin",
    "decisions": "case_id organ",
}


def read_new(connection: sa.Connection) -> Kept:
    """Read what the tables of the new form hold and the old ones kept in other tables."""
    return {name: rows_of(connection, name, columns) for name, columns in _NEW.items()}


def write_old(connection: sa.Connection, kept: Kept) -> None:
    """Write it into the old tables and the ledger's details."""
    states = {"queued": "queued", "claimed": "exported", "done": "done"}
    tasks = [
        {
            **{name: value for name, value in row.items() if name != "kind"},
            "state": states[row["state"]],
            "is_audit": row["kind"] == "audit",
            "is_held_out": row["kind"] == "held-out",
        }
        for row in kept["tasks"]
    ]
    inserted(connection, "tasks", tasks)
    inserted(connection, "revisions", [_old_revision(row) for row in kept["revisions"]])
    inserted(connection, "ledger", _drawn(kept["revisions"]))
    for stage, key, detail in _details(kept):
        ledger = table_of("ledger", ["stage", "key", "detail"])
        change = sa.update(ledger).where(ledger.c.stage == stage, ledger.c.key == key)
        connection.execute(change.values(detail=detail))
    decided = sorted({(row["case_id"], row["organ"]) for row in kept["decisions"]})
    if decided:
        inserted(connection, "facts", [{"name": _PREFERRED, "value": json.dumps(decided)}])


def _old_revision(row: Mapping[str, Any]) -> dict[str, Any]:
    names = {"dice_to_base": "dice_to_before"}
    return {names.get(name, name): value for name, value in row.items() if name != "origin"}


def _drawn(revisions: Rows) -> Rows:
    """Say of which file each imported mask was taken last."""
    found = {}
    for row in revisions:
        size, _, time_ns = row["origin"].partition("-")
        if size.isdigit() and time_ns.isdigit():
            key = f"{row['case_id']}/{row['organ']}"
            detail = {"file": [int(size), int(time_ns)], "sha256": row["sha256"]}
            found[key] = {"stage": _DRAWN, "key": key, "reason": None, "detail": detail, "time": row["time"]}
    return list(found.values())


def _details(kept: Kept) -> Iterable[tuple[str, str, dict[str, Any]]]:
    labels = {row["case_id"]: row for row in kept["label_versions"]}
    cases = {row["case_id"]: row for row in kept["cases"]}
    for row in kept["arrivals"]:
        case_id, label = row["case_id"], labels.get(row["case_id"], {"notes": [], "findings": []})
        told = {
            **{name: value for name, value in row.items() if name != "case_id"},
            **{name: cases[case_id][name] for name in ("source", "data_set", "licence")},
            "label_notes": label["notes"],
            "label_findings": [_finding_text(one) for one in label["findings"]],
        }
        yield _ADD, case_id, {name: value for name, value in told.items() if value}
    for row in kept["predictions"]:
        before = {"seen": row["source_stamp"], "unusable": row["unusable"]} if row["origin"] else None
        detail = {name: row[name] for name in ("weights_sha256", "organs", "made_with")}
        yield f"{_PREDICT}{row['network']}", row["case_id"], detail | ({"before": before} if before else {})
    for row in kept["case_scores"]:
        yield f"{_SCORE}{row['round_number']}", row["case_id"], row["made_from"]
