import subprocess
import sys

import numpy as np
import pytest

from omentum.errors import ConfigError, UnknownOrganError
from omentum.predict.postprocess.recipes import RECIPES, postprocessed
from omentum.volumes.boxes import BoxedArray
from omentum.volumes.geometry import ALL_ORIENTATIONS
from omentum.volumes.volume import Volume

every_recipe = pytest.mark.parametrize("recipe", RECIPES)
every_rule = pytest.mark.parametrize(
    ("recipe", "rule"), [(recipe, rule) for recipe, rules in RECIPES.items() for rule in rules]
)


@every_recipe
def test_without_its_rules_a_recipe_changes_nothing(patient, grid, clean, recipe):
    cleaned, result = clean(patient, grid, recipe=recipe, without=RECIPES[recipe])
    assert all((cleaned[name] == mask).all() for name, mask in patient.items())
    assert (result.removed_ml, result.notes) == ({}, ())


@every_rule
def test_a_rule_that_is_left_out_reports_nothing_and_one_that_is_alone_changes_the_patient(
    patient, grid, clean, recipe, rule
):
    _, rest = clean(patient, grid, recipe=recipe, without=[rule])
    assert not any(rule in by_rule for by_rule in rest.removed_ml.values())
    alone, only = clean(
        patient, grid, recipe=recipe, without=[name for name in RECIPES[recipe] if name != rule]
    )
    assert {name for by_rule in only.removed_ml.values() for name in by_rule} <= {rule}
    assert any((alone[name] != mask).any() for name, mask in patient.items())


@every_recipe
def test_what_the_rules_took_adds_up_to_the_difference_of_volumes(patient, grid, clean, recipe):
    cleaned, result = clean(patient, grid, recipe=recipe)
    for name, mask in patient.items():
        taken = sum(result.removed_ml.get(name, {}).values())
        difference = int(mask.sum()) - int(cleaned[name].sum())
        assert taken == pytest.approx(difference * grid.voxel_ml, abs=1e-9), name
    assert result.removed_ml
    assert all(ml != 0 for by_rule in result.removed_ml.values() for ml in by_rule.values())


@pytest.mark.parametrize("orientation", ALL_ORIENTATIONS)
def test_the_default_gives_every_orientation_the_same_masks_by_name(patient, grid, clean, orientation):
    plain, _ = clean(patient, grid)
    stored = {name: Volume(mask, grid).reoriented(orientation) for name, mask in patient.items()}
    turned = stored["liver"].geometry
    assert turned.orientation == orientation
    cleaned, _ = clean({n: v.voxels for n, v in stored.items()}, turned)
    for name, mask in cleaned.items():
        assert (Volume(mask, turned).reoriented("RAS").voxels == plain[name]).all(), name


@every_recipe
def test_boxes_around_the_masks_change_nothing_and_masks_given_stay_as_they_are(patient, grid, clean, recipe):
    before = {name: mask.copy() for name, mask in patient.items()}
    plain, result = clean(patient, grid, recipe=recipe)
    boxed = {name: BoxedArray.cut_out(mask) for name, mask in patient.items()}
    again = postprocessed(boxed, grid, recipe=recipe)
    assert again.removed_ml == result.removed_ml
    for name, (box, mask) in again.parts.items():
        assert (plain[name][box] == mask).all()
        assert mask.sum() == plain[name].sum()
    assert all((before[name] == mask).all() for name, mask in patient.items())


@every_recipe
def test_nothing_in_is_nothing_out(grid, recipe):
    empty = {"liver": BoxedArray.whole(np.zeros((4, 4, 4), dtype=bool))}
    for parts in ({}, empty):
        result = postprocessed(parts, grid, recipe=recipe)
        assert (result.parts, result.removed_ml, result.notes) == ({}, {}, ())


def test_old_spelling_of_an_organ_is_taken_and_an_unknown_one_refused(grid):
    part = BoxedArray.whole(np.ones((4, 4, 4), dtype=bool))
    assert set(postprocessed({"celiac_truck": part}, grid).parts) == {"celiac_trunk"}
    with pytest.raises(UnknownOrganError, match="spline"):
        postprocessed({"spline": part}, grid)


def test_unknown_recipe_and_unknown_rule_are_refused_with_the_names_there_are(grid):
    with pytest.raises(ConfigError, match="'better', but the recipes are default, published"):
        postprocessed({}, grid, recipe="better")
    with pytest.raises(ConfigError, match=r"'hole', but the rules of recipe default are specks, .*holes"):
        postprocessed({}, grid, without=["hole"])


def test_every_rule_says_in_one_line_what_it_does():
    for rules in RECIPES.values():
        assert all(rule.__doc__ and "\n" not in rule.__doc__ for rule in rules.values())


def test_names_of_the_rules_are_known_without_torch():
    code = "import sys, omentum.predict.postprocess.recipes; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
