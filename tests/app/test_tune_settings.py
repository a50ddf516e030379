import pytest

from omentum.app.tune_settings import tune_settings
from omentum.errors import ConfigError
from omentum.tune.config import ContinualConfig, FullConfig


def test_without_options_each_mode_has_its_defaults():
    nothing = {"steps": None, "seed": None, "architecture": None, "devices": None}
    assert tune_settings("continual", None, nothing) == ContinualConfig()
    assert tune_settings("full", None, nothing) == FullConfig()


def test_what_the_command_says_stands_over_the_file(tmp_path):
    path = tmp_path / "tune.toml"
    path.write_text("steps = 7\nseed = 3\n", encoding="utf-8")
    assert tune_settings("continual", path, {"steps": 9}) == ContinualConfig(steps=9, seed=3)
    made = tune_settings("full", path, {"seed": 4, "devices": 2})
    assert made == FullConfig(steps=7, seed=4, devices=2)


def test_whoever_gives_how_to_fit_gets_that_fit_and_nothing_is_chosen(tmp_path):
    path = tmp_path / "tune.toml"
    path.write_text("seed = 3\n", encoding="utf-8")
    assert tune_settings("continual", path, {}).trainable == "chosen"
    assert tune_settings("continual", path, {"steps": 9}).trainable == "heads"
    assert tune_settings("continual", path, {"trainable": "heads+adapters"}).steps == 400
    with pytest.raises(ConfigError, match="steps is 9, but it goes with trainable heads or heads"):
        tune_settings("continual", None, {"trainable": "chosen", "steps": 9})


def test_an_architecture_brings_its_own_defaults():
    made = tune_settings("full", None, {"architecture": "universal-swinunetr", "steps": 5})
    assert (made.learning_rate, made.spacing_mm, made.steps) == (1e-4, 1.5, 5)


@pytest.mark.parametrize(
    ("mode", "text", "options", "why"),
    [
        ("half", None, {}, "modes are continual, full"),
        ("continual", None, {"architecture": "starter"}, "--architecture is .*goes with --mode full"),
        ("continual", None, {"devices": 2}, "--devices is 2.*goes with --mode full"),
        ("full", None, {"replay_share": 0.1}, "--replay is 0.1.*goes with --mode continual"),
        ("full", 'start = "parent"', {"architecture": "starter"}, "starts from the parent's weights"),
        ("full", "steps = 2", {"architecture": "universal-unet"}, "has the settings of starter"),
        ("full", None, {"seed": -1}, "seed is -1"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, mode, text, options, why):
    path = None
    if text is not None:
        path = tmp_path / "tune.toml"
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=why):
        tune_settings(mode, path, options)
