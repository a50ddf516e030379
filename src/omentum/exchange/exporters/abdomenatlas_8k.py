"""Export releases in the layouts of AbdomenAtlas-8K, 1.0 and 1.1.

AbdomenAtlas-8K has a folder `<data set>_<case>/` and versioned names; 1.0 and 1.1 have
`<case>/{ct,combined_labels}.nii.gz` and `<case>/segmentations/`, with ids by position in the subset.

Source: Qu et al. 2023, arXiv:2305.09666, and the files that their code writes.
"""

from pathlib import Path

import numpy as np

from omentum.errors import ReleaseError
from omentum.exchange.exporters.exporter import Export, Exporter, register
from omentum.exchange.exporters.rasterize import paint
from omentum.records import MaskSource
from omentum.records.released_cases import ReleasedCase
from omentum.volumes.atomic import copy
from omentum.volumes.label_schemes import label_scheme
from omentum.volumes.labels import SUBSETS, organ
from omentum.volumes.mask_files import read_masks, write_label_table
from omentum.volumes.nifti import read_nifti_geometry, write_nifti, writing_nifti
from omentum.volumes.nifti_slices import label_planes
from omentum.volumes.volume import Volume


def _write_8k(case: ReleasedCase, export: Export) -> None:
    """Write one folder as the published assembly does, with its spelling `celiac_truck`.

    `segmentations/` has the released masks; a revised organ has the network's mask too, as
    `<organ>_<version>`. The original label is the data set's own file, or else ours, with `labels.json`.
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


def _subset_exporter(subset: str) -> Exporter:
    """Make the exporter of AbdomenAtlas 1.0 or 1.1."""
    values = {name: value for name, (value,) in label_scheme(subset).values.items()}

    def write_case(case: ReleasedCase, export: Export) -> None:
        folder = export.out / case.case_id
        copy(case.ct_path, folder / "ct.nii.gz")
        paint(case, {name: values[name] for name in export.organs}, folder / "combined_labels.nii.gz")
        for mask in case.masks:
            if mask.organ in export.organs:
                copy(mask.path, folder / "segmentations" / mask.path.name)

    return Exporter(
        about=f"{subset}: a folder a case, ids 1 to {len(values)}",
        write_case=write_case,
        organs=SUBSETS[subset],
        needs_all=True,
    )


register(
    "abdomenatlas-8k",
    Exporter(
        about="AbdomenAtlas-8K: the network's masks, the released masks, and every organ",
        write_case=_write_8k,
        needs_inputs=True,
    ),
)
for _subset in ("abdomenatlas-1.0", "abdomenatlas-1.1"):
    register(_subset, _subset_exporter(_subset))
