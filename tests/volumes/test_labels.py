import json

import pytest

from omentum.errors import UnknownOrganError
from omentum.volumes.labels import ORGANS, SUBSETS, organ, organs_named, subset_ids


@pytest.fixture(scope="module")
def published(shared):
    return json.loads((shared / "reference/tables/labels_32.json").read_text())


def test_the_table_is_the_published_one_but_for_the_celiac_trunk(published):
    rows = ORGANS[: len(published["classes"])]
    assert [row["index"] for row in published["classes"]] == [row.index for row in rows]
    ours = ["celiac_truck" if row.name == "celiac_trunk" else row.name for row in rows]
    assert ours == [row["name"] for row in published["classes"]]


def test_rules_for_pieces_and_lists_of_the_attention_are_the_published_ones(published):
    for row, theirs in zip(ORGANS, published["classes"], strict=False):
        assert row.max_components == theirs.get("max_components"), row.name
        assert row.min_voxels_exclusive == theirs.get("min_voxels_exclusive"), row.name
        assert (row.target, row.overlap) == (theirs["target"], theirs["overlap"]), row.name
    assert [row.index for row in ORGANS if row.target] == published["target"]
    assert [row.name for row in ORGANS if row.overlap] == published["overlap_names"]


def test_each_tumour_and_cyst_lies_in_the_published_hosts(published):
    for row, theirs in zip(ORGANS, published["classes"], strict=False):
        assert [organ(host).index for host in row.hosts] == theirs.get("host_organs", []), row.name
        assert (row.kind == "organ") == (theirs["kind"] == "organ"), row.name
    assert organ("colon_tumor").hosts == ("colon",)
    assert [row.name for row in ORGANS if row.kind == "cyst"] == ["kidney_cyst"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_subsets_have_the_ids_of_the_released_data_sets(published, version):
    theirs = published[f"abdomenatlas_{version.replace('.', '_')}"]
    assert {str(number): name for number, name in subset_ids(f"abdomenatlas-{version}").items()} == theirs


def test_partners_are_mutual_and_differ_in_left_and_right_alone():
    paired = [row for row in ORGANS if row.partner]
    assert [row.name for row in paired] == [
        row.name for row in ORGANS if row.name.endswith(("_left", "_right"))
    ]
    for row in paired:
        other = organ(row.partner)
        assert other.partner == row.name
        swapped = {"left": "right", "right": "left"}
        assert other.name.split("_") == [swapped.get(word, word) for word in row.name.split("_")]


def test_no_two_organs_share_a_colour_and_all_are_bytes():
    colours = [row.colour for row in ORGANS]
    assert len(set(colours)) == len(ORGANS)
    assert all(len(colour) == 3 and all(0 <= part <= 255 for part in colour) for colour in colours)


def test_plausible_volumes_are_given_for_organs_and_rise():
    for row in ORGANS:
        if row.kind == "organ":
            assert row.volume_ml is not None
            assert 0 < row.volume_ml[0] < row.volume_ml[1]


def test_limits_of_pieces_in_ml_are_those_in_voxels_at_the_published_spacing():
    for row in ORGANS:
        if row.min_voxels_exclusive is not None:
            published_ml = row.min_voxels_exclusive * 1.5**3 / 1000
            assert row.min_piece_ml == pytest.approx(published_ml, abs=0.005), row.name


def test_an_organ_may_be_in_pieces_or_is_a_lesion_that_starts_near_its_hosts():
    in_any_number = {"hepatic_vessel", "portal_vein_and_splenic_vein", "lung_left", "lung_right"}
    for row in ORGANS:
        is_single = row.kind == "organ" and row.name not in in_any_number
        assert (row.max_pieces is not None) == is_single, row.name
        assert (row.host_margin_mm is not None) == (bool(row.hosts) and row.name != "hepatic_vessel_tumor")
        assert row.volume_ml is None or row.min_piece_ml <= row.volume_ml[0]
        assert row.volume_ml is None or row.max_hole_ml is None or row.max_hole_ml < row.volume_ml[1] / 10


def test_indices_rise_from_1_without_a_gap_and_fit_a_byte():
    assert [row.index for row in ORGANS] == list(range(1, len(ORGANS) + 1))
    assert len(ORGANS) < 256


def test_both_of_a_pair_have_the_same_limits():
    limits = {row.name: (row.volume_ml, row.max_pieces, row.min_piece_ml, row.max_hole_ml) for row in ORGANS}
    assert all(limits[row.name] == limits[row.partner] for row in ORGANS if row.partner)


def test_an_organ_is_found_by_name_by_index_and_by_its_old_spelling():
    for row in ORGANS:
        assert organ(row.name) is organ(row.index) is row
    assert organ("celiac_truck").name == "celiac_trunk"


@pytest.mark.parametrize("key", ["Liver", "", "kidney", 0, 256, -1, "6", None])
def test_an_unknown_organ_is_refused_with_the_names_there_are(key):
    with pytest.raises(UnknownOrganError, match=r"no organ is called .*; known are spleen, .*kidney_cyst"):
        organ(key)


def test_organs_and_subsets_may_be_mixed_and_come_once_by_index():
    found = organs_named(["abdomenatlas-1.0", "liver", "celiac_truck", "kidney_cyst"])
    assert [row.index for row in found] == [1, 2, 3, 4, 6, 7, 8, 9, 11, 25, 32]
    assert organs_named(["omentum"]) == ORGANS
    assert organs_named([]) == ()


def test_every_member_of_a_subset_is_an_organ():
    for members in SUBSETS.values():
        assert len({organ(name).index for name in members}) == len(members)


def test_an_unknown_subset_is_refused_with_the_subsets_there_are():
    with pytest.raises(UnknownOrganError, match=r"abdomenatlas-1\.0"):
        subset_ids("abdomenatlas-9.9")


def test_a_major_revision_is_told_for_every_organ_and_less_strictly_where_readers_differ_more():
    assert all(0.4 <= row.major_below_dice <= 0.95 for row in ORGANS)
    assert all(row.major_below_dice == organ(row.partner).major_below_dice for row in ORGANS if row.partner)
    assert organ("pancreas").major_below_dice < organ("liver").major_below_dice
    assert organ("gall_bladder").major_below_dice < 0.9
