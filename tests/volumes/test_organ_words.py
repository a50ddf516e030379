import pytest

from omentum.volumes.organ_words import is_generic_name, organ_in_words, organ_or_pair_in_words, pair_in_words


@pytest.mark.parametrize(
    ("name", "organ"),
    [
        ("right kidney", "kidney_right"),
        ("kidney_right", "kidney_right"),
        ("Kidney-R", "kidney_right"),
        ("Lt Kidney", "kidney_left"),
        ("RightKidney", "kidney_right"),
        ("Kidney (left)", "kidney_left"),
        ("KIDNEY, LEFT", "kidney_left"),
        ("A_Aorta", "aorta"),
        ("V_VenaCava_I", "postcava"),
        ("Glnd_Adrenal_L", "adrenal_gland_left"),
        ("Bowel_Small", "intestine"),
        ("Pancreas^manual", "pancreas"),
        ("liver tumours", "liver_tumor"),
        ("Femur_Head_R", "femur_right"),
        ("Left femoral head", "femur_left"),
    ],
)
def test_an_organ_is_known_in_any_spelling_and_order_of_words(name, organ):
    assert organ_in_words(name) == organ


@pytest.mark.parametrize(
    "name",
    [
        "liver wall",
        "liver and spleen",
        "Liver+5",
        "liver~",
        "liver2",
        "non-liver",
        "tumor",
        "left",
        "",
        "foie",
        "Femur L",
        "femurs",
        "lung lobe right",
        "肝 liver",
        "kidney left right",
        "liver (1)",
        "left kidney tumour",
    ],
)
def test_a_part_a_margin_a_draft_or_another_structure_is_no_organ(name):
    assert organ_or_pair_in_words(name) is None


def test_both_sides_are_a_pair_and_never_one_side():
    named = ("kidneys", "Kidney", "both kidneys", "lungs", "adrenal glands", "Adrenals", "femoral heads")
    assert [pair_in_words(name) for name in named] == [
        "kidney", "kidney", "kidney", "lung", "adrenal_gland", "adrenal_gland", "femur",
    ]  # fmt: skip
    assert not any(organ_in_words(name) for name in named)


def test_names_that_programs_give_say_nothing():
    for name in (None, "", "Segment_1", "Segmentation", "Label 12", "label", "7", "ROI-3"):
        assert is_generic_name(name)
    for name in ("liver", "Segment_liver", "Label of A"):
        assert not is_generic_name(name)
