"""Carry rows over into the tables of migration 0005."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from omentum.store.migrations.rows import Kept, Rows, inserted, rows_of, table_of

__all__ = ["read_old", "write_new"]

_PREDICT, _ADD, _SCORE, _DRAWN = "predict ", "add", "score ", "take revisions"
_PREFERRED = "revised_over_original"

_OLD = {
    "ledger": "stage key reason detail time",
    "cases": "case_id original_label_path original_organs",
    "tasks": "round_number case_id organ rank attention_ml state minutes error_ml n_spots reason "
    "is_audit is_held_out",
    "revisions": "number case_id organ path sha256 round_number reader minutes added_ml removed_ml "
    "dice_to_before network time",
    "rounds": "number network",
    "networks": "name round_number",
    "facts": "name value",
}


def read_old(connection: sa.Connection) -> Kept:
    """Read what the tables of the old form hold and the new ones keep in other tables."""
    return {name: rows_of(connection, name, columns) for name, columns in _OLD.items()}


def write_new(connection: sa.Connection, kept: Kept) -> None:
    """Write it into the new tables; a base that was not kept is unknown."""
    known = {row["case_id"] for row in kept["cases"]}
    done = [row for row in kept["ledger"] if row["reason"] is None and row["key"].split("/")[0] in known]
    added = {row["key"]: row for row in done if row["stage"] == _ADD}
    inserted(connection, "arrivals", [_arrival(row) for row in added.values()])
    inserted(connection, "label_versions", _labels(kept["cases"], added))
    inserted(
        connection, "predictions", [_prediction(row) for row in done if row["stage"].startswith(_PREDICT)]
    )
    _set_data_sets(connection, added)
    _set_made_from(connection, [row for row in done if row["stage"].startswith(_SCORE)])
    networks = {row["number"]: row["network"] for row in kept["rounds"]}
    tasks = [_task(row, number, networks) for number, row in enumerate(_by_rank(kept["tasks"]), start=1)]
    inserted(connection, "tasks", tasks)
    inserted(connection, "leases", [_lease(row) for row in tasks if row["state"] != "done"])
    numbers = {(row["round_number"], row["case_id"], row["organ"]): row["number"] for row in tasks}
    drawn = {row["key"]: row["detail"] for row in done if row["stage"] == _DRAWN}
    inserted(connection, "revisions", [_revision(row, numbers, drawn) for row in kept["revisions"]])
    inserted(connection, "decisions", _preferred(kept))
    connection.execute(sa.text("DELETE FROM facts WHERE name = :name"), {"name": _PREFERRED})
    connection.execute(sa.text("DELETE FROM ledger WHERE stage = :stage"), {"stage": _DRAWN})
    inserted(connection, "lessons", _lessons(kept))


def _arrival(row: Mapping[str, Any]) -> dict[str, Any]:
    detail = row["detail"]
    return {
        "case_id": row["key"],
        "ct_sha256": None,
        "voxels": detail.get("voxels", ""),
        "thumbnail": detail.get("thumbnail", ""),
        "same_voxels_as": detail.get("same_voxels_as"),
        "likely_patient_of": detail.get("likely_patient_of"),
        "patient_in_source": detail.get("patient_in_source"),
        "patients_conflict": bool(detail.get("patients_conflict", False)),
        "findings": [],
        "time": row["time"],
    }


def _labels(cases: Rows, added: Mapping[str, Mapping[str, Any]]) -> Rows:
    found = []
    for case in cases:
        row = added.get(case["case_id"])
        if case["original_label_path"] is None or row is None:
            continue
        found.append(
            {
                "case_id": case["case_id"],
                "path": case["original_label_path"],
                "sha256": None,
                "organs": case["original_organs"],
                "source": "",
                "source_stamp": "",
                "source_sha256": "",
                "notes": row["detail"].get("label_notes", []),
                "findings": [_finding(text) for text in row["detail"].get("label_findings", [])],
                "time": row["time"],
            }
        )
    return found


def _finding(text: str) -> dict[str, Any]:
    organ, _, said = text.partition(": ")
    return {"organ": organ, "rule": "", "said": said, "severity": 0.5}


def _prediction(row: Mapping[str, Any]) -> dict[str, Any]:
    detail = row["detail"]
    made_with, before = detail.get("made_with", {}), detail.get("before", {})
    return {
        "case_id": row["key"],
        "network": row["stage"].removeprefix(_PREDICT),
        "weights_sha256": detail["weights_sha256"],
        "masks_sha256": None,
        "settings_sha256": hashlib.sha256(json.dumps(made_with, sort_keys=True).encode()).hexdigest(),
        "made_with": made_with,
        "organs": detail["organs"],
        "organ_sha256s": {},
        "origin": made_with.get("imported_from", "") if before else "",
        "source_stamp": before.get("seen", ""),
        "unusable": before.get("unusable", {}),
        "findings": [],
        "time": row["time"],
    }


def _set_data_sets(connection: sa.Connection, added: Mapping[str, Mapping[str, Any]]) -> None:
    said = [
        {"c": key, "d": row["detail"].get("data_set", ""), "l": row["detail"].get("licence", "")}
        for key, row in added.items()
    ]
    if said:
        change = sa.text("UPDATE cases SET data_set = :d, licence = :l WHERE case_id = :c")
        connection.execute(change, said)


def _set_made_from(connection: sa.Connection, scored: Rows) -> None:
    scores = table_of("case_scores", ["round_number", "case_id", "made_from"])
    for row in scored:
        number = int(row["stage"].removeprefix(_SCORE))
        change = sa.update(scores).where(scores.c.round_number == number, scores.c.case_id == row["key"])
        connection.execute(change.values(made_from=row["detail"]))


def _by_rank(tasks: Rows) -> Rows:
    return sorted(tasks, key=lambda row: (row["round_number"], row["rank"], row["case_id"], row["organ"]))


def _task(row: Mapping[str, Any], number: int, networks: Mapping[int, str]) -> dict[str, Any]:
    kind = "audit" if row["is_audit"] else "held-out" if row["is_held_out"] else "attention"
    same = "round_number case_id organ rank attention_ml minutes error_ml n_spots reason"
    return {
        "number": number,
        **{name: row[name] for name in same.split()},
        "kind": kind,
        # Who had an exported task was not kept: anyone may claim it, and a mask that comes back is taken.
        "state": {"exported": "claimed"}.get(row["state"], row["state"]),
        "network": networks[row["round_number"]],
        "shown_sha256": None,
        "n_readings": 1,
    }


def _lease(task: Mapping[str, Any]) -> dict[str, Any]:
    pool = f"tasks {task['round_number']}"
    return {"pool": pool, "key": str(task["number"]), "slot": 0, "rank": task["rank"], "ended": False}


def _revision(
    row: Mapping[str, Any], tasks: Mapping[tuple[int, str, str], int], drawn: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    same = "number case_id organ path sha256 round_number reader minutes added_ml removed_ml network time"
    imported = drawn.get(f"{row['case_id']}/{row['organ']}", {})
    is_same_file = imported.get("sha256") == row["sha256"] and "file" in imported
    return {
        **{name: row[name] for name in same.split()},
        "says": "accepted" if row["added_ml"] == 0 and row["removed_ml"] == 0 else "revised",
        "base_sha256": None,
        "base_source": None,
        "task_number": tasks.get((row["round_number"], row["case_id"], row["organ"])),
        "dice_to_base": row["dice_to_before"],
        "conflicts_with": None,
        "findings": [],
        "comment": "",
        "origin": "-".join(map(str, imported["file"])) if is_same_file else "",
    }


def _preferred(kept: Kept) -> Rows:
    stored = next((row["value"] for row in kept["facts"] if row["name"] == _PREFERRED), "[]")
    times = [row["time"] for row in kept["ledger"]] + [row["time"] for row in kept["revisions"]]
    return [
        {
            "case_id": case_id,
            "organ": organ,
            "kind": "prefer",
            "stands": "revised",
            "revision_number": None,
            "by": "unknown",
            "why": "",
            "time": max(times),
        }
        for case_id, organ in json.loads(stored)
    ]


def _lessons(kept: Kept) -> Rows:
    """Say what each network has learned: of the old form it is known by rounds only."""
    found = {}
    for network in kept["networks"]:
        for row in sorted(kept["revisions"], key=lambda one: (one["round_number"], one["number"])):
            if row["round_number"] <= (network["round_number"] or 0):
                key = network["name"], row["case_id"], row["organ"]
                found[key] = dict(
                    zip(("network", "case_id", "organ"), key, strict=True), sha256=row["sha256"]
                )
    return list(found.values())
