import copy
import errno
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from omentum.errors import ConfigError, DiskFullError
from omentum.networks.network import build
from omentum.tune import cache as cache_module
from omentum.tune.cache import FeatureCache
from omentum.tune.config import ContinualConfig
from omentum.tune.samples import sample_case

CONFIG = ContinualConfig(trainable="heads", samples_per_class=300, shell_mm=20.0, augmented_copies=1, seed=1)


@pytest.fixture
def trunk_calls(network, monkeypatch) -> list[int]:
    """Grows with each call of the network's trunk."""
    calls = []
    levels = network.levels

    def counted(hu):
        calls.append(1)
        return levels(hu)

    monkeypatch.setattr(network, "levels", counted)
    return calls


def cache_of(folder, network, config=CONFIG, overlap=0.5):
    return FeatureCache(folder, network, config, overlap=overlap)


def taken(cache, case, organs):
    wanted = cache.wanted(case, organs)
    cache.make_room(wanted)
    return list(cache.samples(lambda: case, wanted))


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_one_pass_of_the_trunk_for_each_copy_serves_all_organs_and_is_never_repeated(
    network, boxes, tmp_path, trunk_calls
):
    first = taken(cache_of(tmp_path, network), boxes, ["liver", "spleen"])
    assert len(trunk_calls) == 2
    again = taken(cache_of(tmp_path, network), boxes, ["liver", "spleen"])
    assert len(trunk_calls) == 2, "a second run reads what the first one made"
    assert [(one.organ, len(one.labels)) for one in again] == [(one.organ, len(one.labels)) for one in first]
    assert [one.organ for one in again] == ["liver", "spleen", "liver", "spleen"]


def test_what_is_read_is_what_was_sampled(network, boxes, tmp_path):
    kept = taken(cache_of(tmp_path, network), boxes, ["liver"])
    for number, one in enumerate(kept):
        (made,) = sample_case(network, boxes, ["liver"], CONFIG, overlap=0.5, copy=number)
        for name in ("features", "contexts", "starts", "labels", "stands_for"):
            assert torch.equal(getattr(one, name), getattr(made, name))


def test_nothing_is_ever_stale(network, boxes, prepared_case, tmp_path):
    def paths(network=network, case=boxes, config=CONFIG, overlap=0.5):
        return {one.path for one in cache_of(tmp_path, network, config, overlap).wanted(case, ["liver"])}

    other_trunk = build(network.spec, seed=6).eval()
    moved = prepared_case(np.roll(boxes.hu, 1, axis=0), {"liver": boxes.masks.mask("liver")})
    redrawn = prepared_case(boxes.hu, {"liver": np.roll(boxes.masks.mask("liver"), 1, axis=0)})
    other_windows = build(network.spec.changed(window_voxels=(16, 16, 16))).eval()
    other_windows.load_state_dict(network.state_dict())
    other_numbers = copy.deepcopy(network)
    other_numbers.set_compute_dtype(torch.bfloat16)
    seen = [
        paths(),
        paths(network=other_trunk),
        paths(network=other_windows),
        paths(network=other_numbers),
        paths(case=moved),
        paths(case=redrawn),
        paths(case=replace(boxes, case_id="b")),
        paths(config=CONFIG.changed(seed=2)),
        paths(config=CONFIG.changed(samples_per_class=299)),
        paths(config=CONFIG.changed(shell_mm=19.0)),
        paths(overlap=0.25),
    ]
    assert len(set().union(*seen)) == sum(map(len, seen)) == 2 * len(seen)
    assert paths(config=CONFIG.changed(steps=1, learning_rate=1.0)) == seen[0]
    with torch.no_grad():
        network.organ_heads.controllers["liver"].weight += 1
    assert paths() == seen[0], "heads are no part of the trunk, and are tuned between rounds"


def test_a_revision_of_another_organ_leaves_an_organs_samples_as_they_are(
    network, boxes, prepared_case, tmp_path
):
    cache = cache_of(tmp_path, network)
    spleen = np.roll(boxes.masks.mask("spleen"), 2, axis=1)
    revised = prepared_case(boxes.hu, {"liver": boxes.masks.mask("liver"), "spleen": spleen})
    before, after = (cache.wanted(case, ["liver", "spleen"]) for case in (boxes, revised))
    assert [a.path == b.path for a, b in zip(before, after, strict=True)] == [True, True, False, False]


def test_the_size_is_told_before_anything_is_made_and_is_never_less_than_what_is_taken(
    network, boxes, tmp_path
):
    cache = cache_of(tmp_path / "features", network)
    wanted = cache.wanted(boxes, ["liver", "spleen"])
    at_most = cache.make_room(wanted)
    assert names(tmp_path / "features") == set()
    assert at_most == sum(one.size_bytes for one in wanted)
    list(cache.samples(lambda: boxes, wanted))
    sizes = [one.path.stat().st_size for one in wanted]
    assert sum(sizes) <= at_most <= 1.3 * sum(sizes)


def test_features_over_the_cap_are_refused_with_their_size_and_a_cure(network, boxes, tmp_path):
    cache = cache_of(tmp_path / "features", network, CONFIG.changed(cache_gb=1e-5))
    with pytest.raises(ConfigError, match=r"cache_gb is 1e-05, .* 1 cases take up to .* GB; raise it"):
        cache.make_room(cache.wanted(boxes, ["liver"]))
    assert not (tmp_path / "features").exists()


def test_what_other_runs_left_makes_room_under_the_cap(network, boxes, tmp_path):
    first = cache_of(tmp_path, network)
    taken(first, boxes, ["liver"])
    old = names(tmp_path)
    at_most = first.make_room(first.wanted(boxes, ["spleen"]))
    assert names(tmp_path) == old, "within the cap nothing is dropped"
    small = cache_of(tmp_path, network, CONFIG.changed(cache_gb=1.5 * at_most / 1e9))
    kept = taken(small, boxes, ["spleen"])
    assert len(kept) == 2
    assert len(names(tmp_path) & old) == 1
    assert len(names(tmp_path)) == 3


def test_a_disk_without_the_room_is_told_before_anything_is_made(network, boxes, tmp_path, monkeypatch):
    cache = cache_of(tmp_path / "features", network)
    wanted = cache.wanted(boxes, ["liver"])
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(
        DiskFullError, match=r"take up to .* GB, and 1e-06 GB are free at .*; free some space"
    ):
        cache.make_room(wanted)
    assert names(tmp_path / "features") == set()


def test_a_disk_that_fills_up_on_the_way_leaves_no_half_a_file(network, boxes, tmp_path, monkeypatch):
    cache = cache_of(tmp_path, network)
    wanted = cache.wanted(boxes, ["liver"])

    def full(_path, _content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache_module.Path, "write_bytes", full)
    with pytest.raises(DiskFullError, match="no space left for features"):
        list(cache.samples(lambda: boxes, wanted))
    assert names(tmp_path) == set()


def test_a_case_that_is_all_there_is_not_even_loaded(network, boxes, tmp_path):
    cache = cache_of(tmp_path, network)
    taken(cache, boxes, ["liver"])
    assert len(list(cache.samples(None, cache.wanted(boxes, ["liver"])))) == 2
