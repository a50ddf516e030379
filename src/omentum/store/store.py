"""Open the database of a project: one attribute for each type of record.

Each write is one transaction; `together` makes one of several.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from omentum.store.activities import Activities
from omentum.store.arrivals import Arrivals
from omentum.store.assignments import Assignments
from omentum.store.audit_log import AuditLog
from omentum.store.audits import Audits
from omentum.store.base import TableBase
from omentum.store.case_notes import CaseNotes
from omentum.store.case_rows import CaseRows
from omentum.store.case_search import CaseSearch
from omentum.store.cases import Cases
from omentum.store.catch_trials import CatchReadings, CatchTrials
from omentum.store.database import Database
from omentum.store.decisions import Confirmations, Decisions
from omentum.store.facts import Facts
from omentum.store.former_names import FormerNames
from omentum.store.holders import Holders
from omentum.store.label_versions import LabelVersions
from omentum.store.learned_masks import LearnedMasks
from omentum.store.leases import Leases
from omentum.store.ledger import Ledgers
from omentum.store.logged_records import begin_log
from omentum.store.migrate import check_current, make_or_upgrade
from omentum.store.networks import Networks
from omentum.store.open_tasks import OpenTasks
from omentum.store.people import People, Tokens
from omentum.store.predictions import Predictions
from omentum.store.promotions import Promotions
from omentum.store.recent_jobs import RecentJobs
from omentum.store.releases import Releases
from omentum.store.revisions import Revisions
from omentum.store.rounds import Rounds
from omentum.store.scores import Scores
from omentum.store.tasks import Tasks
from omentum.store.tombstones import Tombstones

if TYPE_CHECKING:
    from omentum.store.backup import Backup
    from omentum.store.check_log import LogCheck
    from omentum.store.move import MovedCopy

__all__ = ["Store"]

WAIT_SECONDS = 30.0


class Store(AbstractContextManager["Store"]):
    """A project's database, open until `close()` or the end of a `with` block.

    Example:
        >>> import tempfile
        >>> with Store.open("sqlite:///omentum.db", Path(tempfile.mkdtemp())) as store:
        ...     store.rounds.start("starter").number
        1
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.cases = Cases(database)
        self.case_rows = CaseRows(database)
        self.case_search = CaseSearch(database)
        self.case_notes = CaseNotes(database)
        self.former_names = FormerNames(database)
        self.tombstones = Tombstones(database)
        self.arrivals = Arrivals(database)
        self.labels = LabelVersions(database)
        self.predictions = Predictions(database)
        self.ledger = Ledgers(database)
        self.recent_jobs = RecentJobs(database)
        self.rounds = Rounds(database)
        self.scores = Scores(database)
        self.leases = Leases(database)
        self.holders = Holders(database)
        self.tasks = Tasks(database, self.leases)
        self.open_tasks = OpenTasks(database)
        self.assignments = Assignments(database)
        self.activities = Activities(database)
        self.audits = Audits(database)
        self.revisions = Revisions(database)
        self.catch_trials = CatchTrials(database)
        self.catch_readings = CatchReadings(database)
        self.decisions = Decisions(database)
        self.confirmations = Confirmations(database)
        self.learned_masks = LearnedMasks(database)
        self.facts = Facts(database)
        self.networks = Networks(database)
        self.promotions = Promotions(database)
        self.releases = Releases(database)
        self.log = AuditLog(database)
        self.people = People(database)
        self.tokens = Tokens(database)

    @classmethod
    def open(
        cls,
        url: str,
        root: Path,
        *,
        wait_seconds: float = WAIT_SECONDS,
        read_only: bool = False,
        secret: Callable[[], bytes] = bytes,
    ) -> Self:
        """Open a database, made or brought to today's tables where need be.

        Args:
            url: `sqlite:///FILE`, relative to the root, or `postgresql+psycopg://USER@HOST/NAME`.
            root: The project's folder; paths below it are kept relative to it, so that it can be moved.
            wait_seconds: How long to wait for another program's write to end.
            read_only: Write nothing; tables of an older version are refused, not upgraded.
            secret: Gives the key of the pseudonyms in the audit log; a project gives its own.

        Raises:
            ProjectError: The database cannot be reached or used, or is from another version.
        """
        database = Database(url, root, wait_seconds=wait_seconds, read_only=read_only, secret=secret)
        try:
            if read_only:
                check_current(database)
            else:
                make_or_upgrade(database, partial(begin_log, database))
        except BaseException:
            database.close()
            raise
        return cls(database)

    @property
    def is_read_only(self) -> bool:
        """Whether it is open for reading only."""
        return self._database.is_read_only

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread reads and writes inside a `with` block."""
        return self._database.together()

    def reading_together(self) -> AbstractContextManager[None]:
        """Let all that this thread reads inside a `with` block see one state, which is faster, too.

        What is written meanwhile, also by this thread, is not seen inside.
        """
        return self._database.reading_together()

    def is_just_made(self) -> bool:
        """Tell whether it holds nothing but what every new project has."""
        from omentum.store.copy_tables import is_unused

        with self._database.reading() as session:
            return is_unused(session, just_made=True)

    def back_up(self, path: Path) -> "Backup":
        """Write all that it holds now into a new file; see `omentum.store.backup.write_backup`."""
        from omentum.store.backup import write_backup

        return write_backup(self._database, path)

    def restore(self, backup: "Backup", *, accept_log: bool = False) -> "LogCheck":
        """Replace all that it holds by a backup; see `omentum.store.backup.restore_backup`."""
        from omentum.store.backup import restore_backup

        return restore_backup(self._database, backup, accept_log=accept_log)

    def copied_to(self, url: str) -> "AbstractContextManager[MovedCopy]":
        """Copy all that it holds into another database; see `omentum.store.move.copied_to`."""
        from omentum.store.move import copied_to

        return copied_to(self._database, url)

    def scrub(self) -> None:
        """Overwrite what removed rows left behind in the database's files.

        Raises:
            ProjectError: Another program keeps the database in use; nothing is lost by trying again.
        """
        self._database.scrub(TableBase.metadata.tables)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __exit__(self, *_: object) -> None:
        """Close the database, however the block ends."""
        self.close()
