"""Rank the settings between which tuning chooses, on the development sites.

Run: PYTHONPATH=benchmarks python training/rank_tuning.py [--quick].

At each development site 4, 8 and 16 patients teach, and 8 others judge. Every setting is fitted for every
organ, and judged by its mean gain in Dice over the shipped network. Printed are the gains by setting and
number of patients, the worst organ of a site, and the ranking, which is kept in `omentum.tune.fit_settings`.
The fixed sites `site-1` to `site-6` are for measuring and are not looked at.
"""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from rich.progress import track

from measure import asked, options, report
from omentum.networks.catalogue import find_weights
from omentum.networks.extend_organs import add_adapters
from omentum.networks.grid import to_network_grid, to_network_mask
from omentum.networks.network import Network
from omentum.networks.weights import load_network
from omentum.phantoms.phantom import make_phantom
from omentum.records import MaskSource
from omentum.tune.choose_fit import Lessons, fit_stack
from omentum.tune.config import ADAPTERS, ContinualConfig
from omentum.tune.fit_settings import FitSetting, schedule_for
from omentum.tune.prepared_cases import PreparedCase, to_int16
from omentum.tune.sampled_dice import logits_at_samples, sampled_dice
from omentum.tune.samples import OrganSamples, sample_case
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.masks import MaskSet
from omentum.volumes.volume import Volume
from page import table

ORGANS = SUBSETS["abdomenatlas-1.0"]
SITES = tuple(f"dev-site-{number}" for number in range(1, 5))
PULLS = {"heads": (0.003, 0.01, 0.05), ADAPTERS: (0.003, 0.01, 0.05, 0.2)}
SETTINGS = tuple(FitSetting(trainable=part, pull=pull) for part, pulls in PULLS.items() for pull in pulls)
FIRST_TAUGHT, FIRST_JUDGED = 80_000, 81_000
OVERLAP = 0.5


def main(quick: bool) -> None:
    sites, numbers = SITES[:1] if quick else SITES, (3,) if quick else (4, 8, 16)
    network = load_network(find_weights("starter")).eval().requires_grad_(False)
    gains = np.concatenate([_gains_at(network, site, numbers, n_judged=2 if quick else 8) for site in sites])
    mean = gains.mean(axis=0)
    header = ["setting", *(f"{n} patients" for n in numbers), "worst organ of a site"]
    rows = [
        [str(one), *(f"{value:+.4f}" for value in mean[:, place]), f"{gains[..., place].min():+.4f}"]
        for place, one in enumerate(SETTINGS)
    ]
    order = mean.mean(axis=0).argsort()[::-1]
    print(table([header, *(rows[place] for place in order)]))
    report(
        "rank_tuning",
        ours=float(mean.mean(axis=0).max()),
        other=float(mean.mean(axis=0).min()),
        unit="Dice gained on average by the best and by the worst setting",
        quick=quick,
        keep=False,
        ranking=[str(SETTINGS[place]) for place in order],
    )


def _gains_at(network: Network, site: str, numbers: Sequence[int], n_judged: int) -> np.ndarray:
    """Measure every setting at one site: `(organ, number, setting)`."""
    config = ContinualConfig()
    taught = [_sampled(network, site, FIRST_TAUGHT + k, config) for k in range(max(numbers))]
    judged = [_sampled(network, site, FIRST_JUDGED + k, config) for k in range(n_judged)]
    found = np.zeros((len(ORGANS), len(numbers), len(SETTINGS)))
    for (row, name), (column, n) in track(list(product(enumerate(ORGANS), enumerate(numbers))), site):
        own, others = [one[name] for one in taught[:n]], [one[name] for one in judged]
        found[row, column] = list(_gains(network, own, others))
    return found


def _gains(
    network: Network, taught: Sequence[OrganSamples], judged: Sequence[OrganSamples]
) -> Iterator[float]:
    """Give the mean gain of each setting for one organ."""
    lessons = Lessons(
        organ=taught[0].organ,
        samples=taught,
        counts={one.case_id: 1.0 for one in taught},
        patients={one.case_id: one.case_id for one in taught},
    )
    for trainable in PULLS:
        settings = [one for one in SETTINGS if one.trainable == trainable]
        schedule = schedule_for(len(taught))
        copies, begun = fit_stack(network, lessons, settings, [frozenset()], schedule.fit, 0)
        before, after = (
            np.array([sampled_dice(logits_at_samples(stack, one), one) for one in judged])
            for stack in (copies.between(begun, share) for share in (0.0, schedule.shares[-1]))
        )
        yield from (after - before).mean(axis=0).tolist()


def _sampled(network: Network, site: str, seed: int, config: ContinualConfig) -> dict[str, OrganSamples]:
    """Scan one patient at a site, and sample the features of every organ."""
    made = make_phantom(seed, style=site)
    spacing_mm = network.spec.spacing_mm
    grid = to_network_grid(made.ct, spacing_mm)
    masks = (
        (
            name,
            to_network_mask(
                Volume(made.labels.voxels == organ(name).index, made.labels.geometry), spacing_mm
            ),
        )
        for name in ORGANS
    )
    case = PreparedCase(
        case_id=f"patient_{seed}",
        hu=to_int16(grid.voxels),
        masks=MaskSet.build(grid.geometry, ORGANS, masks),
        sources=dict.fromkeys(ORGANS, MaskSource.ORIGINAL),
        key=str(seed),
    )
    wide = load_network(find_weights("starter")).eval()
    add_adapters(wide, ORGANS)
    return {one.organ: one for one in sample_case(wide, case, ORGANS, config, overlap=OVERLAP)}


if __name__ == "__main__":
    main(asked(options(__doc__)).quick)
