import json

import pytest

from omentum.errors import ConfigError
from omentum.predict.inference_config import InferenceConfig


def test_windows_overlap_as_the_recipe_says_unless_somebody_says_more():
    assert InferenceConfig().window_overlap == 0.5
    assert InferenceConfig(recipe="published").window_overlap == 0.75
    assert InferenceConfig(recipe="published", overlap=0.0).window_overlap == 0.0
    assert InferenceConfig(overlap=0.3).settings("float32")["overlap"] == 0.3


def test_only_the_published_recipe_is_published():
    assert not InferenceConfig().is_published
    assert InferenceConfig(recipe="published").is_published


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recipe": "mine"}, "postprocessing is 'mine', but the recipes are default, published"),
        ({"recipe": ""}, "postprocessing is ''"),
        ({"without": ("hols",)}, "'hols', but the rules of recipe default are specks, sides"),
        (
            {"recipe": "published", "without": ("holes",)},
            "'holes', but the rules of recipe published are hosts",
        ),
        ({"overlap": 1.0}, "overlap is 1.0"),
        ({"overlap": -0.25}, "overlap is -0.25"),
        ({"overlap": float("nan")}, "overlap is nan"),
        ({"recipe": "published", "overlap": 1.5}, "overlap is 1.5"),
    ],
)
def test_what_no_network_could_do_is_refused_with_what_was_seen_and_the_rule(values, said):
    with pytest.raises(ConfigError) as caught:
        InferenceConfig(**values)
    assert said in str(caught.value)


def test_in_which_order_and_how_often_rules_are_left_out_does_not_matter():
    one, other = (
        InferenceConfig(without=("holes", "specks")),
        InferenceConfig(without=("specks", "holes", "specks")),
    )
    assert one == other
    assert one.settings("float32") == other.settings("float32")
    assert one.without == ("specks", "holes")
    assert one != InferenceConfig(without=("specks",))


@pytest.mark.parametrize(
    "config",
    [
        InferenceConfig(),
        InferenceConfig(recipe="published"),
        InferenceConfig(without=("lungs", "count"), overlap=0.1, numbers="bfloat16"),
    ],
)
def test_settings_are_the_same_once_they_were_json(config):
    settings = config.settings("bfloat16")
    assert json.loads(json.dumps(settings)) == settings
    assert settings == {
        "overlap": config.window_overlap,
        "numbers": "bfloat16",
        "recipe": config.recipe,
        "without": list(config.without),
    }


def test_each_value_that_decides_what_a_prediction_is_changes_the_settings():
    configs = [
        InferenceConfig(),
        InferenceConfig(overlap=0.25),
        InferenceConfig(recipe="published", overlap=0.5),
        InferenceConfig(without=("holes",)),
    ]
    settings = [json.dumps(one.settings("float32")) for one in configs]
    settings.append(json.dumps(InferenceConfig().settings("float16")))
    assert len(set(settings)) == 5
