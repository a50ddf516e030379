"""List the structures of TotalSegmentator that are our organs, or parts of them."""

__all__ = ["N_STRUCTURES", "STRUCTURES"]

STRUCTURES: dict[str, dict[str, int]] = {
    "spleen": {"spleen": 1},
    "kidney_right": {"kidney_right": 2},
    "kidney_left": {"kidney_left": 3},
    "gall_bladder": {"gallbladder": 4},
    "esophagus": {"esophagus": 15},
    "liver": {"liver": 5},
    "stomach": {"stomach": 6},
    "aorta": {"aorta": 52},
    "postcava": {"inferior_vena_cava": 63},
    "portal_vein_and_splenic_vein": {"portal_vein_and_splenic_vein": 64},
    "pancreas": {"pancreas": 7},
    "adrenal_gland_right": {"adrenal_gland_right": 8},
    "adrenal_gland_left": {"adrenal_gland_left": 9},
    "duodenum": {"duodenum": 19},
    "lung_right": {
        "lung_upper_lobe_right": 12,
        "lung_middle_lobe_right": 13,
        "lung_lower_lobe_right": 14,
    },
    "lung_left": {"lung_upper_lobe_left": 10, "lung_lower_lobe_left": 11},
    "colon": {"colon": 20},
    "intestine": {"small_bowel": 18},
    "bladder": {"urinary_bladder": 21},
    "prostate": {"prostate": 22},
    "kidney_cyst": {"kidney_cyst_left": 23, "kidney_cyst_right": 24},
}
"""Structures whose union is an organ, with their ids in task `total`, version 2. Its femurs are whole bones,
ours are heads."""
N_STRUCTURES = 117
"""Ids of that task run from 1 to this."""
