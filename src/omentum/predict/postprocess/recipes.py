"""Apply the rules of a post-processing recipe to the masks of one case."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from omentum.abdomenatlas.postprocess import PUBLISHED
from omentum.abdomenatlas.postprocess_input import PostprocessInput, Rule
from omentum.errors import ConfigError
from omentum.predict.postprocess.default import DEFAULT
from omentum.volumes.boxes import BoxedMask
from omentum.volumes.geometry import Geometry

__all__ = ["RECIPES", "PostProcessed", "postprocessed", "rules_of"]

RECIPES: Mapping[str, Mapping[str, Rule]] = {"default": DEFAULT, "published": PUBLISHED}
"""Rules of each recipe by name, in the order in which they are applied."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PostProcessed:
    """Post-processed masks of one case.

    Attributes:
        parts: Each organ that has a voxel, in its smallest box.
        removed_ml: By organ and rule, the volume removed in mL; negative if added, absent if unchanged.
        notes: For people, one sentence each.
    """

    parts: dict[str, BoxedMask]
    removed_ml: dict[str, dict[str, float]]
    notes: tuple[str, ...]


def postprocessed(
    parts: Mapping[str, BoxedMask],
    geometry: Geometry,
    *,
    recipe: str = "default",
    without: Collection[str] = (),
) -> PostProcessed:
    """Post-process the masks of one case.

    Args:
        parts: Organ to the box on the grid and the mask inside it; an organ that is not here is empty.
        geometry: The grid; directions follow from its affine.
        recipe: A name in `RECIPES`.
        without: Names of rules to leave out.

    Raises:
        ConfigError: No recipe, or no rule of it, has that name.
        UnknownOrganError: An organ is not in the label table.
    """
    rules = rules_of(recipe, without)
    case = PostprocessInput.of(parts, geometry)
    removed_ml: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    for rule_name, rule in rules.items():
        outcome = rule(case)
        before, case = case, case.changed(outcome.parts)
        notes += outcome.notes
        for name in outcome.parts:
            fewer = before.n_voxels(name) - case.n_voxels(name)
            if fewer:
                removed_ml.setdefault(name, {})[rule_name] = fewer * geometry.voxel_ml
    return PostProcessed(parts=case.parts_on(geometry), removed_ml=removed_ml, notes=tuple(notes))


def rules_of(recipe: str, without: Collection[str] = ()) -> dict[str, Rule]:
    """Return the rules of a recipe in order, without some; `ConfigError` for an unknown name."""
    if recipe not in RECIPES:
        raise ConfigError("postprocessing", recipe, f"the recipes are {', '.join(RECIPES)}")
    for name in without:
        if name not in RECIPES[recipe]:
            known = f"the rules of recipe {recipe} are {', '.join(RECIPES[recipe])}"
            raise ConfigError("rule to leave out", name, known)
    return {name: rule for name, rule in RECIPES[recipe].items() if name not in without}
