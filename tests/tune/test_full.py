import os
import runpy
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from omentum.errors import TuneError
from omentum.networks.network import build
from omentum.networks.weights import tensors_sha256
from omentum.phantoms.anatomy_map import read_anatomy
from omentum.records import MaskSource
from omentum.tune import learner as learner_module
from omentum.tune.case_buffer import CasePool
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun

CONFIG = FullConfig(
    steps=5,
    batch_size=2,
    patch_voxels=(16, 16, 16),
    window_voxels=(32, 32, 32),
    spacing_mm=8.0,
    checkpoint_every=2,
    seed=9,
)

KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from omentum.networks.network import NetworkSpec, build
from omentum.records import MaskSource
from omentum.tune.config import FullConfig
from omentum.tune.devices import run_on
from omentum.tune.full_training import FullRun
from omentum.tune.prepared_cases import PreparedCase
from omentum.volumes.geometry import Geometry
from omentum.volumes.masks import MaskSet

CONFIG = FullConfig(
    steps=4, patch_voxels=(16, 16, 16), checkpoint_every=1, learning_rate=1e-2,
    rendered_share=0.5, pool_cases=1, pool_steps=2,
)

def network():
    spec = NetworkSpec(architecture="starter", organs=("liver",), spacing_mm=8.0, window_voxels=(32, 32, 32))
    return build(spec, seed=1)

def case():
    rng = np.random.default_rng(0)
    liver = np.zeros((24, 24, 24), dtype=bool)
    liver[6:18, 6:18, 6:18] = True
    hu = (rng.normal(-80, 10, liver.shape) + 140 * liver).astype(np.int16)
    geometry = Geometry(liver.shape, np.diag([8.0, 8.0, 8.0, 1.0]))
    masks = MaskSet.build(geometry, ["liver"], [("liver", liver)])
    return PreparedCase(case_id="a", hu=hu, masks=masks, sources={"liver": MaskSource.ORIGINAL}, key="a")

def die_at_three(report):
    if report.step == 3:
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    run = FullRun(network=network(), cases=[case()], config=CONFIG, checkpoint_path=Path(sys.argv[1]))
    run_on("cpu", run, die_at_three)
"""


def train_full(network, cases, config, path, progress=lambda _done, _total, _loss: None, *, maps=()):
    run = FullRun(network=network, cases=cases, config=config, checkpoint_path=path, maps=maps)
    run_on("cpu", run, lambda report: progress(report.step, report.steps, report.loss))
    return network


def trained(network, cases, path, config=CONFIG, progress=lambda *_: None, *, maps=()):
    return train_full(build(network.spec, seed=2), cases, config, path, progress, maps=maps)


def sha256(network) -> str:
    return tensors_sha256(network.state_dict())


def test_the_loss_falls_and_what_is_kept_is_ready_to_predict(network, boxes, tmp_path):
    losses = []
    config = CONFIG.changed(steps=16, learning_rate=1e-2, patch_voxels=(32, 32, 32))
    kept = trained(network, [boxes], tmp_path / "c.pt", config, lambda *told: losses.append(told))
    assert [done for done, _, _ in losses] == list(range(1, 17))
    assert {total for _, total, _ in losses} == {16}
    values = [loss for _, _, loss in losses]
    assert np.mean(values[-4:]) < 0.8 * np.mean(values[:4])
    assert not kept.training
    assert all(torch.isfinite(value).all() for value in kept.state_dict().values())
    assert sha256(kept) != sha256(build(network.spec, seed=2))


@pytest.mark.parametrize("patch_voxels", [(16, 16, 16), (32, 16, 16), (48, 16, 16)])
def test_the_same_run_twice_gives_the_same_weights_and_another_seed_others(
    network, boxes, tmp_path, patch_voxels
):
    config = CONFIG.changed(steps=3, patch_voxels=patch_voxels)
    first = trained(network, [boxes], tmp_path / "1.pt", config)
    assert sha256(first) == sha256(trained(network, [boxes], tmp_path / "2.pt", config))
    other = trained(network, [boxes], tmp_path / "3.pt", config.changed(seed=10))
    assert sha256(first) != sha256(other)


def test_a_run_that_stopped_anywhere_ends_in_the_weights_of_one_that_did_not(network, boxes, tmp_path):
    whole = sha256(trained(network, [boxes], tmp_path / "whole.pt"))
    path, seen = tmp_path / "stopped.pt", []

    def stop_at(step):
        def progress(done, _total, _loss):
            seen.append(done)
            if done == step:
                raise KeyboardInterrupt

        return progress

    for step in (1, 3, 4):
        with pytest.raises(KeyboardInterrupt):
            trained(network, [boxes], path, progress=stop_at(step))
    assert sha256(trained(network, [boxes], path, progress=stop_at(None))) == whole
    assert seen == [1, 1, 2, 3, 3, 4, 5], "each run goes on from the last checkpoint"


def test_a_run_that_was_killed_ends_in_the_weights_of_one_that_was_not(tmp_path, one_thread, monkeypatch):
    """Half of what it learns from is rendered as it goes."""
    script, path = tmp_path / "killed.py", tmp_path / "checkpoint.pt"
    script.write_text(KILLED)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script, path], check=False, env=environment, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    made = runpy.run_path(str(script))
    seen = []
    resumed = train_full(
        made["network"](), [made["case"]()], made["CONFIG"], path, lambda done, *_: seen.append(done)
    )
    assert seen == [4]
    seen_cases, pick = [], CasePool.pick
    monkeypatch.setattr(CasePool, "pick", lambda *asked: seen_cases.append(pick(*asked)) or seen_cases[-1])
    whole = train_full(made["network"](), [made["case"]()], made["CONFIG"], tmp_path / "whole.pt")
    assert sha256(resumed) == sha256(whole)
    assert {case.case_id for case, _ in seen_cases} == {"a", "made_1000000", "made_1000001"}


def test_a_checkpoint_of_other_settings_cases_or_organs_is_not_taken_up(network, boxes, tmp_path):
    path = tmp_path / "checkpoint.pt"
    trained(network, [boxes], path)

    def first_step(cases, config):
        steps = []

        def progress(done, *_):
            steps.append(done)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            trained(network, cases, path, config, progress)
        return steps[0]

    assert first_step([boxes], CONFIG) == 5
    assert first_step([boxes], CONFIG.changed(learning_rate=1e-4)) == 1
    assert first_step([replace(boxes, key="other")], CONFIG) == 1
    assert first_step([boxes, boxes], CONFIG) == 1


def test_a_checkpoint_made_with_another_label_map_is_not_taken_up(network, boxes, label_map, tmp_path):
    ours = read_anatomy(label_map, "totalsegmentator")
    other = replace(ours, sha256="0" * 64)
    path, steps = tmp_path / "checkpoint.pt", []
    for maps in ([ours], [ours], [other], [ours, other]):
        seen = []
        trained(network, [boxes], path, progress=lambda done, *_, seen=seen: seen.append(done), maps=maps)
        steps.append(seen[0])
    assert steps == [1, 5, 1, 1]


def test_an_organ_that_nobody_labelled_keeps_its_head(network, boxes, tmp_path):
    kept = trained(network, [boxes], tmp_path / "c.pt", CONFIG.changed(weight_decay=0.1))
    fresh = build(network.spec, seed=2)
    for name, moved in (("liver", True), ("spleen", True), ("pancreas", False)):
        pairs = zip(kept.head_tensors(name).values(), fresh.head_tensors(name).values(), strict=True)
        # the running mean of a tensor that stays is that tensor but for its last bit
        assert any(not torch.allclose(a, b, rtol=1e-6, atol=1e-8) for a, b in pairs) is moved
    assert all(parameter.requires_grad for parameter in kept.parameters())


def test_without_any_label_there_is_nothing_to_learn(network, boxes, prepared_case, tmp_path):
    with pytest.raises(TuneError, match="no case has a label of spleen, liver, pancreas"):
        trained(network, [], tmp_path / "c.pt")
    stranger = prepared_case(boxes.hu, {"aorta": boxes.masks.mask("liver")})
    with pytest.raises(TuneError, match="--label"):
        trained(network, [stranger], tmp_path / "c.pt")
    assert list(tmp_path.iterdir()) == []


def test_synthetic_patients_alone_will_do(network, rendered, tmp_path):
    losses = []
    config = CONFIG.changed(steps=12, learning_rate=1e-2, patch_voxels=(32, 32, 32), rendered_share=1.0)
    trained(
        network, [], tmp_path / "c.pt", config.changed(pool_cases=2), lambda *told: losses.append(told[2])
    )
    assert rendered
    assert np.mean(losses[-3:]) < 0.8 * np.mean(losses[:3])


def test_synthetic_patients_teach_nothing_of_organs_that_they_lack(network, rendered, tmp_path):
    tumours = build(network.spec.changed(organs=("liver_tumor",)), seed=2)
    with pytest.raises(TuneError, match="no case has a label of liver_tumor"):
        train_full(tumours, [], CONFIG.changed(rendered_share=1.0), tmp_path / "c.pt")
    assert rendered == []


def test_a_run_on_synthetic_patients_that_stopped_ends_in_the_weights_of_one_that_did_not(
    network, boxes, rendered, tmp_path
):
    config = CONFIG.changed(rendered_share=0.6, pool_cases=2, pool_steps=1)
    whole = sha256(trained(network, [boxes], tmp_path / "whole.pt", config))

    def stop_at_three(done, *_):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(network, [boxes], tmp_path / "stopped.pt", config, stop_at_three)
    rendered.clear()
    assert sha256(trained(network, [boxes], tmp_path / "stopped.pt", config)) == whole
    assert min(rendered) == 10_000_002, "it goes on at step 2 with the patients of step 2"


def test_heads_learn_at_their_own_rate(network, boxes, tmp_path):
    """The first step of AdamW moves each weight that has a gradient by the rate, whatever the gradient."""
    config = CONFIG.changed(steps=1, warm_up_share=0.0, weight_decay=0.0, average_decay=0.0, heads_rate=0.1)
    fresh = build(network.spec, seed=2).state_dict()
    kept = trained(network, [boxes], tmp_path / "c.pt", config).state_dict()
    weights = {name for name, _ in network.named_parameters()}
    moved = {name: float((kept[name] - fresh[name]).abs().max()) for name in weights}
    heads = [by for name, by in moved.items() if ".liver." in name]
    trunk = [by for name, by in moved.items() if not name.startswith("organ_heads.")]
    assert max(trunk) == pytest.approx(config.learning_rate, rel=0.01)
    assert max(heads) == pytest.approx(0.1 * config.learning_rate, rel=0.01)


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint(
    network, boxes, tmp_path, monkeypatch
):
    path = tmp_path / "checkpoint.pt"
    whole = sha256(trained(network, [boxes], tmp_path / "whole.pt"))
    original, calls = learner_module.partial_loss, []

    def breaks_at_the_fourth(*arguments, **named):
        calls.append(1)
        return original(*arguments, **named) * (float("nan") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(learner_module, "partial_loss", breaks_at_the_fourth)
    with pytest.raises(TuneError, match=r"the loss became nan at step 3; .*checkpoint\.pt"):
        trained(network, [boxes], path)
    assert torch.load(path, weights_only=True)["step"] == 2
    assert sha256(trained(network, [boxes], path)) == whole
    assert len(calls) == 4 + 3


def test_a_gradient_that_is_no_number_stops_the_run_before_it_spoils_the_weights(
    network, boxes, tmp_path, monkeypatch
):
    original = learner_module.partial_loss
    monkeypatch.setattr(
        learner_module,
        "partial_loss",
        lambda logits, *rest, **named: original(logits, *rest, **named) + (0 * logits.sum()).sqrt(),
    )
    started = build(network.spec, seed=2)
    with pytest.raises(TuneError, match="step 0"):
        train_full(started, [boxes], CONFIG, tmp_path / "c.pt")
    assert all(torch.isfinite(value).all() for value in started.state_dict().values())


def test_cases_whose_labels_are_all_unknown_or_predicted_do_no_harm(network, boxes, prepared_case, tmp_path):
    guessed = prepared_case(
        boxes.hu,
        {"liver": boxes.masks.mask("liver")},
        case_id="b",
        sources={"liver": MaskSource.PREDICTED},
    )
    stranger = prepared_case(boxes.hu, {"aorta": boxes.masks.mask("liver")}, case_id="c")
    kept = trained(network, [guessed, stranger, boxes], tmp_path / "c.pt")
    assert all(torch.isfinite(value).all() for value in kept.state_dict().values())
