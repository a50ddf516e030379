"""Tell what the newest program predicts a project with, so that older ones end.

Programs share the cases of a network as long as they predict them alike. The aim of one is a hash of what its
predictions are made with, whatever the case; the database keeps that of the program that began last.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from omentum.networks.catalogue import AVERAGE
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.made_alike import without_numbers
from omentum.predict.portable import PortablePredictor
from omentum.predict.predictors import Predictor
from omentum.store.store import Store

__all__ = ["begin_aims", "newest_aim"]

_AIM = "aim of "
"""Begins the name of the fact that keeps the aim of a network's predictions."""


def begin_aims(
    store: Store, predictors: Sequence[Predictor], config: InferenceConfig, *, average: bool = False
) -> dict[str, str]:
    """Keep what a program that begins now predicts with; give the aim of each network, by name.

    Args:
        store: Of the project.
        predictors: Of the networks.
        config: How they predict.
        average: Whether their average is predicted, too.
    """
    aims = {one.name: _hash(_settings(one, config)) for one in predictors}
    if average:
        aims[AVERAGE] = _hash({"networks": dict(aims), **config.rules})
    with store.together():
        for network, aim in aims.items():
            if newest_aim(store, network) != aim:
                store.facts.set(_AIM + network, aim)
    return aims


def newest_aim(store: Store, network: str) -> str | None:
    """Give the aim of the program that began last to predict with a network; `None` if none has."""
    return store.facts.get(_AIM + network)


def _settings(predictor: Predictor, config: InferenceConfig) -> dict[str, Any]:
    """Give what is the same of all cases; that is the hash of weights, but not of files in their place."""
    if isinstance(predictor, PortablePredictor):
        return predictor.settings("")
    return {"network": predictor.name, "organs": list(predictor.organs), **config.rules}


def _hash(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(without_numbers(settings), sort_keys=True).encode()).hexdigest()
