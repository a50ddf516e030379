"""Rows of an older database, of every kind: they come over, and go back where they fit."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, insert, select, text

from omentum.errors import ProjectError
from omentum.records import (
    WHOLE_CT,
    Confirmation,
    Decision,
    DecisionKind,
    MaskFinding,
    MaskSource,
    TaskKind,
)
from omentum.store import migrate
from omentum.store.database import Database
from omentum.store.store import Store

URL = "sqlite:///omentum.db"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, old):
    """The old project's database, with rows of every kind that the old form had, not yet migrated."""
    enrich(old / "project/omentum.db")
    url = URL if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    with closing(Database(url, old / "project", wait_seconds=1.0)) as found:
        if not found.is_sqlite:
            copy_rows(old / "project/omentum.db", found)
        yield found


def enrich(path):
    """Add what the old project does not hold: imports, findings, failures, a tuned network."""
    engine = create_engine(f"sqlite:///{path}")
    tables = MetaData()
    with engine.begin() as connection:
        tables.reflect(connection)
        ledger, revisions = tables.tables["ledger"], tables.tables["revisions"]
        weights = {"weights_sha256": "w", "organs": ["liver"], "made_with": {"imported_from": "/tree"}}
        for stage, key, reason, detail in (
            ("predict other", "phantom_0021", None, {**weights, "before": SEEN_BEFORE}),
            ("take revisions", "phantom_0021/liver", None, {"file": [12, 34], "sha256": "f00"}),
            ("predict starter", "gone", "not a CT", {}),
        ):
            row = {"stage": stage, "key": key, "reason": reason, "detail": detail, "time": NOON}
            connection.execute(insert(ledger), row)
        of_label = ledger.c.key == "phantom_0020", ledger.c.stage == "add"
        told = connection.scalar(select(ledger.c.detail).where(*of_label))
        told |= {"label_notes": ["label 3 is left out"], "label_findings": ["liver: on the left side"]}
        told |= {"same_voxels_as": "phantom_0021", "patients_conflict": True, "data_set": "BTCV"}
        connection.execute(ledger.update().where(*of_label).values(detail=told))
        imported = {"case_id": "phantom_0021", "organ": "liver", "path": "f00.nii.gz", "sha256": "f00"}
        measured = {"added_ml": 1.5, "removed_ml": 0.0, "network": "starter", "time": NOON}
        row = {**imported, **measured, "round_number": 1, "reader": "tree"}
        connection.execute(insert(revisions), row)
        tuned = {"name": "starter-r1", "weights_sha256": "v", "parent": "starter", "round_number": 1}
        connection.execute(insert(tables.tables["networks"]), tuned)
    engine.dispose()


SEEN_BEFORE = {"seen": "12-34", "unusable": {"spleen": "torn"}}


def copy_rows(path, database):
    """Make the old tables in a database on a server, with the rows of a SQLite file."""
    config, tables = migrate._config(), MetaData()
    source = create_engine(f"sqlite:///{path}")
    with database.writing() as session, source.connect() as read:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "0004")
        tables.reflect(session.connection())
        for table in tables.sorted_tables:
            rows = [dict(row) for row in read.execute(select(table)).mappings()]
            zoned = [{name: with_zone(value) for name, value in row.items()} for row in rows]
            if zoned and table.name != "alembic_version":
                session.execute(insert(table), zoned)
    source.dispose()


def with_zone(value):
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def rows_in(database):
    """Read all rows of all tables; no order counts."""
    tables = MetaData()
    with database.reading() as session:
        tables.reflect(session.connection())
        return {
            table.name: sorted(
                json.dumps(dict(row), sort_keys=True, default=str)
                for row in session.execute(select(table)).mappings()
            )
            for table in tables.sorted_tables
        }


def test_rows_of_every_kind_come_over(database, old):
    migrate.upgrade(database)
    store = Store(database)
    other = store.predictions.of_network("other")["phantom_0021"]
    assert (other.origin, other.source_stamp) == ("/tree", "12-34")
    assert other.unusable == {"spleen": "torn"}
    label = store.labels.current()["phantom_0020"]
    assert label.notes == ("label 3 is left out",)
    assert [(one.organ, one.said, one.holds) for one in label.findings] == [
        ("liver", "on the left side", False)
    ]
    arrival = store.arrivals.of_case("phantom_0020")
    assert (arrival.same_voxels_as, arrival.patients_conflict, arrival.ct_sha256) == (
        "phantom_0021",
        True,
        None,
    )
    assert store.cases.get("phantom_0020").data_set == "BTCV"
    assert [one.key for one in store.ledger.failures()] == ["gone"]
    (imported,) = (one for one in store.revisions.all() if one.reader == "tree")
    assert (imported.origin, imported.dice_to_base) == ("12-34", None)
    learned = store.learned_masks.of_network("starter-r1")
    assert learned["phantom_0024", "kidney_right"] == store.revisions.get(5).sha256
    assert len(learned) == 5
    (decision,) = store.decisions.all()
    assert (decision.organ, decision.kind, decision.stands) == (
        "liver",
        DecisionKind.PREFER,
        MaskSource.REVISED,
    )
    assert store.revisions.add(imported).number == 7, "numbers go on"


def test_what_it_holds_goes_back_as_it_was(database):
    before = rows_in(database)
    migrate.upgrade(database)
    migrate.downgrade(database, "0004")
    assert rows_in(database) == before
    migrate.upgrade(database)
    migrate.check_current(database)


def test_what_the_older_form_cannot_hold_is_counted_and_nothing_is_changed(database, old):
    migrate.upgrade(database)
    add_what_is_new(Store(database), database)
    before = rows_in(database)
    with pytest.raises(ProjectError, match="the older form of the database cannot hold") as caught:
        migrate.downgrade(database, "0004")
    said = str(caught.value)
    for what in (
        "1 excluded cases",
        "1 erased cases",
        "1 former names of cases",
        "2 confirmations",
        "1 decisions other than that revisions stand",
        "1 tasks of kinds or states that it does not have",
        "1 revisions in conflict",
        "1 revisions whose change is not known",
        "2 revisions whose base is known",
        "1 comments on revisions",
        "1 tasks that are reserved",
        "1 second tasks of one organ",
        "1 revisions with voxels handed in before",
        "1 later versions of an original label",
        "1 arrivals with findings",
        "1 predictions with findings",
        "1 revisions with findings",
        "nothing was changed",
    ):
        assert what in said
    assert rows_in(database) == before


def add_what_is_new(store, database):
    """Add one or two of each that the old tables have no room for."""
    finding = MaskFinding(organ="liver", rule="side", said="on the left", severity=1.0)
    store.cases.exclude("phantom_0021", "upside down")
    with database.writing() as session:
        session.execute(text("INSERT INTO former_names VALUES ('a', 'phantom_0020')"))
        erased = "INSERT INTO tombstones (pseudonym, voxels, why, by, releases, time) VALUES"
        session.execute(text(f"{erased} ('p-1', '', '', '', '[]', '2026-11-30 12:00:00')"))
    said = {"case_id": "phantom_0020", "by": "chief", "time": NOON}
    confirmation = Confirmation(organ=WHOLE_CT, rule="orientation", mask_sha256="", why="", **said)
    store.confirmations.add([confirmation] * 2)
    kind = DecisionKind.RESTORE
    store.decisions.add(Decision(organ="liver", kind=kind, stands=MaskSource.ORIGINAL, **said))
    first = store.tasks.of_round(1)[0]
    second = store.tasks.add(replace(first, number=None, kind=TaskKind.REQUESTED))
    store.tasks.reserve([second.number], "anna")
    revision = store.revisions.get(1)
    contradicts = {"added_ml": None, "conflicts_with": 1, "comment": "odd", "findings": (finding,)}
    store.revisions.add(replace(revision, base_sha256="ba5e", **contradicts))
    store.revisions.add(replace(revision, base_sha256="ba5e", sha256="f01"))
    store.labels.add(store.labels.current()["phantom_0020"])
    store.arrivals.keep(replace(store.arrivals.of_case("phantom_0020"), findings=(finding,)))
    made = store.predictions.of_network("starter")["phantom_0020"]
    store.predictions.keep(replace(made, findings=(finding,)), {})
