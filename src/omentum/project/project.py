"""What does a stage need of a project that is open?

In:  a project's folder.
Out: `Workspace`: its paths, its settings, its database, and where work runs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from omentum.project.paths import ProjectFolder, create_project, open_project
from omentum.project.settings import Settings
from omentum.records import Prediction, Revision
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Runner
from omentum.store.store import Store

__all__ = ["ADD_STAGE", "Workspace", "new_workspace", "opened", "prediction_stage"]

ADD_STAGE = "add"
"""The ledger's stage in which cases that came in are noted, with what was seen of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Workspace:
    """A project that is open."""

    folder: ProjectFolder
    settings: Settings
    store: Store
    runner: Runner

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks that predict in this round; the first is its main network, others second opinions.

        The main network is the round's own: its masks are shown to people and released, and it is tuned.
        The others are those of the settings, in order, each as it was tuned last before this round; what the
        main one was tuned from, or what was tuned from that and kept out, is no second opinion.
        """
        current = self.store.rounds.current()
        noted = self.store.networks.all()
        parent = {one.name: one.parent for one in noted if one.parent is not None}
        own = _first_of(current.network, parent)
        others = [name for name in self.settings.networks if _first_of(name, parent) != own]
        tuned = [one for one in noted if (one.round_number or 0) < current.number]
        successor = {one.parent: one.name for one in sorted(tuned, key=lambda one: one.round_number or 0)}
        return tuple(dict.fromkeys([current.network, *(_last_of(name, successor) for name in others)]))

    def opinions(self) -> dict[str, tuple[Prediction, ...]]:
        """Give what the networks of this round made of every case that all of them predicted, by case."""
        first, *others = [self.predictions(network) for network in self.networks]
        return {
            case_id: (prediction, *(made[case_id] for made in others))
            for case_id, prediction in first.items()
            if all(case_id in made for made in others)
        }

    def unrevised(self) -> dict[str, tuple[str, ...]]:
        """Give the organs that stand as this round's network predicted them, by case; nobody drew those."""
        by_people = set(self.store.revisions.latest())
        predicted = self.predictions(self.networks[0])
        left = {}
        for case in self.store.cases.all():
            made = predicted.get(case.case_id)
            organs = made.organs if made is not None else ()
            left[case.case_id] = tuple(
                name
                for name in sorted(organs)
                if name not in case.original_organs and (case.case_id, name) not in by_people
            )
        return {case_id: organs for case_id, organs in left.items() if organs}

    def unlearned(self) -> list[Revision]:
        """Give the revisions that the network in use has not learned from, by time.

        Mostly those of this round; where a successor was not promoted, those that it had learned from, too.
        """
        in_use = self.store.rounds.current().network
        made_in = {one.name: one.round_number or 0 for one in self.store.networks.all()}
        return [one for one in self.store.revisions.all() if one.round_number > made_in.get(in_use, 0)]

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


def _last_of(name: str, successor: Mapping[str | None, str]) -> str:
    """Go from a network to the one tuned from it, and on to the last."""
    while name in successor:
        name = successor[name]
    return name


def _first_of(name: str, parent: Mapping[str, str]) -> str:
    """Go from a network to the one it was tuned from, and back to the first."""
    while name in parent:
        name = parent[name]
    return name


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
