"""Name the files of a catch trial; what is below `shown/` in a case's folder tells nothing by its name."""

from dataclasses import dataclass
from pathlib import Path

from omentum.project.paths import ProjectFolder
from omentum.records.catch_trials import CatchTrial

__all__ = ["CatchFiles", "catch_files", "new_catch_files"]


@dataclass(frozen=True, slots=True)
class CatchFiles:
    """The files of one trial."""

    folder: Path

    @property
    def shown(self) -> Path:
        """The mask with the planted error, 0/1."""
        return self.folder / "0.nii.gz"

    @property
    def true(self) -> Path:
        """The mask without it, 0/1."""
        return self.folder / "1.nii.gz"

    @property
    def attention(self) -> Path:
        """The attention map that is shown; there is none where the task has no hot spot."""
        return self.folder / "2.nii.gz"

    @property
    def hot_spots(self) -> Path:
        """The hot spots that are shown, as `hot_spots.json` of a case has them."""
        return self.folder / "spots.json"

    def answer(self, sha256: str) -> Path:
        """Name the file of what a reader handed in."""
        return self.folder / f"{sha256}.nii.gz"


def catch_files(trial: CatchTrial) -> CatchFiles:
    """Give the files of a trial."""
    return CatchFiles(trial.path.parent)


def new_catch_files(folder: ProjectFolder, case_id: str, seed: int) -> CatchFiles:
    """Name the files of a new trial, by its seed."""
    return CatchFiles(folder.shown_dir(case_id) / f"{seed:016x}")
