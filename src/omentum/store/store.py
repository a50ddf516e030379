"""What does a project know?

In:  the database's URL and the project's root.
Out: `Store`: one attribute a noun, with records in and out. Each write is one transaction,
     or several are, in a block that says so.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from omentum.store.audits import Audits
from omentum.store.cases import Cases
from omentum.store.database import Database
from omentum.store.facts import Facts
from omentum.store.ledger import Ledger
from omentum.store.migrate import upgrade
from omentum.store.networks import Networks
from omentum.store.paths import Paths
from omentum.store.promotions import Promotions
from omentum.store.releases import Releases
from omentum.store.revisions import Revisions
from omentum.store.rounds import Rounds
from omentum.store.scores import Scores
from omentum.store.tasks import Tasks

__all__ = ["Store"]

WAIT_SECONDS = 30.0


class Store:
    """A project's database, open until `close()` or the end of a `with` block.

    Example:
        >>> import tempfile
        >>> with Store.open("sqlite:///omentum.db", Path(tempfile.mkdtemp())) as store:
        ...     store.rounds.start("starter").number
        1
    """

    def __init__(self, database: Database, root: Path) -> None:
        paths = Paths(root)
        self._database = database
        self.cases = Cases(database, paths)
        self.ledger = Ledger(database)
        self.rounds = Rounds(database)
        self.scores = Scores(database)
        self.tasks = Tasks(database)
        self.audits = Audits(database)
        self.revisions = Revisions(database, paths)
        self.facts = Facts(database)
        self.networks = Networks(database, paths)
        self.promotions = Promotions(database)
        self.releases = Releases(database, paths)

    @classmethod
    def open(cls, url: str, root: Path, *, wait_seconds: float = WAIT_SECONDS) -> Self:
        """Open a database, made or brought to today's tables where need be.

        Args:
            url: `sqlite:///FILE`, relative to the root, or `postgresql+psycopg://USER@HOST/NAME`.
            root: The project's folder; paths below it are kept relative to it, so that it can be moved.
            wait_seconds: How long to wait for another program's write to end.

        Raises:
            ProjectError: The database cannot be reached or used, or is from a newer version.
        """
        database = Database(url, root, wait_seconds=wait_seconds)
        try:
            upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database, root)

    def together(self) -> AbstractContextManager[None]:
        """Make one transaction of all that this thread reads and writes inside a `with` block."""
        return self._database.together()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        """Give the store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let go of the database, however the block ends."""
        self.close()
