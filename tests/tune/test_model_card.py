import pytest

from omentum.networks.network import NetworkSpec
from omentum.tune.model_card import write_model_card

STORY = {
    "name": "starter-r2",
    "parent": "starter-r1",
    "round": 2,
    "weights_sha256": "abc123",
    "seconds": 41.5,
}


@pytest.fixture
def card(tmp_path):
    """Writes the card of a network for two organs, and gives its text."""

    def write(**changes) -> str:
        spec = NetworkSpec(architecture="starter", organs=("liver", "kidney_left"), spacing_mm=3.0)
        write_model_card(tmp_path / "model-card.md", spec, {**STORY, **changes})
        return (tmp_path / "model-card.md").read_text()

    return write


def test_a_tuned_network_says_what_it_learned_from_what_and_what_it_is_not_for(card):
    text = card(mode="continual", organs=["liver"], cases={"a": ["liver"], "b": ["liver"]})
    assert text.startswith("# starter-r2\n")
    for fact in ("`starter-r1`", "--mode continual", "after round 2", "`abc123`", "3 mm", "41.5 s"):
        assert fact in text
    assert "Learned**: Liver, from 2 cases" in text
    assert "it is no medical device" in " ".join(text.split())


def test_a_network_trained_afresh_learned_all_its_organs(card):
    assert "Learned**: Left kidney, Liver, from 3 cases" in card(mode="full", cases=["a", "b", "c"])


@pytest.mark.parametrize(
    ("maps", "made_share", "named"),
    [([], 0.3, "formulas"), ([], 0.0, "formulas"), (["one", "two"], 0.0, "`one`, `two`"),
     (["one"], 0.3, "formulas, `one`")],
)  # fmt: skip
def test_synthetic_patients_are_told_with_where_their_anatomy_is_from(card, maps, made_share, named):
    config = {"rendered_share": 0.5, "made_share": made_share}
    text = card(mode="full", cases=["a", "b"], anatomy=maps, config=config)
    assert f"from 2 cases and patients made up on the fly (anatomy of {named}), in 41.5 s" in text


def test_a_network_that_saw_no_synthetic_patient_does_not_speak_of_them(card):
    text = card(mode="full", cases=["a"], anatomy=[], config={"rendered_share": 0.0, "made_share": 0.3})
    assert "made up" not in text
