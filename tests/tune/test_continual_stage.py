import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from omentum.errors import TuneError
from omentum.networks.infer import organ_probabilities
from omentum.networks.precision import fastest_dtype
from omentum.networks.weights import load_network, tensors_sha256
from omentum.predict.stage import predict_round
from omentum.tune import cache as cache_module
from omentum.tune.config import ContinualConfig
from omentum.tune.continual_stage import for_caching
from omentum.tune.samples import sample_case
from omentum.tune.stage import tune_round

HEADS = ContinualConfig(steps=8, samples_per_class=300, learning_rate=2e-2)
CONFIG = ContinualConfig(samples_per_class=200, shell_mm=20.0)


class Killed(BaseException):
    """Stands for a kill: nothing in the package catches it."""


def _killing(*_arguments):
    raise Killed


def tuned(project, config=HEADS):
    return tune_round(project, project.standing(), config)


def story_of(record) -> dict:
    return json.loads((record.folder / "tune.json").read_text())


def test_a_new_organ_gets_a_head_once_it_was_drawn_and_every_other_tensor_stays(
    project, revise, tiny_weights
):
    project = _with_new(project, "colon=stomach")
    revise("colon", "phantom_0000")
    record = tuned(project)
    story = story_of(record)
    assert story["organs"] == ["colon"]
    assert story["new_organs"] == {"colon": ["stomach"]}
    assert story["cases"] == {"phantom_0000": ["colon"]}
    before = load_network(tiny_weights).state_dict()
    network = load_network(record.folder / "weights.safetensors")
    assert set(network.head_tensors("colon")) == network.state_dict().keys() - before.keys()
    assert all(value.equal(network.state_dict()[key]) for key, value in before.items())
    predict_round(project)
    assert all("colon" in one.organs for one in project.predictions(record.name).values())


def test_a_new_organ_is_learned_beside_what_was_revised(project, revise):
    project = _with_new(project, "colon")
    revise("liver", "phantom_0001")
    revise("colon", "phantom_0000", "phantom_0001")
    story = story_of(tuned(project))
    assert story["organs"] == ["colon", "liver"]
    assert story["cases"]["phantom_0001"] == ["colon", "liver"]


def test_a_new_organ_that_nobody_drew_waits(project, revise):
    project = _with_new(project, "colon")
    with pytest.raises(TuneError, match="colon has no mask that people vouch for; draw it in some cases"):
        tuned(project)
    revise("liver", "phantom_0000")
    record = tuned(project)
    assert story_of(record)["organs"] == ["liver"]
    assert "colon" not in load_network(record.folder / "weights.safetensors").spec.organs


def test_adapters_are_learned_where_asked_and_predict_from_the_file(project, revise, tiny_weights):
    revise("liver", "phantom_0000")
    record = tuned(project, HEADS.changed(trainable="heads+adapters"))
    network = load_network(record.folder / "weights.safetensors")
    assert network.spec.adapters == ("liver",)
    before = load_network(tiny_weights)
    for name in before.spec.organs:
        is_same = all(
            value.equal(network.state_dict()[key]) for key, value in before.head_tensors(name).items()
        )
        assert is_same is (name != "liver")
    (batch,) = predict_round(project)
    assert len(batch.done) == 4


def test_a_second_run_takes_features_from_the_first_ones_cache(project, revise, monkeypatch):
    revise("liver", "phantom_0000")
    with monkeypatch.context() as patched:
        patched.setattr(project.store.networks, "add", _killing)
        with pytest.raises(Killed):
            tuned(project)
    monkeypatch.setattr(cache_module, "sample_case", None)
    record = tuned(project)
    told = story_of(record)["cache_bytes"]
    files = list((project.folder.cache_dir / "features").iterdir())
    assert sum(path.stat().st_size for path in files) == told["taken"] <= told["at_most"]


def test_features_are_made_in_the_fastest_numbers(narrow):
    before = tensors_sha256(narrow.state_dict())
    twin = for_caching(narrow, "cpu")
    assert next(twin.backbone.parameters()).dtype == twin.dtype == fastest_dtype(narrow, "cpu")
    assert tensors_sha256(narrow.state_dict()) == before, "what is tuned and written stays in float32"


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16])
def test_logits_of_cached_features_are_those_that_prediction_joins(narrow, boxes, numbers):
    narrow = copy.deepcopy(narrow)
    narrow.set_compute_dtype(numbers)
    narrow.window_for = lambda _shape: (32, 32, 32)
    whole = boxes.hu.astype(np.float32)
    (slab,) = [made for _, made in organ_probabilities(narrow, whole, ("liver",))]
    (liver,) = sample_case(narrow, boxes, ["liver"], CONFIG, overlap=0.5)
    with torch.inference_mode():
        logits = narrow.heads(liver.features.float()[None], liver.contexts, ["liver"])
    inside = torch.from_numpy(slab[0][boxes.masks.mask("liver")].astype(np.float32))
    ours = logits[0, 0, liver.labels].sigmoid() * 255
    assert float(ours.mean()) == pytest.approx(float(inside.mean()), rel=0.05)
    assert float(ours.std()) == pytest.approx(float(inside.std()), rel=0.15)


def _with_new(project, text: str):
    settings = project.settings
    name = text.partition("=")[0]
    grown = settings.changed(organs=(*settings.organs, name), new_organs=(text,))
    return replace(project, settings=grown)
