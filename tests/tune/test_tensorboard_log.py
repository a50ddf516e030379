import sys
from contextlib import closing

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from omentum.tune.tensorboard_log import TensorBoardLog


def curve(folder, name: str) -> list[tuple[int, float]]:
    """What TensorBoard itself shows of a folder."""
    events = EventAccumulator(str(folder))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars(name)]


def run(folder, steps, loss: float) -> None:
    with closing(TensorBoardLog(folder)) as board:
        for step in steps:
            board.write(step, {"loss": loss, "rate": step / 8})


def test_tensorboard_shows_a_point_a_step_for_each_curve(tmp_path):
    run(tmp_path / "starter-r1", range(1, 5), loss=0.5)
    assert curve(tmp_path / "starter-r1", "loss") == [(step, 0.5) for step in range(1, 5)]
    assert curve(tmp_path / "starter-r1", "rate") == [(1, 0.125), (2, 0.25), (3, 0.375), (4, 0.5)]


def test_steps_that_are_done_again_after_a_kill_are_shown_once(tmp_path, monkeypatch):
    # file names begin with the second they were made in, and TensorBoard reads them by name
    monkeypatch.setattr("time.time", lambda: 1000.0)
    run(tmp_path, range(1, 8), loss=0.5)
    monkeypatch.setattr("time.time", lambda: 2000.0)
    run(tmp_path, range(5, 7), loss=0.25)
    assert curve(tmp_path, "loss") == [*((step, 0.5) for step in range(1, 5)), (5, 0.25), (6, 0.25)]


def test_without_the_package_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr("omentum.tune.tensorboard_log.find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run(tmp_path / "starter-r1", range(1, 3), loss=0.5)
    assert not (tmp_path / "starter-r1").exists()


def test_a_run_of_no_step_leaves_no_file(tmp_path):
    with closing(TensorBoardLog(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("loss", [float("nan"), 1e30])
def test_a_loss_of_any_size_can_be_written(tmp_path, loss):
    run(tmp_path, [1], loss)
    assert [step for step, _ in curve(tmp_path, "loss")] == [1]
