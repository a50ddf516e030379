"""Releases are kept, and never change."""

from datetime import UTC, datetime

import pytest

from omentum.errors import ReleaseError
from omentum.records import Release


@pytest.fixture
def release_of(tmp_path):
    def make(version, hour):
        time = datetime(2026, 11, 23, hour, tzinfo=UTC)
        folder = tmp_path / "releases" / version
        return Release(version=version, folder=folder, n_cases=3, manifest_sha256="ab" * 32, time=time)

    return make


def test_releases_come_out_as_they_went_in_by_time(store, release_of):
    later, first = release_of("V10", 12), release_of("V9", 11)
    store.releases.add(later)
    store.releases.add(first)
    assert store.releases.all() == [first, later]
    assert store.releases.get("V10") == later


def test_a_version_is_released_once(store, release_of):
    store.releases.add(release_of("V1", 11))
    with pytest.raises(ReleaseError, match="'V1' was released already"):
        store.releases.add(release_of("V1", 12))
    assert store.releases.all() == [release_of("V1", 11)]


def test_an_unknown_version_is_refused_with_those_that_are_known(store, release_of):
    with pytest.raises(ReleaseError, match="released are none"):
        store.releases.get("V2")
    store.releases.add(release_of("V1", 11))
    with pytest.raises(ReleaseError, match="released are V1"):
        store.releases.get("V2")
