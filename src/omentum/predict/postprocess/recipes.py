"""Which of a network's voxels are the organ? Rules by name, in two recipes.

In:  each organ's mask in a box of a grid.
Out: cleaned masks on the same grid, what each rule took or added in mL, and notes for people.
"""

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
    """Masks of one case, cleaned.

    Attributes:
        parts: Each organ that has a voxel: the smallest box on the grid, and the mask inside it.
        removed_ml: Organ, then rule: how much smaller the rule made it, in mL; negative where it grew;
            rules that left the volume as it was are not there.
        notes: What a person should know of, one sentence each.
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
    """Clean the masks of one case.

    Args:
        parts: Organ to the box on the grid and the mask inside it; an organ that is not here is empty.
        geometry: The grid, with any axes: left, right, up and down follow from the affine.
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
    """Give the rules of a recipe in order, without some; raises `ConfigError` where a name is none."""
    if recipe not in RECIPES:
        raise ConfigError("recipe", recipe, f"the recipes are {', '.join(RECIPES)}")
    for name in without:
        if name not in RECIPES[recipe]:
            known = f"the rules of recipe {recipe} are {', '.join(RECIPES[recipe])}"
            raise ConfigError("rule to leave out", name, known)
    return {name: rule for name, rule in RECIPES[recipe].items() if name not in without}
