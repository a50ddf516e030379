"""Send a predictor to other processes: as where its weights are, never as the loaded network."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from omentum.errors import CheckpointError
from omentum.networks.catalogue import find_weights
from omentum.predict.inference_config import InferenceConfig
from omentum.predict.load_predictor import load_predictor
from omentum.predict.network_predictor import NetworkPredictor
from omentum.predict.predictors import PredictedCase, Predictor
from omentum.volumes.volume import Volume

__all__ = ["PortablePredictor", "portable_predictor"]

_KEPT = 4
"""Networks that a process which was sent predictors keeps at a time: those of a round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What a network's predictor is loaded from."""

    name: str
    weights: Path
    weights_sha256: str
    organs: tuple[str, ...]
    device: str
    config: InferenceConfig
    optional: tuple[str, ...]


class PortablePredictor:
    """Predicts with a network; where it is sent to, it loads the network at its first CT, once a process.

    Args:
        weights: The network's file.
        loaded: The network's predictor, as it was loaded here.
        device: Where the network runs.
        optional: Organs that it need not know.

    Raises:
        CheckpointError: At a CT: the file of the weights has changed since the predictor was sent.
    """

    def __init__(
        self, weights: Path, loaded: NetworkPredictor, *, device: str, optional: Sequence[str] = ()
    ) -> None:
        self.name, self.organs = loaded.name, loaded.organs
        self._settings = loaded.settings("")
        self._source = _Source(
            name=loaded.name,
            weights=weights.absolute(),
            weights_sha256=loaded.weights_sha256,
            organs=loaded.organs,
            device=device,
            config=replace(loaded.config, numbers=self._settings["numbers"]),
            optional=tuple(optional),
        )
        self._loaded: NetworkPredictor | None = loaded

    def settings(self, case_id: str) -> dict[str, Any]:
        """See `Predictor.settings`."""
        del case_id
        return dict(self._settings)

    def predict(self, ct: Volume, case_id: str) -> PredictedCase:
        """See `Predictor.predict`."""
        return (self._loaded or _loaded(self._source)).predict(ct, case_id)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_loaded": None}


def portable_predictor(
    name: str,
    *,
    organs: Sequence[str] = (),
    device: str = "cpu",
    config: InferenceConfig | None = None,
    project_networks: Path | None = None,
    optional: Sequence[str] = (),
) -> Predictor:
    """Load a predictor that can be sent to other processes; arguments and errors as `load_predictor`."""
    loaded = load_predictor(
        name,
        organs=organs,
        device=device,
        config=config,
        project_networks=project_networks,
        optional=optional,
    )
    if not isinstance(loaded, NetworkPredictor):
        return loaded
    return PortablePredictor(find_weights(name, project_networks), loaded, device=device, optional=optional)


@lru_cache(maxsize=_KEPT)
def _loaded(source: _Source) -> NetworkPredictor:
    loaded = NetworkPredictor(
        source.name,
        source.weights,
        organs=source.organs,
        device=source.device,
        config=source.config,
        optional=source.optional,
    )
    if loaded.weights_sha256 != source.weights_sha256:
        raise CheckpointError(
            source.weights, "it has changed since the work on these cases began; run the same command again"
        )
    return loaded
