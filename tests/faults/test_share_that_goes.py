"""A network share that goes and comes back in the middle of a run."""

import errno

import pytest

from omentum.runners import job_ends
from omentum.runners.in_process import InProcessRunner
from omentum.runners.memory_ledger import MemoryJobs, MemorySharedLedger
from omentum.volumes.nifti import write_nifti
from omentum.volumes.read import read_ct


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(job_ends, "_PAUSES_S", (0.01, 0.02))


@pytest.fixture
def cts(tmp_path):
    """Paths of three small CTs."""
    from omentum.phantoms.phantom import make_phantom

    paths = [tmp_path / f"case_{name}.nii.gz" for name in "abc"]
    for seed, path in enumerate(paths):
        write_nifti(path, make_phantom(seed, shape=(24, 24, 16), spacing_mm=(14.0, 14.0, 20.0)).ct)
    return paths


def read_all(paths):
    jobs = MemoryJobs()
    ledger = MemorySharedLedger(jobs, "one")
    batch = InProcessRunner().run(
        paths, lambda path: read_ct(path).geometry.shape, key=lambda path: path.name[5], ledger=ledger
    )
    return batch, jobs


def test_a_ct_that_was_away_is_read_when_the_share_is_back(cts, bad_share):
    bad_share.goes("case_b", errno.ESTALE, opens=2)
    batch, _ = read_all(cts)
    assert bad_share.n_failed == 2
    assert set(batch.done) == set("abc")
    assert not batch.failed


def test_a_share_that_stays_away_fails_its_ct_with_the_reason_and_the_others_are_done(cts, bad_share):
    bad_share.goes("case_b", errno.EIO)
    batch, jobs = read_all(cts)
    assert set(batch.done) == set("ac")
    assert jobs.jobs["b"].attempts == 3
    assert "network share did not give it (Input/output error)" in batch.failed[0].reason
    assert "(3 attempts)" in batch.failed[0].reason


def test_a_truncated_ct_fails_at_once(cts, bad_share):
    cts[1].write_bytes(cts[1].read_bytes()[:3000])
    batch, jobs = read_all(cts)
    assert set(batch.done) == set("ac")
    assert jobs.jobs["b"].attempts == 1
    assert "copy it again from its source" in batch.failed[0].reason
