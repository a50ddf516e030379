import pytest
import torch
from torch import nn

from omentum.tune.checkpoint import TrainingState, is_of_another_run, load_checkpoint, save_checkpoint


def fresh() -> TrainingState:
    """A small model with stored statistics, before its first step."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    return TrainingState(
        network=model,
        optimizer=optimizer,
        average={key: value.clone() for key, value in model.state_dict().items()},
    )


def stepped(state: TrainingState, n_steps: int) -> TrainingState:
    for _ in range(n_steps):
        x = torch.randn(8, 4, generator=torch.Generator().manual_seed(state.step))
        state.optimizer.zero_grad()
        state.network(x).square().mean().backward()
        state.optimizer.step()
        state.step += 1
        for key, value in state.network.state_dict().items():
            state.average[key].copy_((state.average[key] + value) / 2)
    return state


def tensors(state: TrainingState) -> list[torch.Tensor]:
    moments = [value for one in state.optimizer.state.values() for value in one.values()]
    return [*state.network.state_dict().values(), *state.average.values(), *moments]


def is_same(one: TrainingState, other: TrainingState) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return one.step == other.step and all(torch.equal(a, b) for a, b in pairs)


def test_a_run_goes_on_from_its_checkpoint_as_if_nothing_had_happened(tmp_path):
    path = tmp_path / "run" / "checkpoint.pt"
    save_checkpoint(path, stepped(fresh(), 3), "run")
    resumed = fresh()
    assert load_checkpoint(path, resumed, "run")
    assert resumed.step == 3
    assert is_same(stepped(resumed, 4), stepped(fresh(), 7))


def test_a_later_checkpoint_takes_the_place_of_an_earlier_one(tmp_path):
    path = tmp_path / "checkpoint.pt"
    state = fresh()
    for _ in range(2):
        save_checkpoint(path, stepped(state, 2), "run")
    resumed = fresh()
    assert load_checkpoint(path, resumed, "run")
    assert resumed.step == 4
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_what_was_seen_of_held_out_patients_is_in_the_checkpoint(tmp_path):
    path, state = tmp_path / "checkpoint.pt", stepped(fresh(), 2)
    for step, dice in enumerate((0.5, 0.7, 0.6), start=1):
        state.stop_state.note(dice, step, {"w": torch.full((2,), float(step))})
    save_checkpoint(path, state, "run")
    resumed = fresh()
    assert load_checkpoint(path, resumed, "run")
    kept = resumed.stop_state
    assert (kept.last, kept.best, kept.best_step, kept.n_worse) == (0.6, 0.7, 2, 1)
    assert kept.weights["w"].tolist() == [2.0, 2.0]


def test_only_a_checkpoint_that_cannot_be_taken_up_is_called_another_runs(tmp_path):
    path = tmp_path / "checkpoint.pt"
    assert not is_of_another_run(path, "run")
    save_checkpoint(path, fresh(), "run")
    assert not is_of_another_run(path, "run")
    assert is_of_another_run(path, "other")
    path.write_bytes(b"not a checkpoint")
    assert is_of_another_run(path, "run")


def test_the_checkpoint_of_another_run_is_left_alone(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, stepped(fresh(), 3), "one")
    other = fresh()
    assert not load_checkpoint(path, other, "two")
    assert is_same(stepped(other, 1), stepped(fresh(), 1))
    assert load_checkpoint(path, fresh(), "one")


def test_without_a_checkpoint_a_run_begins_at_its_beginning(tmp_path):
    state = fresh()
    assert not load_checkpoint(tmp_path / "checkpoint.pt", state, "run")
    assert state.step == 0


@pytest.mark.parametrize("damage", ["empty", "cut", "text", "flipped", "list"])
def test_a_damaged_checkpoint_is_left_alone(tmp_path, damage):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, stepped(fresh(), 3), "run")
    whole = path.read_bytes()
    if damage == "list":
        torch.save([1, 2], path)
    else:
        parts = {"empty": b"", "cut": whole[: len(whole) // 2], "text": b"not a checkpoint"}
        path.write_bytes(parts.get(damage, bytes(255 - byte for byte in whole)))
    state = fresh()
    assert not load_checkpoint(path, state, "run")
    assert state.step == 0


def test_a_checkpoint_that_carries_code_is_not_run(tmp_path):
    path = tmp_path / "checkpoint.pt"
    torch.save({"key": "run", "model": Trap(tmp_path / "sprung")}, path)
    assert not load_checkpoint(path, fresh(), "run")
    assert not (tmp_path / "sprung").exists()


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return type(self.path).mkdir, (self.path,)
