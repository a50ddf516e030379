"""Make the dashboard's tables about readers: how far they agree, and what each has to do."""

from omentum.app.dashboard_figures import DashboardTable, TableColumn
from omentum.project.project import Project
from omentum.project.reader_load import ReaderLoad, reader_loads
from omentum.volumes.labels import organ

__all__ = ["AGREEMENT", "OTHER_READER", "READER", "agreement_table", "load_table"]

AGREEMENT = "reader-agreement"
"""The table that only those may see who may know which tasks are read twice."""
READER = "Reader"
"""A column that names readers."""
OTHER_READER = "Other reader"
"""Another one."""


def agreement_table(project: Project) -> DashboardTable | None:
    """Make the table of how far readers agree; `None` where no two read the same task."""
    from omentum.evaluate.reader_agreement import ALL_ORGANS, pair_agreements, read_pairs

    found = pair_agreements(read_pairs(project))
    if not found:
        return None
    return DashboardTable(
        id=AGREEMENT,
        title="Agreement of readers",
        said="Tasks that two readers read without knowing of each other. Dice and surface Dice are means "
        "over tasks, with 95 % intervals over patients; kappa compares who accepted and who changed masks.",
        columns=(
            TableColumn(name=READER, kind="text"),
            TableColumn(name=OTHER_READER, kind="text"),
            TableColumn(name="Organ", kind="text"),
            TableColumn(name="Tasks", kind="number"),
            TableColumn(name="Dice", kind="number"),
            TableColumn(name="Dice, interval", kind="interval"),
            TableColumn(name="Surface Dice", kind="number"),
            TableColumn(name="Surface Dice, interval", kind="interval"),
            TableColumn(name="Kappa", kind="number"),
            TableColumn(name="Kappa, interval", kind="interval"),
        ),
        rows=tuple(
            (
                *one.readers,
                "All organs" if one.organ == ALL_ORGANS else organ(one.organ).display_name,
                one.n_tasks,
                one.dice,
                one.dice_interval,
                one.surface_dice,
                one.surface_dice_interval,
                one.kappa,
                one.kappa_interval,
            )
            for one in found
        ),
    )


def load_table(project: Project) -> DashboardTable | None:
    """Make the table of what each reader has done and has to do in this round; `None` without readers."""
    found = reader_loads(project)
    if not found:
        return None
    return DashboardTable(
        id="reader-load",
        title="Load of readers in this round",
        said="Waiting are tasks that are reserved for a reader. A rule deals an organ, or a share of the "
        "tasks; what a reader has had, has and has waiting is beside it.",
        columns=(
            TableColumn(name=READER, kind="text"),
            TableColumn(name="Done", kind="number"),
            TableColumn(name="Has now", kind="number"),
            TableColumn(name="Waiting", kind="number"),
            TableColumn(name="Minutes", kind="number"),
            TableColumn(name="Rule about", kind="text"),
            TableColumn(name="Share by rule", kind="share"),
            TableColumn(name="Share dealt", kind="share"),
        ),
        rows=tuple(
            (
                one.reader,
                one.n_done,
                one.n_now,
                one.n_waiting,
                round(one.minutes, 1),
                _about(one),
                one.share_by_rule,
                one.share_dealt,
            )
            for one in found
        ),
    )


def _about(one: ReaderLoad) -> str:
    return "" if one.rule is None else one.rule.organ or "all organs without a rule"
