"""The tables that migration 0005 makes, and those that going back makes again."""

import sqlalchemy as sa
from alembic import op

__all__ = ["make_old_tables", "make_tables"]

_TIME = sa.DateTime(timezone=True)
_EMPTY = sa.text("''")


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _text_or_none(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=True) for name in names]


def _json(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.JSON(), nullable=False) for name in names]


def _number(*names: str, nullable: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.Integer(), nullable=nullable) for name in names]


def _real(*names: str, nullable: bool = True) -> list[sa.Column[float]]:
    return [sa.Column(name, sa.Double(), nullable=nullable) for name in names]


def _time(name: str = "time", *, nullable: bool = False) -> "sa.Column[object]":
    return sa.Column(name, _TIME, nullable=nullable)


def _of_case(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["case_id"], ["cases.case_id"], name=f"fk_{table}_case_id")


def _of_round(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["round_number"], ["rounds.number"], name=f"fk_{table}_round_number")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def make_tables() -> None:
    """Make all tables that are new, or of a new form."""
    _make_tables_of_cases()
    _make_tables_of_tasks()
    _make_tables_of_words()


def _make_tables_of_cases() -> None:
    op.create_table(
        "arrivals",
        *_text("case_id"),
        *_text_or_none("ct_sha256"),
        *_text("voxels", "thumbnail"),
        *_text_or_none("same_voxels_as", "likely_patient_of", "patient_in_source"),
        sa.Column("patients_conflict", sa.Boolean(), nullable=False),
        *_json("findings"),
        _time(nullable=True),
        _key("arrivals", "case_id"),
        _of_case("arrivals"),
    )
    op.create_table(
        "label_versions",
        *_number("number"),
        *_text("case_id", "path"),
        *_text_or_none("sha256"),
        *_json("organs"),
        *_text("source", "source_stamp", "source_sha256"),
        *_json("notes", "findings"),
        _time(),
        _key("label_versions", "number"),
        _of_case("label_versions"),
    )
    _index("label_versions", "case_id")
    op.create_table(
        "predictions",
        *_text("case_id", "network", "weights_sha256"),
        *_text_or_none("masks_sha256"),
        *_text("settings_sha256"),
        *_json("made_with", "organs", "organ_sha256s"),
        *_text("origin", "source_stamp"),
        *_json("unusable", "findings"),
        _time(),
        _key("predictions", "case_id", "network"),
        _of_case("predictions"),
    )
    _index("predictions", "network")
    op.create_table(
        "tombstones",
        *_text("pseudonym", "voxels", "why", "by"),
        *_json("releases"),
        _time(),
        _key("tombstones", "pseudonym"),
    )
    op.create_table(
        "former_names", *_text("name", "case_id"), _key("former_names", "name"), _of_case("former_names")
    )


def _make_tables_of_tasks() -> None:
    op.create_table(
        "tasks",
        *_number("number", "round_number"),
        *_text("case_id", "organ", "kind", "state"),
        *_number("rank"),
        *_text("network"),
        *_text_or_none("shown_sha256"),
        *_number("n_readings"),
        *_real("attention_ml", nullable=False),
        *_real("minutes", "error_ml"),
        *_number("n_spots"),
        *_text("reason"),
        _key("tasks", "number"),
        _of_round("tasks"),
        _of_case("tasks"),
        sqlite_autoincrement=True,
    )
    _index("tasks", "round_number", "rank")
    _index("tasks", "case_id", "organ")
    op.create_table(
        "leases",
        *_text("pool", "key"),
        *_number("slot", "rank"),
        *_text_or_none("reserved_for", "holder"),
        _time("until", nullable=True),
        sa.Column("ended", sa.Boolean(), nullable=False, server_default=sa.false()),
        _key("leases", "pool", "key", "slot"),
    )
    _index("leases", "pool", "holder")
    _index("leases", "pool", "rank")


def _make_tables_of_words() -> None:
    op.create_table(
        "revisions",
        *_number("number"),
        *_text("case_id", "organ", "path", "sha256"),
        *_number("round_number"),
        *_text("reader", "says"),
        *_text_or_none("base_sha256", "base_source"),
        *_text("network"),
        *_number("task_number", nullable=True),
        *_real("minutes", "added_ml", "removed_ml", "dice_to_base"),
        *_number("conflicts_with", nullable=True),
        sa.Column("findings", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("comment", sa.String(), nullable=False, server_default=_EMPTY),
        sa.Column("origin", sa.String(), nullable=False, server_default=_EMPTY),
        _time(),
        _key("revisions", "number"),
        _of_case("revisions"),
        _of_round("revisions"),
        sa.ForeignKeyConstraint(["task_number"], ["tasks.number"], name="fk_revisions_task_number"),
    )
    _index("revisions", "case_id", "organ")
    _index("revisions", "task_number")
    op.create_table(
        "decisions",
        *_number("number"),
        *_text("case_id", "organ", "kind", "stands"),
        *_number("revision_number", nullable=True),
        *_text("by", "why"),
        _time(),
        _key("decisions", "number"),
        _of_case("decisions"),
    )
    _index("decisions", "case_id", "organ")
    op.create_table(
        "confirmations",
        *_number("number"),
        *_text("case_id", "organ", "rule", "mask_sha256", "by", "why"),
        _time(),
        _key("confirmations", "number"),
        _of_case("confirmations"),
    )
    _index("confirmations", "case_id")
    op.create_table(
        "lessons",
        *_text("network", "case_id", "organ", "sha256"),
        _key("lessons", "network", "case_id", "organ"),
        sa.ForeignKeyConstraint(["network"], ["networks.name"], name="fk_lessons_network"),
        _of_case("lessons"),
    )


def make_old_tables() -> None:
    """Make the tables of tasks and revisions as they were before."""
    op.create_table(
        "tasks",
        *_number("round_number"),
        *_text("case_id", "organ"),
        *_number("rank"),
        *_real("attention_ml", nullable=False),
        *_text("state"),
        *_real("minutes", "error_ml"),
        sa.Column("n_spots", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("reason", sa.String(), nullable=False, server_default=_EMPTY),
        sa.Column("is_audit", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("is_held_out", sa.Boolean(), nullable=False, server_default=sa.false()),
        _key("tasks", "round_number", "case_id", "organ"),
        _of_round("tasks"),
        _of_case("tasks"),
    )
    columns = ("case_id", "organ", "sha256", "round_number")
    op.create_table(
        "revisions",
        *_number("number"),
        *_text("case_id", "organ", "path", "sha256"),
        *_number("round_number"),
        *_text("reader"),
        *_real("minutes"),
        *_real("added_ml", "removed_ml", nullable=False),
        *_real("dice_to_before"),
        *_text("network"),
        _time(),
        _key("revisions", "number"),
        _of_case("revisions"),
        _of_round("revisions"),
        sa.UniqueConstraint(*columns, name="uq_revisions_case_id_organ_sha256_round_number"),
    )
