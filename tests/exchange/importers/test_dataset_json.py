import json

import pytest

from omentum.exchange.importers.dataset_json import read_list


@pytest.mark.parametrize(
    ("image", "label", "case_id"),
    [
        ("imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz", "a"),
        ("imagesTr/a_0000.nii.gz", "labelsTr/a_0000.nii.gz", "a_0000"),
        ("imagesTr/a_0000.nii.gz", None, "a"),
    ],
)
def test_the_number_of_a_channel_is_no_part_of_a_name_unless_the_label_has_it_too(
    tmp_path, image, label, case_id
):
    entry = {"image": image} if label is None else {"image": image, "label": label}
    for name in entry.values():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    listed = tmp_path / "dataset.json"
    listed.write_text(json.dumps({"training": [entry], "labels": {"0": "background", "1": "liver"}}))
    found = read_list(listed)
    assert found is not None
    assert [one.case_id for one in found.sources] == [case_id]
