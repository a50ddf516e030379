"""Export releases as training sets: nnU-Net's raw data, or the dataset.json of MONAI and the Decathlon.

Held-out cases become the test set. For nnU-Net, five folds keep each patient on one side.
"""

from collections.abc import Sequence
from typing import Any

from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.exchange.exporters.rasterize import paint
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import copy, write_json

__all__ = ["folds_by_patient"]

_N_FOLDS = 5


def _label_values(export: Export) -> dict[str, int]:
    """Number the organs from 1 without a gap, as trainers want it; `dataset.json` names each."""
    return {name: value for value, name in enumerate(export.organs, start=1)}


def _part(case: ReleasedCase) -> str:
    return "Ts" if case.held_out else "Tr"


def _write_nnunet(case: ReleasedCase, export: Export) -> None:
    part = _part(case)
    copy(case.ct_path, export.out / f"images{part}" / f"{case.case_id}_0000.nii.gz")
    paint(case, _label_values(export), export.out / f"labels{part}" / f"{case.case_id}.nii.gz")


def _list_nnunet(cases: Sequence[ReleasedCase], export: Export) -> None:
    training = [case for case in cases if not case.held_out]
    about = {
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **_label_values(export)},
        "numTraining": len(training),
        "file_ending": ".nii.gz",
        "name": export.data_set,
        "release": export.version,
    }
    write_json(export.out / "dataset.json", about)
    write_json(export.out / "splits_final.json", folds_by_patient(training))


def folds_by_patient(cases: Sequence[ReleasedCase], n_folds: int = _N_FOLDS) -> list[dict[str, list[str]]]:
    """Split cases into folds by patient; with fewer patients than folds, there are as many folds as patients.

    The patient with most CTs goes first, always into the fold that has fewest, so that folds are even.

    Returns:
        One `{"train": [...], "val": [...]}` a fold, as nnU-Net's `splits_final.json`; none for one patient.
    """
    by_patient: dict[str, list[str]] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case.case_id)
    folds: list[list[str]] = [[] for _ in range(min(n_folds, len(by_patient)))]
    for patient in sorted(by_patient, key=lambda one: (-len(by_patient[one]), one)):
        min(folds, key=len).extend(by_patient[patient])
    if len(folds) < 2:
        return []
    everyone = {case.case_id for case in cases}
    return [{"train": sorted(everyone - set(val)), "val": sorted(val)} for val in folds]


def _write_monai(case: ReleasedCase, export: Export) -> None:
    part = _part(case)
    copy(case.ct_path, export.out / f"images{part}" / f"{case.case_id}.nii.gz")
    paint(case, _label_values(export), export.out / f"labels{part}" / f"{case.case_id}.nii.gz")


def _list_monai(cases: Sequence[ReleasedCase], export: Export) -> None:
    def entry(case: ReleasedCase, part: str) -> dict[str, str]:
        name = f"{case.case_id}.nii.gz"
        return {"image": f"./images{part}/{name}", "label": f"./labels{part}/{name}"}

    training = [entry(case, "Tr") for case in cases if not case.held_out]
    test = [entry(case, "Ts") for case in cases if case.held_out]
    names = {str(value): name for name, value in _label_values(export).items()}
    about: dict[str, Any] = {
        "name": export.data_set,
        "description": f"Abdominal CT, release {export.version}",
        "reference": "",
        "licence": "see the release's data-set-card.md",
        "release": export.version,
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "labels": {"0": "background", **names},
        "numTraining": len(training),
        "numTest": len(test),
        "training": training,
        "test": [one["image"] for one in test],
        "validation": test,
    }
    write_json(export.out / "dataset.json", about)


register(
    "nnunet",
    Exporter(
        about="nnU-Net's raw data, with dataset.json and splits_final.json by patient",
        write_case=_write_nnunet,
        write_lists=_list_nnunet,
        needs_all=True,
    ),
)
register(
    "monai",
    Exporter(
        about="MONAI's and the Decathlon's dataset.json",
        write_case=_write_monai,
        write_lists=_list_monai,
        needs_all=True,
    ),
)
