"""What one run of tuning works with: the project, the network in use, the folder of the new one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omentum.networks.catalogue import find_weights
from omentum.networks.network import Network
from omentum.networks.weights import load_network
from omentum.project.project import Project
from omentum.records import LabelledCase
from omentum.runners.runner import Progress
from omentum.tune.prepared_cases import fill_cache

__all__ = ["TuneRun", "network_in_use", "weights_in_use"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneRun:
    """One run of tuning."""

    project: Project
    folder: Path
    """Of the network that comes out; its checkpoint and its curves are kept there."""
    device: str
    tell: Progress
    held_out: tuple[LabelledCase, ...] = ()
    """Cases that full training looks at to know when to stop, and never learns from."""

    def prepare(self, step: str, cases: Sequence[LabelledCase], spacing_mm: float) -> None:
        """Prepare cases where the project's runner works; see `fill_cache`."""
        project = self.project
        fill_cache(project.runner, cases, spacing_mm, project.folder.cache_dir, step=step, progress=self.tell)


def network_in_use(project: Project) -> Network:
    """Load the network that predicts in this round."""
    return load_network(weights_in_use(project))


def weights_in_use(project: Project) -> Path:
    """Find the file of the network that predicts in this round."""
    return find_weights(project.store.rounds.current().network, project.folder.root / "networks")
