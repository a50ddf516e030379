import numpy as np
import pytest
from scipy import ndimage

from omentum.predict.postprocess.recipes import RECIPES
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import ORGANS, organ
from omentum.volumes.volume import Volume

NEIGHBOURS_26 = np.ones((3, 3, 3))


@pytest.fixture
def only(clean, grid):
    """Apply some rules of the default recipe, and no others, to whole masks."""

    def run(masks, *rules, geometry=grid):
        return clean(masks, geometry, without=[name for name in RECIPES["default"] if name not in rules])

    return run


@pytest.fixture
def speckled(grid):
    """A mask of many pieces of different sizes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(2).random(grid.shape), 1.2)
    return noise > np.quantile(noise, 0.93)


def pieces(mask):
    """List the pieces of a mask by falling size, as scipy finds them."""
    labels, n_pieces = ndimage.label(mask, NEIGHBOURS_26)
    return sorted((labels == n for n in range(1, n_pieces + 1)), key=np.count_nonzero, reverse=True)


def union(masks):
    return np.any(masks, axis=0)


@pytest.mark.parametrize("name", ["colon", "hepatic_vessel", "liver_tumor", "kidney_tumor", "spleen"])
def test_specks_are_pieces_under_the_least_volume_in_ml(only, speckled, grid, name):
    least = organ(name).min_piece_ml / 0.027
    cleaned, result = only({name: speckled}, "specks")
    kept = [piece for piece in pieces(speckled) if piece.sum() >= least]
    assert 0 < len(kept) < len(pieces(speckled))
    assert (cleaned[name] == union(kept)).all()
    assert result.removed_ml[name]["specks"] == pytest.approx(
        (speckled.sum() - cleaned[name].sum()) * grid.voxel_ml
    )


def test_specks_are_measured_in_ml_so_finer_voxels_need_more_of_them(only, block):
    mask = {"spleen": block((5, 15), (5, 15), (5, 15)) | block((30, 32), (30, 32), (30, 31))}
    coarse, _ = only(mask, "specks")
    fine, _ = only(mask, "specks", geometry=Geometry((60, 40, 50), np.diag([1.0, 1.5, 1.5, 1.0])))
    assert (coarse["spleen"].sum(), fine["spleen"].sum()) == (1004, 1000)


def test_an_organ_that_is_a_speck_stays_and_a_lesion_goes(only, block):
    speck = block((5, 6), (5, 6), (5, 6))
    cleaned, _ = only({"spleen": speck, "liver_tumor": speck}, "specks")
    assert cleaned["spleen"].sum() == 1
    assert not cleaned["liver_tumor"].any()


@pytest.mark.parametrize("name", ["liver", "colon", "aorta", "esophagus"])
def test_organs_keep_as_many_pieces_as_the_table_says(only, speckled, name):
    cleaned, _ = only({name: speckled}, "largest")
    assert (cleaned[name] == union(pieces(speckled)[: organ(name).max_pieces])).all()


def test_vessels_and_lungs_are_no_matter_of_the_largest_piece(only, speckled):
    masks = dict.fromkeys(["hepatic_vessel", "portal_vein_and_splenic_vein", "lung_left"], speckled)
    assert all((mask == speckled).all() for mask in only(masks, "largest")[0].values())


def test_both_poles_of_a_kidney_divided_by_its_tumour_stay_and_a_stray_piece_goes(only, block):
    upper, lower = block((10, 16), (4, 10), (20, 26)), block((10, 16), (4, 10), (8, 12))
    stray = block((20, 24), (30, 34), (40, 44))
    tumour = block((10, 16), (4, 10), (12, 20))
    masks = {"kidney_left": upper | lower | stray, "kidney_tumor": tumour}
    assert (only(masks, "largest")[0]["kidney_left"] == upper | lower).all()
    alone = {"kidney_left": upper | lower | stray}
    assert (only(alone, "largest")[0]["kidney_left"] == upper).all()


def test_an_upper_pole_named_after_the_other_kidney_is_given_to_its_own(only, block):
    left, right = block((10, 16), (4, 10), (10, 22)), block((42, 48), (4, 10), (8, 18))
    pole, far = block((42, 46), (4, 10), (18, 22)), block((50, 52), (30, 32), (30, 32))
    cleaned, result = only({"kidney_left": left | pole | far, "kidney_right": right}, "sides")
    assert (cleaned["kidney_left"] == left | far).all()
    assert (cleaned["kidney_right"] == right | pole).all()
    assert result.removed_ml["kidney_left"]["sides"] == -result.removed_ml["kidney_right"]["sides"] > 0
    assert result.notes == ()


def test_half_of_the_only_kidney_is_given_to_it_and_leaves_no_kidney_on_the_other_side(only, block):
    lower, upper = block((42, 48), (4, 10), (8, 18)), block((42, 48), (4, 10), (18, 24))
    cleaned, _ = only({"kidney_left": upper, "kidney_right": lower}, "sides")
    assert not cleaned["kidney_left"].any()
    assert (cleaned["kidney_right"] == lower | upper).all()


def test_both_halves_of_a_horseshoe_kidney_keep_their_sides(only, block):
    masks = {
        "kidney_left": block((10, 16), (4, 10), (10, 22)) | block((16, 30), (6, 9), (10, 13)),
        "kidney_right": block((42, 48), (4, 10), (10, 22)) | block((30, 42), (6, 9), (10, 13)),
    }
    cleaned, _ = only(masks, "sides")
    assert all((cleaned[name] == mask).all() for name, mask in masks.items())


def test_kidneys_on_each_other_s_side_are_exchanged_with_a_note_and_a_speck_exchanges_nothing(only, block):
    on_left, on_right = block((10, 16), (4, 10), (10, 22)), block((42, 48), (4, 10), (8, 18))
    speck = block((55, 57), (4, 6), (10, 12))
    cleaned, result = only({"kidney_left": on_right, "kidney_right": on_left}, "sides")
    assert (cleaned["kidney_left"] == on_left).all()
    assert (cleaned["kidney_right"] == on_right).all()
    assert result.notes == ("kidney_left and kidney_right lay on each other's side and were exchanged",)
    cleaned, result = only({"kidney_left": speck, "kidney_right": on_right}, "sides")
    assert (cleaned["kidney_right"] == on_right).all()
    assert result.notes == ()


@pytest.mark.parametrize("margin_voxels", [1, 2, 3])
def test_lesions_near_their_host_stay_whole_and_far_ones_go(only, block, margin_voxels):
    host = block((20, 40), (10, 30), (10, 30))
    inner = block((25, 30), (15, 20), (15, 20))
    outer = block((39 + margin_voxels, 55), (15, 20), (15, 20))
    cleaned, _ = only({"liver": host, "liver_tumor": inner | outer}, "hosts")
    distance_mm = ndimage.distance_transform_edt(~host, sampling=3.0)[outer].min()
    expected = inner | outer if distance_mm <= organ("liver_tumor").host_margin_mm else inner
    assert distance_mm == 3 * margin_voxels
    assert (cleaned["liver_tumor"] == expected).all()


def test_a_lesion_without_any_host_in_view_stays_with_a_note(only, block):
    tumour = block((20, 25), (10, 15), (10, 15))
    cleaned, result = only({"kidney_tumor": tumour}, "hosts")
    assert (cleaned["kidney_tumor"] == tumour).all()
    assert "kidney_tumor: no kidney_right or kidney_left was found" in result.notes[0]


def test_lesions_keep_their_largest_pieces(only, speckled):
    masks = {row.name: speckled for row in ORGANS if row.kind != "organ"}
    cleaned, _ = only(masks, "count")
    for name, mask in cleaned.items():
        assert mask.sum() == sum(piece.sum() for piece in pieces(speckled)[: organ(name).max_components])


@pytest.mark.parametrize("orientation", ["RAS", "LPI", "SRA"])
@pytest.mark.parametrize("slope", [0.0, 0.3])
def test_veins_end_where_the_pancreas_ends_in_mm_on_tilted_grids_too(only, patient, grid, orientation, slope):
    cosine, sine = np.cos(slope), np.sin(slope)
    affine = np.eye(4)
    affine[:3, :3] = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]) * 3
    tilted = Geometry(grid.shape, affine)
    masks = {name: patient[name] for name in ("pancreas", "portal_vein_and_splenic_vein")}
    masks["pancreas"] = pieces(masks["pancreas"])[0]
    stored = {name: Volume(mask, tilted).reoriented(orientation) for name, mask in masks.items()}
    turned = stored["pancreas"].geometry
    cleaned, _ = only({name: v.voxels for name, v in stored.items()}, "veins", geometry=turned)

    def heights_mm(mask):
        return turned.to_mm(np.argwhere(mask))[:, 2]

    raw, kept = stored["portal_vein_and_splenic_vein"].voxels, cleaned["portal_vein_and_splenic_vein"]
    lowest_mm = heights_mm(stored["pancreas"].voxels).min()
    assert 0 < kept.sum() == (heights_mm(raw) >= lowest_mm - 0.1).sum() < raw.sum()
    assert heights_mm(kept).min() >= lowest_mm - 0.1


def test_veins_are_not_cut_by_a_pancreas_above_most_of_them(only, block):
    vein = block((28, 32), (20, 23), (12, 30))
    cleaned, result = only(
        {"pancreas": block((20, 30), (15, 20), (26, 34)), "portal_vein_and_splenic_vein": vein}, "veins"
    )
    assert (cleaned["portal_vein_and_splenic_vein"] == vein).all()
    assert "left as it is" in result.notes[0]


def test_small_enclosed_holes_are_filled_and_large_or_open_ones_stay(only, block, grid):
    liver = block((5, 45), (5, 35), (5, 45))
    small, large = block((10, 14), (10, 14), (10, 14)), block((18, 30), (10, 25), (10, 25))
    tunnel, at_edge = block((35, 37), (10, 12), (5, 20)), block((0, 4), (0, 4), (0, 4))
    cleaned, result = only({"liver": liver & ~small & ~large & ~tunnel | at_edge}, "holes")
    assert large.sum() * grid.voxel_ml > organ("liver").max_hole_ml
    assert (cleaned["liver"] == liver & ~large & ~tunnel | at_edge).all()
    assert result.removed_ml == {"liver": {"holes": pytest.approx(-small.sum() * grid.voxel_ml)}}


def test_what_intestine_and_vessels_enclose_is_not_theirs(only, block):
    ring = block((5, 15), (5, 15), (5, 15)) & ~block((8, 10), (8, 10), (8, 10))
    masks = dict.fromkeys(["intestine", "hepatic_vessel", "liver_tumor"], ring)
    assert all((mask == ring).all() for mask in only(masks, "holes")[0].values())
