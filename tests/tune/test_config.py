import json
import tomllib
from pathlib import Path

import pytest

from omentum.config import read_toml
from omentum.errors import ConfigError
from omentum.tune.config import ContinualConfig, FullConfig


def read(path, kind):
    return kind(**read_toml(path))


@pytest.fixture
def toml(tmp_path):
    """Writes settings, and gives their path."""

    def write(text: str) -> Path:
        path = tmp_path / "tune.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize("kind", [FullConfig, ContinualConfig])
def test_what_a_file_leaves_out_has_its_default(toml, kind):
    assert read(toml(""), kind) == kind()
    assert read(toml("steps = 7\n"), kind) == kind(steps=7)


def test_every_setting_can_be_written(toml):
    # JSON writes numbers, names and lists as TOML reads them
    text = "\n".join(
        f"{name} = {json.dumps(value)}" for name, value in FullConfig(seed=3).model_dump().items()
    )
    assert tomllib.loads(text).keys() == FullConfig.model_fields.keys()
    assert read(toml(text), FullConfig) == FullConfig(seed=3)


def test_the_settings_of_the_shipped_weights_can_be_read():
    path = Path(__file__).parents[2] / "training/configs/starter.toml"
    assert read(path, FullConfig).architecture == "starter"


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (FullConfig, "steps", 0),
        (FullConfig, "steps", "ten"),
        (FullConfig, "steps", 1.5),
        (FullConfig, "steps", True),
        (FullConfig, "batch_size", -1),
        (FullConfig, "checkpoint_every", 0),
        (FullConfig, "learning_rate", 0.0),
        (FullConfig, "learning_rate", float("nan")),
        (FullConfig, "learning_rate", float("inf")),
        (FullConfig, "learning_rate", "fast"),
        (FullConfig, "weight_decay", -0.1),
        (FullConfig, "spacing_mm", "3 mm"),
        (FullConfig, "spacing_mm", -1.0),
        (FullConfig, "foreground_share", 1.5),
        (FullConfig, "average_decay", -0.1),
        (FullConfig, "warm_up_share", float("nan")),
        (FullConfig, "patch_voxels", (96, 80)),
        (FullConfig, "patch_voxels", (96, 80, 60)),
        (FullConfig, "patch_voxels", (96, 80, 0)),
        (FullConfig, "patch_voxels", (96.0, 80, 64)),
        (FullConfig, "patch_voxels", 96),
        (FullConfig, "window_voxels", (96, 96, 90)),
        (FullConfig, "architecture", 5),
        (FullConfig, "kept_as", "float64"),
        (FullConfig, "kept_as", True),
        (FullConfig, "kept_as", ["int8"]),
        (FullConfig, "rendered_share", 1.2),
        (FullConfig, "made_share", -0.1),
        (FullConfig, "made_share", "a third"),
        (FullConfig, "pool_cases", 0),
        (FullConfig, "pool_cases", 2.5),
        (FullConfig, "pool_steps", 0),
        (FullConfig, "heads_rate", 0.0),
        (FullConfig, "heads_rate", float("nan")),
        (FullConfig, "seed", -1),
        (FullConfig, "devices", 0),
        (FullConfig, "patience", -1),
        (FullConfig, "validate_every", 0.5),
        (FullConfig, "blur_share", 1.1),
        (FullConfig, "coarse_share", -0.1),
        (FullConfig, "recompute", 1),
        (ContinualConfig, "steps", 0),
        (ContinualConfig, "samples_per_class", 0),
        (ContinualConfig, "samples_per_class", 10.0),
        (ContinualConfig, "learning_rate", -1.0),
        (ContinualConfig, "shell_mm", 0.0),
        (ContinualConfig, "replay_share", 1.01),
        (ContinualConfig, "replay_by", "chance"),
        (ContinualConfig, "predicted_weight", -0.3),
        (ContinualConfig, "kept_as", "int4"),
        (ContinualConfig, "seed", "lucky"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(kind, name, value):
    with pytest.raises(ConfigError, match=rf"^{name}(\.\d)? is "):
        kind(**{name: value})


def test_an_architecture_brings_its_own_defaults_and_what_is_said_stands(toml):
    for text in ('architecture = "universal-unet"', 'architecture = "universal-swinunetr"'):
        made = read(toml(text), FullConfig)
        assert (made.spacing_mm, made.patch_voxels, made.learning_rate) == (1.5, (96, 96, 96), 1e-4)
        assert read(toml(f"{text}\nlearning_rate = 5e-4"), FullConfig).learning_rate == 5e-4
    assert read(toml('architecture = "starter"'), FullConfig) == FullConfig()


def test_a_whole_number_will_do_for_a_real_one(toml):
    assert read(toml("spacing_mm = 3\npredicted_weight = 1\n"), FullConfig).spacing_mm == 3


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('steps = "ten"', "^steps is "),
        ("patch_voxels = [96, 80]", "^patch_voxels.2 is "),
        ("patch_voxels = [96, 80, 60]", "^patch_voxels.2 is 60, but it must be a multiple of 16"),
        ("patch_voxels = [[96], [80], [64]]", "^patch_voxels.0 is "),
        ("[steps]\nmany = 1", "^steps is "),
        ("learning_rate = nan", "^learning_rate is nan"),
        ("learning_rat = 0.1", "^a key of .*--mode full.* is 'learning_rat'"),
    ],
)
def test_a_bad_line_of_a_file_is_refused_by_its_key(toml, text, named):
    with pytest.raises(ConfigError, match=named):
        read(toml(text), FullConfig)


def test_an_unknown_key_is_answered_with_the_known_ones(toml):
    with pytest.raises(ConfigError, match=r"a key of .* is 'replay', but the keys are .*replay_share"):
        read(toml("replay = 0.5"), ContinualConfig)


def test_training_starts_from_fresh_weights_or_the_parents():
    assert FullConfig(start="parent").start == "parent"
    with pytest.raises(ConfigError, match="it must be one of fresh, parent"):
        FullConfig(start="somewhere")
