"""Keep the hashes of files that an older version of the program wrote without keeping them."""

from omentum.errors import ImageError
from omentum.project.project import Project
from omentum.records import Prediction
from omentum.volumes.file_hash import file_sha256
from omentum.volumes.mask_files import read_masks
from omentum.volumes.mask_hash import organ_sha256s

__all__ = ["keep_missing_hashes"]


def keep_missing_hashes(project: Project, network: str) -> None:
    """Hash what a network predicted, and the original labels, where that was never kept.

    Once for each file: whatever this version writes is hashed as it is written. A file that is gone or cannot
    be read stays without a hash; what needs it raises.
    """
    store = project.store
    for prediction in store.predictions.of_network(network).values():
        if prediction.masks_sha256 is None and prediction.masks_path.is_file():
            _keep_hashes(project, prediction)
    for label in store.labels.current().values():
        if label.sha256 is None and label.number is not None and label.path.is_file():
            store.labels.keep_hash(label.number, file_sha256(label.path))


def _keep_hashes(project: Project, prediction: Prediction) -> None:
    try:
        masks = read_masks(prediction.masks_path)
        sha256 = file_sha256(prediction.masks_path)
    except (ImageError, OSError):
        return
    project.store.predictions.keep_hashes(
        prediction.case_id, prediction.network, sha256, organ_sha256s(masks)
    )
