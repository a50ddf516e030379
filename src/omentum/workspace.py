"""What does a stage need of a project that is open?

In:  a project's folder.
Out: `Workspace`: its paths, its settings, its database, and where work runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omentum.project import ProjectFolder, create_project, open_project
from omentum.records import Prediction
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Runner
from omentum.settings import Settings
from omentum.store.store import Store

__all__ = ["Workspace", "new_workspace", "opened", "prediction_stage"]


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """A project that is open."""

    folder: ProjectFolder
    settings: Settings
    store: Store
    runner: Runner

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that predict in this round: the one tuned last, else those of the settings."""
        network = self.store.rounds.current().network
        return self.settings.networks if network in self.settings.networks else (network,)

    def predictions(self, network: str) -> dict[str, Prediction]:
        """Give what a network made of every case that it has predicted, by case."""
        details = self.store.ledger.details(prediction_stage(network))
        return {case_id: self._prediction(case_id, network, detail) for case_id, detail in details.items()}

    def _prediction(self, case_id: str, network: str, detail: dict[str, object]) -> Prediction:
        organs = detail["organs"]
        assert isinstance(organs, list)
        return Prediction(
            case_id=case_id,
            network=network,
            weights_sha256=str(detail["weights_sha256"]),
            folder=self.folder.prediction_dir(case_id, network),
            organs=tuple(organs),
        )


def prediction_stage(network: str) -> str:
    """Name the ledger's stage in which a network's predictions are noted."""
    return f"predict {network}"


def new_workspace(root: Path, settings: Settings) -> None:
    """Make a project and begin its first round.

    Raises:
        ProjectError: There is one already, or the folder cannot be written to.
    """
    folder = create_project(root, settings)
    with _store(folder, settings) as store:
        store.rounds.start(settings.networks[0])


@contextmanager
def opened(root: Path, runner: Runner | None = None) -> Iterator[Workspace]:
    """Open a project, and close its database in the end.

    Args:
        root: The project's folder.
        runner: Where work runs; in this process where not said.

    Raises:
        ProjectError: There is no project, or its database cannot be used.
        ConfigError: Its settings cannot be used.
    """
    folder, settings = open_project(root)
    with _store(folder, settings) as store:
        if not store.rounds.all():  # what made the project was killed before it began
            store.rounds.start(settings.networks[0])
        yield Workspace(folder, settings, store, runner or InProcessRunner())


def _store(folder: ProjectFolder, settings: Settings) -> Store:
    return Store.open(settings.database, folder.root)
