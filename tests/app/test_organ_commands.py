import json

import pytest

from omentum.project.settings import read_settings


@pytest.fixture
def project(omentum, home, cohort, tmp_path):
    """A project of one synthetic patient."""
    made = tmp_path / "atlas"
    assert omentum("init", made, "--organs", "liver,spleen", "--network", "tiny").code == 0
    label = ("--label", "labels.nii.gz", "--label-ids", "omentum", "--label-organs", "liver")
    assert omentum("-C", made, "add", cohort / "phantom_0000" / "ct.nii.gz", "--id", "a", *label).code in (
        0,
        2,
    )
    return made


def rows(omentum, project):
    return {row["organ"]: row for row in json.loads(omentum("-C", project, "organs", "list", "--json").out)}


def test_an_organ_is_added_and_told_apart_until_a_network_knows_it(omentum, project):
    ran = omentum("-C", project, "organs", "add", "duodenum", "--from", "stomach,colon")
    assert ran.code == 0
    assert "draw it in some cases" in ran.out
    settings = read_settings(project / "omentum.toml")
    assert settings.organs == ("spleen", "liver", "duodenum")
    assert settings.similar_to_new == {"duodenum": ("stomach", "colon")}
    found = rows(omentum, project)
    assert found["duodenum"]["known_to"] == []
    assert found["liver"]["known_to"] == ["tiny"]
    assert "none yet" in omentum("-C", project, "organs", "list").out


def test_an_organ_that_is_there_or_that_nobody_knows_is_refused(omentum, project):
    before = (project / "omentum.toml").read_bytes()
    for arguments, why in (
        (("liver",), "already"),
        (("soul",), "no organ is called 'soul'"),
        (("duodenum", "--from", "soul"), "no organ is called 'soul'"),
    ):
        ran = omentum("-C", project, "organs", "add", *arguments)
        assert (ran.code, len(ran.err.strip().splitlines())) == (2, 1)
        assert why in ran.err
    assert (project / "omentum.toml").read_bytes() == before
