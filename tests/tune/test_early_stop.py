import torch

from omentum.tune.early_stop import StopState


def seen(*dice: float) -> StopState:
    """The state after these evaluations, of weights that hold the step's number."""
    state = StopState()
    for step, value in enumerate(dice, start=1):
        state.note(value, step, {"w": torch.tensor(float(step))})
    return state


def test_the_weights_of_the_best_look_are_kept_and_of_equals_the_earliers():
    state = seen(0.5, 0.8, 0.8, 0.7)
    assert (state.best, state.best_step, state.last) == (0.8, 2, 0.7)
    assert float(state.weights["w"]) == 2.0


def test_what_is_kept_does_not_change_with_the_weights():
    state, weights = StopState(), {"w": torch.zeros(2)}
    state.note(0.5, 1, weights)
    weights["w"] += 1
    assert state.weights["w"].tolist() == [0.0, 0.0]


def test_it_is_enough_after_as_many_looks_without_a_better_dice():
    assert not seen(0.5, 0.4).is_enough(2)
    assert seen(0.5, 0.4, 0.5).is_enough(2)
    assert not seen(0.5, 0.4, 0.6, 0.5).is_enough(2)
    assert not seen(0.5, 0.4, 0.3, 0.2).is_enough(0)
    assert not StopState().is_enough(1)


def test_a_look_that_is_no_number_is_never_better():
    state = seen(0.5, float("nan"))
    assert (state.best, state.n_worse) == (0.5, 1)
