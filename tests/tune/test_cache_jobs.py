"""Features are made where the project's runner works, and are the same bytes wherever that is."""

import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest

from fixtures.runners import IN_PROCESS, PROCESSES, RAY
from omentum.errors import CheckpointError, ConfigError
from omentum.networks.network import build
from omentum.networks.weights import load_network, save_network, tensors_sha256
from omentum.runners.in_process import InProcessRunner
from omentum.runners.processes import ProcessRunner
from omentum.tune import cache as cache_module
from omentum.tune.cache import FeatureCache
from omentum.tune.cache_jobs import FeatureJob, PortableTrunk, fill_features
from omentum.tune.config import ContinualConfig
from omentum.tune.continual_stage import for_caching
from omentum.tune.prepared_cases import prepared
from omentum.tune.stage import tune_round
from omentum.volumes.nifti import read_nifti, write_nifti
from omentum.volumes.volume import Volume

ADAPTERS = ContinualConfig(trainable="heads+adapters", steps=2, samples_per_class=300, augmented_copies=1)


class Killed(BaseException):
    """Stands for a kill once the features are there."""


def _killing(*_arguments, **_options):
    raise Killed


@pytest.fixture
def cached(project, monkeypatch):
    """Function: tune until the features are there, and give them by file name; they are removed."""

    def make(runner):
        with monkeypatch.context() as patched:
            patched.setattr("omentum.tune.continual_stage.tune_heads", _killing)
            with pytest.raises(Killed):
                tune_round(replace(project, runner=runner), project.standing(), ADAPTERS)
        folder = project.folder.cache_dir / "features"
        found = {path.name: path.read_bytes() for path in folder.iterdir()}
        shutil.rmtree(folder)
        return found

    return make


@pytest.mark.slow
@pytest.mark.parametrize("name", [PROCESSES, RAY])
def test_features_made_elsewhere_are_to_the_last_bit_those_made_here(
    name, cached, revise, runner_named, one_thread, monkeypatch
):
    revise("liver", "phantom_0000", "phantom_0001")
    revise("spleen", "phantom_0001")
    here = cached(InProcessRunner())
    assert len(here) >= 2 * 3, "each organ of each case, as it is and varied"
    monkeypatch.setattr(cache_module, "sample_case", None)  # nothing is made in this process
    assert cached(runner_named(name, n_workers=2)) == here


@pytest.mark.slow
@pytest.mark.parametrize("name", [IN_PROCESS, PROCESSES])
def test_a_case_that_has_no_features_ends_tuning_with_its_error_and_the_others_are_kept(
    name, project, revise, runner_named
):
    revise("liver", "phantom_0000", "phantom_0001")
    path = project.folder.case_dir("phantom_0000") / "ct.nii.gz"
    ct = read_nifti(path)
    write_nifti(path, Volume(np.full_like(ct.voxels, -1024), ct.geometry))
    told = []
    options = {} if name == IN_PROCESS else {"n_workers": 1}
    elsewhere = replace(project, runner=runner_named(name, **options))
    with pytest.raises(ConfigError, match="there must be a body in the CT"):
        tune_round(elsewhere, project.standing(), ADAPTERS, progress=lambda *one: told.append(one))
    assert ("cache features", 1, 3, "phantom_0000 failed") in told
    assert list((project.folder.cache_dir / "features").iterdir())


@pytest.fixture
def trunk(network, tmp_path):
    """A network with an adapter that its file does not have, as it is sent elsewhere."""
    save_network(tmp_path / "weights.safetensors", network)
    network.spec = network.spec.changed(adapters=("liver",))
    return PortableTrunk.of(for_caching(network, "cpu"), tmp_path / "weights.safetensors", "cpu")


def test_a_trunk_that_was_sent_is_that_of_the_weights(trunk):
    sent = pickle.loads(pickle.dumps(trunk))
    assert sent.loaded is None
    network = sent.network()
    assert network is sent.network()
    assert network.spec == trunk.loaded.spec
    assert network.dtype == trunk.loaded.dtype
    assert tensors_sha256(network.trunk_tensors()) == tensors_sha256(trunk.loaded.trunk_tensors())


def test_weights_that_changed_since_are_refused(trunk):
    sent = pickle.loads(pickle.dumps(trunk))
    save_network(trunk.weights, build(load_network(trunk.weights).spec, seed=9))
    with pytest.raises(CheckpointError, match="changed since the features of these cases were begun; run"):
        sent.network()


def test_a_gpu_has_one_network_at_a_time(trunk, labelled_patient, tmp_path):
    class Refusing(ProcessRunner):
        def run(self, *_arguments, **_options):
            pytest.fail("a process would load another network onto the GPU")

    labelled = labelled_patient(0)
    cache = FeatureCache(tmp_path / "features", trunk.loaded, ADAPTERS, overlap=0.5)
    wanted = cache.wanted(prepared(labelled, trunk.spec.spacing_mm, tmp_path), ["liver"])
    cache.make_room(wanted)
    job = FeatureJob(trunk=replace(trunk, device="cuda"), config=ADAPTERS, overlap=0.5, cache_dir=tmp_path)
    fill_features(Refusing(2), job, {"phantom_0000": labelled}, {"phantom_0000": wanted}, step="cache")
    assert all(one.path.is_file() for one in wanted)
