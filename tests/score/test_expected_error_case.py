import json
from types import SimpleNamespace

import numpy as np
import pytest

from omentum.errors import GridMismatchError, ProjectError, UnknownOrganError
from omentum.measures.canonical_grid import canonical
from omentum.score.calibration import Calibration
from omentum.score.expected_error_case import LEVELS_NAME, score_expected_error_case
from omentum.score.hot_spots import MOST_SPOTS
from omentum.score.published_case import HOT_SPOTS_NAME, heat_path
from omentum.volumes.geometry import Geometry
from omentum.volumes.nifti import read_nifti
from omentum.volumes.probabilities import read_probabilities

ORGANS = ("liver", "spleen", "kidney_right")


@pytest.fixture
def calibration(prior_of):
    """Low thresholds, so that the made case has many hot spots."""
    return Calibration(prior_of(flag_over=0.05, least_error_ml=0.01))


@pytest.fixture
def scored(scan, desk_at, calibration):
    """Function: score a made case in a folder of its own."""

    def score(case=scan, name="one", organs=ORGANS, **changes):
        desk = desk_at(name, case.geometry)
        predictions = case.stored(desk)
        folder = desk.folder / "attention"
        result = score_expected_error_case(
            desk.case_with(**changes), predictions, organs, folder, calibration
        )
        written = json.loads((folder / HOT_SPOTS_NAME).read_text())
        return SimpleNamespace(
            score=result,
            organs={one.organ: one for one in result.organs},
            written=written,
            folder=folder,
            predictions=predictions,
            desk=desk,
        )

    return score


def part_of(spot):
    return tuple(slice(a, b + 1) for a, b in zip(spot["low_voxel"], spot["high_voxel"], strict=True))


def test_the_score_of_a_case_is_the_expected_error_of_all_its_organs(scored):
    made = scored()
    assert made.organs.keys() == set(ORGANS)
    assert made.score.score == pytest.approx(sum(one.error_ml for one in made.score.organs))
    assert made.score.score == made.written["score"] > 0
    told = {one["organ"]: one for one in made.written["organs"]}
    for name, one in made.organs.items():
        assert (told[name]["error_ml"], told[name]["dice_loss"]) == (one.error_ml, one.dice_loss)


def test_volume_and_entropy_of_the_mask_that_is_shown_are_kept(scored, scan):
    made = scored()
    for name, mask in scan.masks.items():
        expected = mask.sum() * scan.geometry.voxel_ml
        assert made.organs[name].predicted_ml == pytest.approx(expected, rel=0.03)
    assert made.organs["spleen"].entropy_ml > 1
    assert made.organs["kidney_right"].entropy_ml == 0


def test_heat_maps_are_bytes_on_the_cts_grid(scored, scan):
    made = scored()
    assert made.written["hot_spots"]
    for name in {spot["organ"] for spot in made.written["hot_spots"]}:
        heat = read_nifti(heat_path(made.folder, name))
        assert heat.voxels.dtype == np.uint8
        assert heat.geometry.same_grid(scan.geometry)
        assert heat.voxels.any()


def test_all_heat_lies_in_hot_spots_and_every_hot_spot_has_heat_on_each_face(scored):
    made = scored()
    names = {spot["organ"] for spot in made.written["hot_spots"]}
    for name in names:
        heat = read_nifti(heat_path(made.folder, name)).voxels
        outside = heat.copy()
        for spot in made.written["hot_spots"]:
            if spot["organ"] == name:
                there = heat[part_of(spot)] > 0
                assert there.any()
                outside[part_of(spot)] = 0
        assert not outside.any()


def test_hot_spots_fall_by_expected_error_and_are_those_of_each_organs_score(scored):
    made = scored()
    spots = made.written["hot_spots"]
    assert [one["error_ml"] for one in spots] == sorted((one["error_ml"] for one in spots), reverse=True)
    for name, one in made.organs.items():
        own = [spot for spot in spots if spot["organ"] == name]
        assert [spot["error_ml"] for spot in own] == pytest.approx(list(one.spots_ml), abs=1e-4)
        assert len(own) <= MOST_SPOTS
        assert one.priority == pytest.approx(sum(one.spots_ml))
        assert one.priority <= one.error_ml + 1e-6
        volume_ml = sum(spot["volume_ml"] for spot in own)
        assert one.attention_ml == pytest.approx(volume_ml, abs=1e-2)
        assert one.attention_ml == pytest.approx(one.attention_voxels * 2.5**3 / 1000)


def test_levels_are_kept_on_the_canonical_grid_for_every_organ_that_has_any(scored, scan):
    levels = read_probabilities(scored().folder / LEVELS_NAME)
    assert levels.geometry.same_grid(canonical(scan.geometry))
    assert levels.organs == tuple(sorted(ORGANS, key=levels.organs.index))
    assert {"liver", "spleen"} <= set(levels.parts)
    assert levels.parts["spleen"][1].any()


@pytest.mark.parametrize("orientation", ["RAS", "SAR", "PIR"])
def test_hot_spots_are_at_the_same_place_in_mm_in_every_orientation(scored, scan, orientation):
    upright = scored()
    turned = scored(scan.turned(orientation), name=orientation)
    assert turned.score.score == pytest.approx(upright.score.score, rel=0.01)
    for name, one in upright.organs.items():
        pairs = [
            [spot for spot in made.written["hot_spots"] if spot["organ"] == name]
            for made in (upright, turned)
        ]
        assert len(pairs[0]) == len(pairs[1])
        assert turned.organs[name].reasons == one.reasons
        for a, b in zip(*(sorted(own, key=lambda spot: spot["centre_mm"]) for own in pairs), strict=True):
            for key in ("low_mm", "high_mm", "centre_mm"):
                np.testing.assert_allclose(a[key], b[key], atol=2.5)
            assert a["error_ml"] == pytest.approx(b["error_ml"], rel=0.05, abs=0.02)


def test_organs_that_the_data_set_annotates_itself_are_left_out(scored):
    made = scored(original_organs=("spleen",))
    assert made.organs.keys() == {"liver", "kidney_right"}
    assert not heat_path(made.folder, "spleen").exists()
    assert "spleen" not in read_probabilities(made.folder / LEVELS_NAME).parts


def test_organs_that_the_main_network_does_not_know_are_left_out(scored):
    assert scored(organs=["liver", "colon"]).organs.keys() == {"liver"}


def test_a_case_that_annotates_all_organs_itself_needs_nothing(scored):
    made = scored(original_organs=ORGANS)
    assert (made.score.score, made.score.organs, made.written["hot_spots"]) == (0, (), [])


def test_scoring_again_gives_the_same_bytes_to_readers_and_the_same_levels(scored, calibration):
    made = scored()

    def files():
        return {path.name: path.read_bytes() for path in made.folder.iterdir() if path.name != LEVELS_NAME}

    first, levels = files(), read_probabilities(made.folder / LEVELS_NAME).parts
    again = score_expected_error_case(made.desk.case, made.predictions, ORGANS, made.folder, calibration)
    assert again == made.score
    assert files() == first
    assert len(first) > 1
    for name, (box, values) in read_probabilities(made.folder / LEVELS_NAME).parts.items():
        assert box == levels[name][0]
        np.testing.assert_array_equal(values, levels[name][1])


def test_heat_maps_of_an_earlier_run_do_not_stay(scored, calibration):
    made = scored()
    assert heat_path(made.folder, "spleen").exists()
    score_expected_error_case(made.desk.case, made.predictions, ["liver"], made.folder, calibration)
    assert not heat_path(made.folder, "spleen").exists()
    assert set(read_probabilities(made.folder / LEVELS_NAME).parts) == {"liver"}


def test_scoring_that_is_refused_leaves_nothing(scan, desk_at, calibration):
    desk = desk_at("refused", scan.geometry)
    predictions = scan.stored(desk)
    folder = desk.folder / "attention"
    with pytest.raises(UnknownOrganError):
        score_expected_error_case(desk.case, predictions, ["omentum majus"], folder, calibration)
    with pytest.raises(ProjectError):
        score_expected_error_case(desk.case, [], ORGANS, folder, calibration)
    with pytest.raises(ProjectError, match="other"):
        score_expected_error_case(desk.case_with(case_id="other"), predictions, ORGANS, folder, calibration)
    elsewhere = Geometry(scan.geometry.shape, np.diag([1.0, 1.0, 1.0, 1.0]))
    with pytest.raises(GridMismatchError):
        score_expected_error_case(
            desk.case_with(geometry=elsewhere), predictions, ORGANS, folder, calibration
        )
    assert not folder.exists()


def test_a_broken_rule_is_named_in_the_score_and_at_the_hot_spots(scored, scan, scan_of):
    shrunk = dict(scan.masks)
    shrunk["spleen"] = np.zeros_like(shrunk["spleen"])
    shrunk["spleen"][40:44, 22:26, 16:20] = True
    seen = [{**one, "spleen": shrunk["spleen"] * np.uint8(255)} for one in scan.networks]
    made = scored(scan_of(scan.geometry, shrunk, seen, scan.hu), name="small")
    reasons = made.organs["spleen"].reasons
    assert any(said.startswith("too small") for said in reasons)
    own = [spot for spot in made.written["hot_spots"] if spot["organ"] == "spleen"]
    assert own
    assert all(spot["reason"] == ", ".join(reasons) for spot in own)
    assert {one["organ"]: one["reasons"] for one in made.written["organs"]}["spleen"] == list(reasons)


def test_hot_spots_of_a_mask_that_breaks_no_rule_have_no_reason(scored):
    made = scored()
    assert made.organs["spleen"].reasons == ()
    assert all("reason" not in spot for spot in made.written["hot_spots"] if spot["organ"] == "spleen")


def test_one_network_is_enough_and_its_weights_are_told(scored, scan, scan_of):
    made = scored(scan_of(scan.geometry, scan.masks, scan.networks[:1], scan.hu), name="alone")
    assert made.score.score > 0
    assert made.written["networks"] == {"network-0": "0" * 64}
    assert made.written["recipe"] == "expected-error"


def test_the_thumbnail_of_the_ct_is_kept_to_push_duplicates_down(scored):
    assert len(scored().score.signature) == 2 * 6**3
