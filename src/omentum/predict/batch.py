"""How are CTs predicted without a project? Each into a folder of its own; done ones are left alone.

In:  paths of CTs, a network's name, a folder.
Out: masks, pictures and a summary for each; a CT that cannot be used is set aside with its reason.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from omentum.networks.catalogue import find_weights
from omentum.predict.predictor import Predictor
from omentum.predict.stage import FolderLedger, predict_file
from omentum.records import Batch
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress

__all__ = ["predict_files", "predictor_named"]


def predict_files(
    sources: Mapping[str, Path],
    predictor: Predictor,
    folder: Path,
    *,
    resample_tilt: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Batch:
    """Predict CTs into `folder`, or `folder/<case_id>` where there are several.

    Args:
        sources: NIfTI files and DICOM folders, by case id.
        predictor: The network.
        folder: Made if missing.
        resample_tilt: Put series from a tilted gantry on an upright grid, instead of refusing them.
        progress: Told of each CT.
    """
    folder_of = {case_id: folder / case_id if len(sources) > 1 else folder for case_id in sources}

    def work(case_id: str) -> None:
        predict_file(predictor, sources[case_id], folder_of[case_id], resample_tilt=resample_tilt)

    ledger = FolderLedger(folder_of, sources, predictor)
    return InProcessRunner().run(list(sources), work, key=str, ledger=ledger, progress=progress)


def predictor_named(
    name: str, *, organs: tuple[str, ...] = (), device: str = "cpu", overlap: float = 0.5
) -> Predictor:
    """Load a network by name, outside any project.

    Raises:
        UnknownNetworkError: There is none of that name.
        CheckpointError: Its weights cannot be used.
        UnknownOrganError: It has no head for an organ asked for.
    """
    return Predictor(name, find_weights(name), organs=organs, device=device, overlap=overlap)
