"""Networks by name, and the one in use."""

import pytest

from omentum.errors import ProjectError
from omentum.records import NetworkRecord

STARTER = NetworkRecord(name="starter", folder=None, weights_sha256="5" * 64)


@pytest.fixture
def tuned(tmp_path):
    folder = tmp_path / "networks/starter-r1"
    return NetworkRecord(
        name="starter-r1", folder=folder, weights_sha256="6" * 64, parent="starter", round_number=1
    )


def test_networks_come_out_as_they_went_in_by_name(store, tuned):
    assert store.networks.add(tuned)
    assert store.networks.add(STARTER)
    assert store.networks.all() == [STARTER, tuned]


def test_the_same_network_again_changes_nothing_and_says_so(store):
    assert store.networks.add(STARTER)
    assert not store.networks.add(STARTER)
    assert store.networks.all() == [STARTER]


def test_a_name_never_stands_for_other_weights(store):
    store.networks.add(STARTER)
    with pytest.raises(ProjectError, match="other weights"):
        store.networks.add(NetworkRecord(name="starter", folder=None, weights_sha256="7" * 64))
    assert store.networks.all() == [STARTER]
