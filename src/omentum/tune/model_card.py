"""Write the model card of a tuned network, in Markdown, beside its weights."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omentum.networks.network import NetworkSpec
from omentum.tune.say_choices import choices_in_words
from omentum.volumes.atomic import write_text
from omentum.volumes.labels import organ

__all__ = ["write_model_card"]


def write_model_card(path: Path, spec: NetworkSpec, story: Mapping[str, Any]) -> None:
    """Write what the network is, what it learned from (as in `tune.json`), and what it is not for."""
    organs = ", ".join(organ(name).display_name for name in spec.organs)
    tuned = ", ".join(organ(name).display_name for name in story.get("organs", spec.organs)) or "nothing"
    lines = [
        f"# {story['name']}",
        "",
        f"- **Architecture**: `{spec.architecture}`, voxels of {spec.spacing_mm:g} mm",
        f"- **Organs**: {organs}",
        f"- **Made by**: `omentum tune --mode {story['mode']}` after round {story['round']}",
        f"- **Parent**: `{story['parent']}`",
        f"- **Learned**: {tuned}, from {_cases(story)}, in {story['seconds']:g} s",
        f"- **Weights (SHA-256)**: `{story['weights_sha256']}`",
        "",
        *_choices(story),
        "Its settings and cases are in `tune.json`. It is made to propose masks that experts check; it is",
        "no medical device and not for diagnosis. How well it does is in the round's report, on patients",
        "that it never learned from.",
        "",
    ]
    write_text(path, "\n".join(lines))


def _choices(story: Mapping[str, Any]) -> list[str]:
    lines = [f"- {line}" for line in choices_in_words(story)]
    if not lines:
        return []
    return ["What was chosen for each organ, by cross-validation over revised patients:", "", *lines, ""]


def _cases(story: Mapping[str, Any]) -> str:
    cases, config = f"{len(story['cases'])} cases", story.get("config", {})
    if not config.get("rendered_share"):
        return cases
    anatomy = [f"`{name}`" for name in story["anatomy"]]
    if config["made_share"] or not anatomy:
        anatomy.insert(0, "formulas")
    return f"{cases} and patients made up on the fly (anatomy of {', '.join(anatomy)})"
