"""A project that is small enough to be copied for every example, and a model of what must stand in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from omentum.project.project import Project, begin_project, opened
from omentum.project.settings import Settings
from omentum.records import Case, LabelVersion, MaskFinding, MaskSource, Prediction
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.geometry import Geometry
from omentum.volumes.labels import organ
from omentum.volumes.mask_files import write_masks
from omentum.volumes.mask_hash import mask_sha256, organ_sha256s
from omentum.volumes.masks import MaskSet
from omentum.volumes.nifti import write_nifti
from omentum.volumes.volume import Volume

SHAPE = (8, 8, 8)
GEOMETRY = Geometry(SHAPE, np.diag([-4.0, -4.0, 4.0, 1.0]))
ORGANS = ("spleen", "liver")
SIZES = {"nothing": 0, "one": 1, "two": 2, "three": 3, "original": 5, "wrong": 8}

PREDICTED, REVISED, ORIGINAL = MaskSource.PREDICTED, MaskSource.REVISED, MaskSource.ORIGINAL

Mask = npt.NDArray[np.bool_]


def _box(size: int) -> Mask:
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:size, :3, :3] = True
    return mask


@dataclass
class Word:
    """A mask that came in."""

    number: int
    sha256: str
    base: str | None
    reader: str
    task: int | None


@dataclass
class Model:
    """What must be known of one organ."""

    original: str | None
    predicted: str
    wrong: str
    """Hash of the mask that has a severe finding."""
    words: list[Word] = field(default_factory=list)
    """Without those in conflict."""
    everything: list[Word] = field(default_factory=list)
    decided: tuple[MaskSource, int | None] | None = None
    undecided: set[int] = field(default_factory=set)
    """Conflicts that no person has decided."""
    confirmed: set[str] = field(default_factory=set)
    learned: str | None = None

    def word(self, *values: Any) -> Word:
        """Make a word, which is not added."""
        return Word(*values)

    def revised(self) -> Word | None:
        """Give the revision that counts among revisions."""
        if self.decided and self.decided[1] is not None:
            return next(word for word in self.everything if word.number == self.decided[1])
        return self.words[-1] if self.words else None

    def counts(self) -> tuple[MaskSource, str]:
        """Give what stands unless it is held back."""
        revised = self.revised()
        there = {
            ORIGINAL: self.original,
            REVISED: revised.sha256 if revised else None,
            PREDICTED: self.predicted,
        }
        order = [ORIGINAL, REVISED, PREDICTED]
        if self.decided:
            order.insert(0, self.decided[0])
        return next((source, sha256) for source in order if (sha256 := there[source]) is not None)

    def is_held(self) -> bool:
        """Tell if what counts is held back."""
        return self.counts()[1] == self.wrong and self.wrong not in self.confirmed

    def contradicts(self, new: Word, *, is_blinded: bool) -> bool:
        """Tell if a new mask comes from somebody who had not seen what another bettered."""
        now = self.revised()
        if now is None or now.sha256 == new.sha256:
            return False
        if self.decided and self.decided[1] is not None:
            return True
        readings = self._readings_of_others(new) if is_blinded else []
        if any(word.sha256 != new.sha256 for word in readings):
            return True
        for word in reversed(self.words):
            if word.sha256 == new.base:
                return False
            is_other = word.reader != new.reader and word.sha256 != new.sha256 and word not in readings
            if is_other and word.sha256 != word.base:
                return True
        return False

    def _readings_of_others(self, new: Word) -> list[Word]:
        """Give the last reading of each other reader of the same task."""
        of_task = (word for word in self.everything if word.task == new.task and word.reader != new.reader)
        return list({word.reader: word for word in of_task}.values())

    def decide(self, source: MaskSource, number: int | None) -> None:
        """Take a person's decision."""
        self.decided = source, number
        self.undecided.clear()


@dataclass(frozen=True)
class Reviewed:
    """A closed project with one case: an original label of its spleen, and predictions of both organs."""

    root: Path
    masks: Mapping[str, Mask]
    """By name; the one named `wrong` has a severe finding, whoever makes it."""
    sha256s: Mapping[str, str]

    def models(self) -> dict[str, Model]:
        """Say what must be known of each organ at first."""
        originals = {"spleen": self.sha256s["original"], "liver": None}
        made = {"predicted": self.sha256s["one"], "wrong": self.sha256s["wrong"]}
        return {name: Model(original=originals[name], **made) for name in ORGANS}

    def predict(self, workspace: Project, network: str, name: str) -> None:
        """Let a network make the same mask of both organs."""
        folder = workspace.folder.prediction_dir("a", network)
        parts = [(organ_name, self.masks[name]) for organ_name in ORGANS]
        masks = MaskSet.build(GEOMETRY, ORGANS, parts)
        write_masks(folder / "masks.nii.gz", masks)
        hashes = organ_sha256s(masks)
        found = self.look(None, dict.fromkeys(ORGANS, self.masks[name]), hashes)
        prediction = Prediction(
            case_id="a",
            network=network,
            weights_sha256=network,
            folder=folder,
            organs=ORGANS,
            masks_sha256=file_sha256(folder / "masks.nii.gz"),
            findings=tuple(one for findings in found.values() for one in findings),
        )
        workspace.store.predictions.keep(prediction, hashes)

    def look(
        self, _facts: object, new: Mapping[str, Mask], sha256s: Mapping[str, str]
    ) -> dict[str, tuple[MaskFinding, ...]]:
        """Stand in for the plausibility rules, which need a whole CT."""
        return {
            name: tuple(
                MaskFinding(
                    organ=name, rule="side", said="odd", severity=1.0, holds=True, mask_sha256=sha256s[name]
                )
                for wrong in [self.masks["wrong"]]
                if np.array_equal(mask, wrong)
            )
            for name, mask in new.items()
        }


@pytest.fixture(scope="session")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Reviewed:
    """The project; its only network is `net`."""
    root = tmp_path_factory.mktemp("reviewed") / "atlas"
    masks = {name: _box(size) for name, size in SIZES.items()}
    made = Reviewed(root, masks, {name: mask_sha256(mask, GEOMETRY) for name, mask in masks.items()})
    begin_project(root, Settings(organs=ORGANS, networks=("net",), held_out_share=0.0, audit_share=0.0))
    with opened(root) as workspace:
        folder = workspace.folder.case_dir("a")
        ct, label = folder / "ct.nii.gz", folder / "original_label.nii.gz"
        write_nifti(ct, Volume(np.zeros(SHAPE, dtype=np.int16), GEOMETRY))
        write_nifti(label, Volume(masks["original"] * np.uint8(organ("spleen").index), GEOMETRY))
        case = Case(case_id="a", patient_id="a", ct_path=ct, geometry=GEOMETRY, source="a")
        workspace.store.cases.add(case)
        version = LabelVersion(
            case_id="a", path=label, sha256=file_sha256(label), organs=("spleen",), time=datetime.now(UTC)
        )
        workspace.store.labels.add(version)
        made.predict(workspace, "net", "one")
    return made
