"""How are CTs predicted without a project? Each into a folder of its own; done ones are left alone.

In:  a plan: CTs, networks, a folder.
Out: masks, pictures and a summary for each; a CT that cannot be used is set aside with its reason.
"""

from omentum.predict.folder import FolderLedger, FolderPlan, folder_steps
from omentum.records import Batch
from omentum.runners.in_process import InProcessRunner
from omentum.runners.runner import Progress

__all__ = ["predict_files"]


def predict_files(plan: FolderPlan, *, progress: Progress | None = None) -> Batch:
    """Predict CTs, each into its folder.

    Args:
        plan: What is wanted.
        progress: Told of each CT.
    """
    return InProcessRunner().run(
        list(plan.sources),
        folder_steps(plan),
        key=str,
        ledger=FolderLedger(plan),
        step="predict",
        progress=progress,
    )
