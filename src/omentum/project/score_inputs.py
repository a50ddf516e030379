"""Describe what the score of a case is made from; a score that was made from something else is due again."""

from collections.abc import Mapping
from typing import Any

from omentum.project.project import Project
from omentum.records import Prediction

__all__ = ["AVERAGE", "score_inputs", "scored_cases"]

AVERAGE = "average"
"""Name of the average of several networks; scoring `published` takes its masks."""


def score_inputs(
    scoring: str, opinions: Mapping[str, tuple[Prediction, ...]], averages: Mapping[str, Prediction]
) -> dict[str, dict[str, Any]]:
    """Describe what each score is made from: scoring, and weights and organs of each network.

    Args:
        scoring: Its name.
        opinions: What the networks of the round predicted, by case; see `Project.opinions`.
        averages: Their average, by case, where scores are made from it.
    """
    made: dict[str, dict[str, Any]] = {}
    for case_id, predictions in opinions.items():
        used = [*predictions, *([averages[case_id]] if case_id in averages else [])]
        made[case_id] = {
            "recipe": scoring,
            **{one.network: [one.weights_sha256, list(one.organs)] for one in used},
        }
    return made


def scored_cases(project: Project) -> set[str]:
    """Give the cases whose score of this round is made from what the networks predict now."""
    number, scoring = project.store.rounds.current().number, project.settings.scoring
    averages = project.predictions(AVERAGE) if scoring == "published" else {}
    inputs = score_inputs(scoring, project.opinions(), averages)
    scores = project.store.scores.of_round(number)
    return {one.case_id for one in scores if dict(one.made_from) == inputs.get(one.case_id)}
