"""How is a release handed on as AbdomenAtlas is?

In:  released cases.
Out: the layout of AbdomenAtlas-8K (`<data set>_<case>/`, versioned names), or that of AbdomenAtlas 1.0 and
     1.1 (`<case>/ct.nii.gz, combined_labels.nii.gz, segmentations/`), whose ids are positions in the subset.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from pathlib import Path

import numpy as np

from omentum.errors import ReleaseError
from omentum.exchange.exporters.exporter import Export, Layout
from omentum.exchange.exporters.rasterize import paint
from omentum.records import MaskSource
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import copy
from omentum.volumes.labels import SUBSETS, organ, subset_ids
from omentum.volumes.mask_files import read_masks, write_label_table
from omentum.volumes.nifti import read_nifti_geometry, write_nifti, writing_nifti
from omentum.volumes.slice_reader import label_planes
from omentum.volumes.volume import Volume

__all__ = ["ABDOMENATLAS_8K", "abdomenatlas"]


def _write_8k(case: ReleasedCase, export: Export) -> None:
    """Write one folder as the published assembly does, `celiac_truck` and all.

    `segmentations/` has the masks of the release, so that they agree with `pseudo_label.nii.gz`; a revised
    organ has the network's mask beside it, as `<organ>_<version>`. A case that nothing was predicted of has
    no file of what was. The original label is the data set's own file, or else ours, with `labels.json`.
    """
    sources = {mask.source for mask in case.masks}
    if case.prediction_path is None and MaskSource.PREDICTED in sources:
        raise ReleaseError(
            f"case {case.case_id!r}: what its network predicted is no longer in the project, and this layout "
            "shows it; export the release in another layout, or assemble a new one"
        )
    is_named = case.case_id.startswith(f"{case.data_set}_")
    folder = export.out / (case.case_id if is_named else f"{case.data_set}_{case.case_id}")
    copy(case.ct_path, folder / "ct.nii.gz")
    own_label = case.source_label_path or case.original_label_path
    if own_label is not None:
        copy(own_label, folder / "original_label.nii.gz")
    if own_label is not None and own_label == case.original_label_path:
        write_label_table(folder / "labels.json")
    _write_assembled(case, folder / "pseudo_label.nii.gz")
    for mask in case.masks:
        copy(mask.path, folder / "segmentations" / f"{organ(mask.organ).published_name}.nii.gz")
    if case.prediction_path is not None:
        _write_predicted(case, case.prediction_path, folder, export.version)


def _write_assembled(case: ReleasedCase, path: Path) -> None:
    geometry = read_nifti_geometry(case.labels_path)
    with (
        label_planes(case.labels_path, geometry) as planes,
        writing_nifti(path, geometry, np.float64) as stream,
    ):
        for plane in planes:
            stream.write(plane.astype(np.float64).data)


def _write_predicted(case: ReleasedCase, prediction_path: Path, folder: Path, version: str) -> None:
    predicted = read_masks(prediction_path)
    painted = Volume(predicted.painted(), predicted.geometry)
    write_nifti(folder / f"pseudo_label_{version}.nii.gz", painted)
    for mask in case.masks:
        if mask.source is MaskSource.REVISED and mask.organ in predicted.organs:
            path = folder / "segmentations" / f"{organ(mask.organ).published_name}_{version}.nii.gz"
            write_nifti(path, Volume(predicted.mask(mask.organ), predicted.geometry))


ABDOMENATLAS_8K = Layout(
    about="AbdomenAtlas-8K: what the network said, what it became, and every organ",
    write_case=_write_8k,
    needs_inputs=True,
)


def abdomenatlas(subset: str) -> Layout:
    """Give the layout of AbdomenAtlas 1.0 or 1.1."""
    values = {name: value for value, name in subset_ids(subset).items()}

    def write_case(case: ReleasedCase, export: Export) -> None:
        folder = export.out / case.case_id
        copy(case.ct_path, folder / "ct.nii.gz")
        paint(case, {name: values[name] for name in export.organs}, folder / "combined_labels.nii.gz")
        for mask in case.masks:
            if mask.organ in export.organs:
                copy(mask.path, folder / "segmentations" / mask.path.name)

    return Layout(
        about=f"{subset}: a folder a case, ids 1 to {len(values)}",
        write_case=write_case,
        organs=SUBSETS[subset],
        needs_all=True,
    )
