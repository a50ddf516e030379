"""Tune the heads of the organs that were revised in a round, on features of the frozen trunk."""

import copy
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import torch

from omentum.errors import TuneError
from omentum.networks.extend_organs import add_adapters
from omentum.networks.network import Network
from omentum.networks.precision import fastest_dtype
from omentum.project.project import Project
from omentum.records import LabelledCase
from omentum.tune.cache import FeatureCache
from omentum.tune.cache_jobs import FeatureJob, PortableTrunk, fill_features
from omentum.tune.choose_fit import OrganChoice
from omentum.tune.chosen_stage import (
    Plan,
    choice_record,
    choose_organs,
    lessons_of,
    take_choices,
    too_few,
)
from omentum.tune.config import ADAPTERS, CHOSEN, ContinualConfig
from omentum.tune.continual import tune_heads
from omentum.tune.new_organs import add_new_organs, vouched_organs
from omentum.tune.prepared_cases import PreparedCase, prepared
from omentum.tune.run_record import TuneRun, network_in_use, weights_in_use
from omentum.tune.samples import OrganSamples
from omentum.tune.training_plan import learned_from
from omentum.volumes.labels import organs_named

__all__ = ["for_caching", "tune_in_round"]

_GB = 1e9
_CACHING = "cache features"


def tune_in_round(
    run: TuneRun, cases: Sequence[LabelledCase], config: ContinualConfig
) -> tuple[Network, dict[str, Any]]:
    """Tune the heads of the organs revised in this round, on features of cases that may be learned from.

    Returns:
        The network, and what `tune.json` says of how it was made.

    Raises:
        TuneError: There is no revision, or an organ to tune has no mask that people vouch for.
    """
    project = run.project
    network = network_in_use(project)
    new = add_new_organs(project, network, cases, seed=config.seed)
    _check_labelled(project, cases, config)
    plan = learned_from(project, cases, project.unlearned(), config, network.spec.organs, tuple(new))
    organs = sorted({name for organs in plan.values() for name in organs})
    learned: dict[str, Any] = {
        "mode": "continual",
        "organs": organs,
        "new_organs": {name: list(similar) for name, similar in new.items()},
        "cases": {case_id: sorted(organs) for case_id, organs in sorted(plan.items())},
    }
    if config.trainable == CHOSEN:
        return network, learned | _choose(run, network, cases, plan, config, new)
    return network, learned | _fit_as_given(run, network, cases, plan, config)


def _fit_as_given(
    run: TuneRun,
    network: Network,
    cases: Sequence[LabelledCase],
    plan: Plan,
    config: ContinualConfig,
) -> dict[str, Any]:
    """Tune all organs of a plan as the settings say, in place."""
    if config.trainable == ADAPTERS:
        add_adapters(network, sorted({name for organs in plan.values() for name in organs}), seed=config.seed)
    samples, cache_bytes = _cached(run, network, cases, plan, config)
    counted = {
        (organ, case_id): weight for case_id, organs in plan.items() for organ, weight in organs.items()
    }
    tune_heads(network.to(run.device), samples, counted, config, run.tell)
    return {"cache_bytes": cache_bytes}


def _choose(
    run: TuneRun,
    network: Network,
    cases: Sequence[LabelledCase],
    plan: Plan,
    config: ContinualConfig,
    new: Collection[str],
) -> dict[str, Any]:
    """Tune the organs of a plan that gain by it, in place.

    An organ that stays as it was has learned nothing: its revisions are learned from in the next round.
    """
    few = {name: n for name, n in too_few(plan, cases).items() if name not in new}
    plan = {
        case_id: {name: weight for name, weight in organs.items() if name not in few}
        for case_id, organs in plan.items()
        if organs.keys() - few.keys()
    }
    wide = copy.deepcopy(network)
    add_adapters(wide, sorted({name for organs in plan.values() for name in organs}), seed=config.seed)
    samples, cache_bytes = _cached(run, wide, cases, plan, config)
    lessons = lessons_of(plan, samples, cases)
    choices = [OrganChoice(organ=name, n_patients=n, tensors={}) for name, n in sorted(few.items())]
    choices += choose_organs(network.to(run.device), lessons, new, seed=config.seed, progress=run.tell)
    take_choices(network, choices, seed=config.seed)
    changed = {one.organ for one in choices if one.tensors}
    learned = {case_id: sorted(changed & organs.keys()) for case_id, organs in sorted(plan.items())}
    return {
        "organs": sorted(changed),
        "cases": {case_id: organs for case_id, organs in learned.items() if organs},
        "choices": [choice_record(one) for one in sorted(choices, key=lambda one: one.organ)],
        "cache_bytes": cache_bytes,
    }


def _check_labelled(project: Project, cases: Sequence[LabelledCase], config: ContinualConfig) -> None:
    """Refuse to tune an organ of which there is no original or revised mask."""
    drawn = vouched_organs(cases)
    wanted = [row.name for row in organs_named(config.organs)]
    if not drawn:
        wanted += project.settings.similar_to_new
    lacking = [name for name in wanted if name not in drawn]
    if lacking:
        cure = "draw it in some cases that are not held out, then `omentum review import FOLDER`"
        raise TuneError(f"{lacking[0]} has no mask that people vouch for; {cure}")


def _cached(
    run: TuneRun,
    network: Network,
    cases: Sequence[LabelledCase],
    plan: Plan,
    config: ContinualConfig,
) -> tuple[list[OrganSamples], dict[str, int]]:
    """Give samples of every organ and case of a plan, and the bytes that they take on disk."""
    project = run.project
    by_id = {one.case.case_id: one for one in cases}
    trunk = for_caching(network, run.device)
    folder = project.folder.cache_dir / "features"
    cache = FeatureCache(folder, trunk, config, overlap=project.settings.window_overlap)

    def load(case_id: str) -> PreparedCase:
        return prepared(by_id[case_id], network.spec.spacing_mm, project.folder.cache_dir)

    run.prepare("prepare cases", [by_id[case_id] for case_id in sorted(plan)], network.spec.spacing_mm)
    wanted = {
        case_id: cache.wanted(load(case_id), sorted(organs)) for case_id, organs in sorted(plan.items())
    }
    every = [one for case in wanted.values() for one in case]
    at_most_bytes = cache.make_room(every)
    run.tell(_CACHING, 0, len(wanted), f"takes up to {at_most_bytes / _GB:.2g} GB in {folder}")
    job = FeatureJob(
        trunk=PortableTrunk.of(trunk, weights_in_use(project), run.device),
        config=config,
        overlap=project.settings.window_overlap,
        cache_dir=project.folder.cache_dir,
    )
    fill_features(project.runner, job, by_id, wanted, step=_CACHING, progress=run.tell)
    samples: list[OrganSamples] = []
    for case_id, own in wanted.items():
        samples += cache.samples(partial(load, case_id), own)
    taken_bytes = sum(one.path.stat().st_size for one in every)
    return samples, {"at_most": at_most_bytes, "taken": taken_bytes}


def for_caching(network: Network, device: str) -> Network:
    """Give the network in the fastest numbers that it takes; the one given stays as it is."""
    twin = copy.deepcopy(network)
    twin.set_compute_dtype(fastest_dtype(network, device))
    return twin.to(device, memory_format=torch.channels_last_3d)  # type: ignore[call-overload, no-any-return]
