"""Projects in which a small network has predicted the synthetic patients, made once."""

from pathlib import Path

import pytest

from omentum import loop
from omentum.project.project import begin_project, opened
from omentum.project.settings import Settings


@pytest.fixture(scope="session")
def predicted_cohort(cohort: Path, tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of all patients of the cohort, to be copied; its network `tiny` comes with `home`."""
    from omentum.networks.catalogue import add_model

    folder = tmp_path_factory.mktemp("predicted")
    begin_project(folder / "atlas", Settings(networks=("tiny",), held_out_share=0.0, scoring="published"))
    with pytest.MonkeyPatch.context() as patch, opened(folder / "atlas") as project:
        patch.setenv("OMENTUM_HOME", str(folder / "home"))
        add_model(tiny_weights, "tiny")
        loop.add_cases(project, [cohort])
        loop.predict(project)
    return folder / "atlas"
