"""Fix beforehand what the learning curve measures: sites, patients, numbers of masks, full training.

Patients who are revised, who are looked at while full training goes on and on whom all are judged are others.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from omentum.networks.network import Network
from omentum.networks.weights import tensors_sha256
from omentum.volumes.labels import SUBSETS
from tuning.kept import SCRATCH, code_sha256

__all__ = ["FULL", "HEADS", "NOTHING", "ORGANS", "OURS", "QUICK", "Plan", "folder_for"]

ORGANS = SUBSETS["abdomenatlas-1.0"]
NOTHING, OURS, HEADS, FULL = "nothing", "ours", "heads only", "full training"
_FIGURES = ("__init__.py", "figures.py", "tell.py")
"""Files here on which no kept result depends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is fixed beforehand; kept with the results.

    Attributes:
        sites: All that are measured.
        full_sites: Those of them at which full training is measured, too.
        sizes: Numbers of revised masks; one round ends at each.
        full_sizes: Those of them after which full training is measured.
        n_pool: Patients of a site whose masks may be revised.
        n_validation: Others, on whom full training is looked at while it goes on.
        n_held_out: Others, on whom all are judged in the end.
        full_steps: Of full training, at most.
        look_every: Its steps between looks at validation patients.
        patience: Looks in a row without a better Dice after which it stops.
        full_rate: Its peak rate. It begins with the shipped weights, not with fresh ones.
        patch_voxels: Size of its patches, two a step.
    """

    sites: tuple[str, ...] = tuple(f"site-{number}" for number in range(1, 7))
    full_sites: tuple[str, ...] = ("site-1", "site-2")
    sizes: tuple[int, ...] = (4, 8, 16, 32, 64)
    full_sizes: tuple[int, ...] = (16, 64)
    n_pool: int = 32
    n_validation: int = 6
    n_held_out: int = 24
    full_steps: int = 600
    look_every: int = 100
    patience: int = 3
    full_rate: float = 5e-4
    patch_voxels: tuple[int, int, int] = (64, 64, 64)

    def sizes_of(self, site: str, arm: str) -> tuple[int, ...]:
        """Give the numbers of masks after which an arm is measured at a site.

        Example:
            >>> Plan().sizes_of("site-1", "full training"), Plan().sizes_of("site-6", "full training")
            ((16, 64), ())
        """
        if arm == NOTHING:
            return (0,)
        if arm == FULL:
            return self.full_sizes if site in self.full_sites else ()
        return self.sizes


QUICK = Plan(
    sites=("dev-site-1",),
    full_sites=("dev-site-1",),
    sizes=(4, 12),
    full_sizes=(12,),
    n_pool=6,
    n_validation=1,
    n_held_out=2,
    full_steps=4,
    look_every=2,
    patch_voxels=(48, 48, 48),
)


def folder_for(site: str, plan: Plan, network: Network) -> Path:
    """Name the folder of a site's results: by the plan, the code and the network that it begins with."""
    here = Path(__file__).parent
    files = sorted(path for path in here.glob("*.py") if path.name not in _FIGURES)
    settings = {key: value for key, value in asdict(plan).items() if "sites" not in key}
    parts = [code_sha256(("networks", "phantoms", "tune"), files), tensors_sha256(network.state_dict())]
    text = "\n".join([*parts, json.dumps(settings, sort_keys=True)])
    return SCRATCH.parent / "curve" / hashlib.sha256(text.encode()).hexdigest()[:12] / site
