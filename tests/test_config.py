"""Settings that a user writes are refused with the key, the value and the rule."""

from typing import Annotated

import pytest
from pydantic import Field, field_validator

from omentum.config import ConfigModel, read_toml
from omentum.errors import ConfigError


class Walk(ConfigModel, frozen=True, title="walk.toml"):
    minutes: Annotated[int, Field(gt=0)] = 30
    places: tuple[str, ...] = ("park",)

    @field_validator("places")
    @classmethod
    def _no_sea(cls, places: tuple[str, ...]) -> tuple[str, ...]:
        if "sea" in places:
            raise ValueError("it must be on land")
        if "moon" in places:
            raise ConfigError("places", "a secret", "it must be near")
        return places


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"minutes": 0}, "minutes is 0, but it must be greater than 0"),
        ({"minute": 1}, "a key of walk.toml is 'minute', but the keys are minutes, places"),
        ({"places": "park"}, "places is 'park', but it must be a list"),
        ({"places": ["park", 5]}, "places.1 is 5, but it must be a valid string"),
        ({"places": ["sea"]}, "places is ['sea'], but it must be on land"),
        ({"places": ["moon"]}, "places is 'a secret', but it must be near"),
    ],
)
def test_a_refused_value_is_named_with_its_rule(values, said):
    with pytest.raises(ConfigError) as caught:
        Walk(**values)
    assert str(caught.value) == said


def test_changed_settings_are_checked_like_new_ones():
    assert Walk(minutes=5).changed(places=["hill"]) == Walk(minutes=5, places=("hill",))
    with pytest.raises(ConfigError, match="minutes is -1"):
        Walk().changed(minutes=-1)


def test_a_toml_file_is_read_and_a_broken_one_is_refused_with_its_line(tmp_path):
    path = tmp_path / "walk.toml"
    path.write_text("minutes = 5\n")
    assert read_toml(path) == {"minutes": 5}
    path.write_text("minutes = 5\nminutes = 6\n")
    with pytest.raises(ConfigError, match=r"line 2 of .*walk\.toml"):
        read_toml(path)
