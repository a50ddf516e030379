from dataclasses import replace

import numpy as np
import pytest

from omentum.errors import OmentumError, TuneError
from omentum.networks.network import build
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.full_stage import CHECKPOINT, train_in_round
from omentum.tune.run_record import TuneRun

CONFIG = FullConfig(
    steps=3,
    patch_voxels=(16, 16, 16),
    window_voxels=(32, 32, 32),
    spacing_mm=8.0,
    validate_every=2,
    checkpoint_every=1,
)


class Killed(BaseException):
    """Stands for a kill: nothing in the package catches it."""


@pytest.fixture
def train(atlas):
    """Trains on two patients with liver and spleen; `kept`, with a liver, is held out."""
    boxes = {"liver": atlas.box((10, 20), (4, 14), (4, 14)), "spleen": atlas.box((3, 8), (4, 10), (4, 10))}
    atlas.add("a", "b", original=boxes)
    atlas.add("kept", original={"liver": boxes["liver"]})
    store = atlas.workspace.store
    store.cases.hold_out([store.cases.get("kept").patient_id])

    def run(config=CONFIG, *, cases=None, held_out=None, tell=None, project=None):
        labelled = atlas.workspace.standing()
        learned = [one for one in labelled if not one.case.held_out] if cases is None else cases
        kept = [one for one in labelled if one.case.held_out] if held_out is None else held_out
        started = TuneRun(
            project=project or atlas.workspace,
            folder=atlas.root / "network",
            device="cpu",
            tell=tell or (lambda *_: None),
            held_out=tuple(kept),
        )
        return train_in_round(started, learned, config, ())

    run.labelled = lambda: {one.case.case_id: one for one in atlas.workspace.standing()}
    return run


def test_held_out_patients_are_looked_at_and_never_learned_from(train):
    told = []
    _, story = train(tell=lambda *progress: told.append(progress))
    assert (story["mode"], story["cases"], story["steps"]) == ("full", ["a", "b"], 3)
    assert story["held_out"]["cases"] == ["kept"]
    assert 0.0 <= story["held_out"]["dice"] <= 1.0
    assert story["held_out"]["step"] in {2, 3}
    assert {what for what, *_ in told} == {"prepare cases", "held-out cases", "no label", "train"}


def test_each_step_tells_loss_rate_pace_and_the_last_look(train):
    told = []
    train(tell=lambda *progress: told.append(progress))
    lasts = [last for what, _, _, last in told if what == "train"]
    assert all("loss" in last and "rate" in last and "patches/s" in last for last in lasts)
    assert ["held-out Dice" in last for last in lasts] == [False, True, True]


def test_masks_that_a_network_made_say_nothing_of_when_to_stop(train):
    one = train.labelled()["kept"]
    guessed = replace(one, masks=tuple(replace(mask, source=MaskSource.PREDICTED) for mask in one.masks))
    _, story = train(held_out=[guessed])
    assert story["held_out"] == {"cases": [], "dice": None, "step": None}


def test_an_organ_without_any_label_is_told_of_and_its_head_stays_fresh(train):
    told = []
    network, story = train(tell=lambda *progress: told.append(progress))
    assert story["organs"] == ["spleen", "liver"]
    assert story["organs_without_label"] == ["pancreas"]
    (last,) = [last for what, *_, last in told if what == "no label"]
    assert "pancreas" in last
    fresh = build(network.spec, seed=CONFIG.seed).head_tensors("pancreas")
    for name, value in network.head_tensors("pancreas").items():
        np.testing.assert_allclose(value, fresh[name], rtol=1e-6, atol=1e-8)


def test_an_added_organ_that_nobody_drew_yet_has_no_head(train, atlas):
    settings = atlas.workspace.settings
    waiting = settings.changed(organs=(*settings.organs, "colon"), new_organs=("colon",))
    _, story = train(project=replace(atlas.workspace, settings=waiting))
    assert story["organs"] == ["spleen", "liver"]
    assert story["organs_without_label"] == ["pancreas"]


def test_an_added_organ_that_somebody_drew_is_learned_from_the_first_step(train, atlas):
    drawn = atlas.workspace.settings.changed(new_organs=("liver",))
    _, story = train(project=replace(atlas.workspace, settings=drawn))
    assert story["organs"] == ["spleen", "liver"]


def test_without_any_label_the_organs_are_named(train):
    bare = [replace(one, masks=()) for one in train.labelled().values() if not one.case.held_out]
    with pytest.raises(TuneError, match="no case has a label of spleen, liver, pancreas"):
        train(cases=bare)


@pytest.mark.parametrize("damage", [False, True])
def test_where_a_kept_checkpoint_cannot_be_taken_up_training_says_so_and_starts_afresh(train, atlas, damage):
    def die_at_two(what, done, *_):
        if (what, done) == ("train", 2):
            raise Killed

    with pytest.raises(Killed):
        train(tell=die_at_two)
    if damage:
        (atlas.root / "network" / CHECKPOINT).write_bytes(b"cut")
    told = []
    other = CONFIG if damage else CONFIG.changed(learning_rate=1e-4)
    train(other, tell=lambda *progress: told.append(progress))
    assert [done for what, done, *_ in told if what == "train"] == [1, 2, 3]
    (last,) = [last for what, *_, last in told if what == "kept checkpoint"]
    assert "training starts afresh" in last


def test_the_same_run_goes_on_without_a_word(train):
    def die_at_two(what, done, *_):
        if (what, done) == ("train", 2):
            raise Killed

    with pytest.raises(Killed):
        train(tell=die_at_two)
    told = []
    train(tell=lambda *progress: told.append(progress))
    assert [done for what, done, *_ in told if what == "train"] == [3]
    assert "kept checkpoint" not in {what for what, *_ in told}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"architecture": "universal-swinunetr", "patch_voxels": (48, 64, 64)}, "multiple of 32"),
        ({"architecture": "universal-swinunetr", "patch_voxels": (32, 32, 32)}, "over 32"),
        ({"architecture": "nobody"}, "nobody"),
        ({"devices": 999}, "devices is 999"),
    ],
)
def test_what_the_network_or_the_machine_cannot_use_is_refused_before_a_volume_is_read(train, changes, why):
    told = []
    config = CONFIG.changed(**{"window_voxels": (64, 64, 64), **changes})
    with pytest.raises(OmentumError, match=why):
        train(config, tell=lambda *progress: told.append(progress))
    assert told == []
