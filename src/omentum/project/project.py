"""Open a project: its paths, its settings, its database, and its runner."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from omentum.project.case_life import finish_case_changes
from omentum.project.paths import ProjectFolder, create_project, open_project, read_secret
from omentum.project.programs import present
from omentum.project.settings import Settings
from omentum.project.settings_log import note_settings
from omentum.project.standing import case_facts, standing_case, standing_masks
from omentum.records import LabelledCase, MaskSource, Prediction, Revision
from omentum.runners.runner import Runner
from omentum.runners.shards import Shard
from omentum.store.database import is_writable
from omentum.store.store import Store

__all__ = ["ADD_STAGE", "Project", "begin_project", "is_shareable", "opened", "prediction_stage"]

ADD_STAGE = "add"
"""The ledger's stage in which cases that came in are noted, with what was seen of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """A project that is open."""

    folder: ProjectFolder
    settings: Settings
    store: Store
    runner: Runner
    shard: Shard | None = None
    """The part of the cases that this program predicts; `None` for all of them."""

    @property
    def keeps_journals(self) -> bool:
        """Whether predictions are noted in a journal, as the database cannot be written to by all shards."""
        return self.shard is not None and self.store.is_read_only

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

    def standing(self, network: str | None = None) -> list[LabelledCase]:
        """Give every case with the mask that stands for each organ; see `standing.standing_masks`."""
        return standing_masks(self, network=network)

    def unrevised(self) -> dict[str, tuple[str, ...]]:
        """Give the organs that stand as this round's network predicted them, by case, both sorted."""
        left = {
            one.case.case_id: tuple(
                sorted(mask.organ for mask in one.masks if mask.source is MaskSource.PREDICTED)
            )
            for one in self.standing()
        }
        return {case_id: organs for case_id, organs in sorted(left.items()) if organs}

    def unlearned(self, labelled: Sequence[LabelledCase] | None = None) -> list[Revision]:
        """Give the revisions that stand and that the network in use has not learned, by number.

        Args:
            labelled: What `standing` gives, where that is known.
        """
        learned = self.store.learned_masks.of_network(self.store.rounds.current().network)
        stand = [
            mask.revision
            for one in (self._with_news(learned) if labelled is None else labelled)
            for mask in one.masks
            if mask.source is MaskSource.REVISED and mask.revision is not None
        ]
        new = [one for one in stand if learned.get(one.key) != one.sha256]
        return sorted(new, key=lambda one: one.number or 0)

    def _with_news(self, learned: Mapping[tuple[str, str], str]) -> list[LabelledCase]:
        """Give what stands of the organs of which there is a revision that was not learned."""
        new: dict[str, set[str]] = defaultdict(set)
        for case_id, organ, sha256 in self.store.revisions.hashes():
            if learned.get((case_id, organ)) != sha256:
                new[case_id].add(organ)
        facts = case_facts(self, case_ids=new.keys())
        return [standing_case(one, new[one.case.case_id]) for one in facts]

    def predictions(self, network: str) -> dict[str, Prediction]:
        """Give what a network made of every case that takes part and that it has predicted, by case."""
        excluded = self.store.cases.excluded()
        found = self.store.predictions.of_network(network)
        return {case_id: made for case_id, made in found.items() if case_id not in excluded}


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


def begin_project(root: Path, settings: Settings) -> None:
    """Make a project and begin its first round.

    Raises:
        ProjectError: There is one already, or the folder cannot be written to.
    """
    folder = create_project(root, settings)
    with Store.open(settings.database, folder.root, secret=partial(read_secret, folder)) as store:
        store.rounds.start(settings.networks[0])
        note_settings(store, settings)


def is_shareable(settings: Settings) -> bool:
    """Tell whether programs on several machines may write to the database: not if it is a SQLite file."""
    return not settings.database.startswith("sqlite:")


@contextmanager
def opened(
    root: Path, runner: Runner | None = None, *, looking: bool = False, shard: Shard | None = None
) -> Iterator[Project]:
    """Open a project, and close its database in the end.

    Args:
        root: The project's folder.
        runner: Where work runs; where the settings say by default.
        looking: Whether the command only reads. It then needs no right to write: where there is none,
            nothing is written at all, and a database of an older version is refused, not migrated.
        shard: The part of the cases to predict. A SQLite file is then opened for reading only, as other
            machines may have it open for other parts.

    Raises:
        ProjectError: There is no project, or its database cannot be used.
        ConfigError: Its settings cannot be used.
    """
    folder, settings = open_project(root)
    read_only = looking and not is_writable(folder.root, settings.database)
    if shard is not None and not is_shareable(settings):
        looking = read_only = True
    secret = partial(read_secret, folder)
    known = nullcontext() if looking else present(folder)
    with known, Store.open(settings.database, folder.root, read_only=read_only, secret=secret) as store:
        if not store.rounds.all() and not read_only:  # what made the project was killed before it began
            store.rounds.start(settings.networks[0])
        if not looking:  # what renamed or erased a case was killed before its end
            finish_case_changes(folder, store)
            note_settings(store, settings)
        yield Project(folder, settings, store, runner or settings.run.make(), shard)
