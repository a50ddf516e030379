import copy

import numpy as np
import pytest
import torch

from omentum.networks.infer import organ_probabilities
from omentum.networks.precision import numbers_for
from omentum.networks.weights import tensors_sha256
from omentum.tune.config import ContinualConfig
from omentum.tune.continual_round import as_predicting
from omentum.tune.samples import sample_case

CONFIG = ContinualConfig(samples_per_class=200, shell_mm=20.0)


def test_features_are_made_in_the_numbers_that_prediction_computes_in(narrow):
    before = tensors_sha256(narrow.state_dict())
    twin = as_predicting(narrow, "cpu")
    assert next(twin.backbone.parameters()).dtype == numbers_for(narrow, "auto", "cpu")
    assert tensors_sha256(narrow.state_dict()) == before, "what is tuned and written stays in float32"


@pytest.mark.parametrize("numbers", [torch.float32, torch.bfloat16])
def test_logits_of_cached_features_are_those_that_prediction_joins(narrow, boxes, numbers):
    narrow = copy.deepcopy(narrow)
    narrow.compute_in(numbers)
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
