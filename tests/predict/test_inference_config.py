import json

import pytest

from omentum.errors import ConfigError
from omentum.predict.inference_config import Manner


def test_windows_overlap_as_the_recipe_says_unless_somebody_says_more():
    assert Manner().windows == 0.5
    assert Manner(recipe="published").windows == 0.75
    assert Manner(recipe="published", overlap=0.0).windows == 0.0
    assert Manner(overlap=0.3).settings("float32")["overlap"] == 0.3


def test_only_the_published_recipe_is_published():
    assert not Manner().is_published
    assert Manner(recipe="published").is_published


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recipe": "mine"}, "recipe is 'mine', but the recipes are default, published"),
        ({"recipe": ""}, "recipe is ''"),
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
        Manner(**values)
    assert said in str(caught.value)


def test_in_which_order_and_how_often_rules_are_left_out_does_not_matter():
    one, other = Manner(without=("holes", "specks")), Manner(without=("specks", "holes", "specks"))
    assert one == other
    assert one.settings("float32") == other.settings("float32")
    assert one.without == ("specks", "holes")
    assert one != Manner(without=("specks",))


@pytest.mark.parametrize(
    "manner",
    [
        Manner(),
        Manner(recipe="published"),
        Manner(without=("lungs", "count"), overlap=0.1, numbers="bfloat16"),
    ],
)
def test_settings_are_the_same_once_they_were_json(manner):
    settings = manner.settings("bfloat16")
    assert json.loads(json.dumps(settings)) == settings
    assert settings == {
        "overlap": manner.windows,
        "numbers": "bfloat16",
        "recipe": manner.recipe,
        "without": list(manner.without),
    }


def test_each_value_that_decides_what_a_prediction_is_changes_the_settings():
    manners = [
        Manner(),
        Manner(overlap=0.25),
        Manner(recipe="published", overlap=0.5),
        Manner(without=("holes",)),
    ]
    settings = [json.dumps(one.settings("float32")) for one in manners]
    settings.append(json.dumps(Manner().settings("float16")))
    assert len(set(settings)) == 5
