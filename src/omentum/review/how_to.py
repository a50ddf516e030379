"""What does a reader do with an exported case?

In:  the tasks of one case.
Out: `HOW_TO.txt`: what to open in which program, and under which name to save.
"""

from collections.abc import Sequence

from omentum.records import Task
from omentum.volumes.labels import organ

__all__ = ["how_to"]

_AUDITED = """
Where it says so, look at the whole organ, slice by slice, and correct what is wrong anywhere. Save it under
its _revised name even if nothing is: such masks are counted, and count only once all of them are back.
"""

_LOOKS = {0: "", 1: ", at its hot spot"}
_LOOK_AT_SEVERAL = ", from its hot spots on all of it"
"""What the queue reckons that a reader looks at, by the number of hot spots."""

_HOW_TO = """\
Case {case_id}, round {round}

Organs to look at, the most urgent first:
{organs}
{audited}
Hot spots are where the attention map is bright, attention_<organ>.nii.gz, if there is one; task.json has
them as boxes. Correct what is wrong and leave the rest. A mask that is right is saved unchanged under the
_revised name: that accepts it. An organ that was not looked at needs no file.

ITK-SNAP
1. File > Open Main Image: ct.nii.gz
2. Segmentation > Open Segmentation: <organ>.nii.gz
3. Segmentation > Import Label Descriptions: labels.label.txt
4. Draw with the organ's own label; the eraser is the Clear Label.
5. Segmentation > Save Segmentation Image: <organ>_revised.nii.gz, NIfTI, in this folder.

3D Slicer
1. Drag ct.nii.gz in as a Volume, labels.ctbl as a Color Table, and <organ>.nii.gz as a Segmentation.
2. Segment Editor: choose ct as the source volume, and draw in the segment that is there.
3. Segmentations > Export to files: NIfTI, reference volume ct; rename the file to
   <organ>_revised.nii.gz and put it in this folder.

Any other program will do that keeps the CT's grid. The organ is 1, or the value that it had; the rest is 0.
labels.nii.gz shows all organs that were predicted. Do not save over it, over <organ>.nii.gz or over the CT.
"""


def how_to(tasks: Sequence[Task]) -> str:
    """Write the page for the tasks of one case, in the order given."""
    return _HOW_TO.format(
        case_id=tasks[0].case_id,
        round=tasks[0].round_number,
        organs="\n".join(_line(task) for task in tasks),
        audited=_AUDITED if any(task.is_whole for task in tasks) else "",
    )


def _line(task: Task) -> str:
    how = ", LOOK AT THE WHOLE ORGAN" if task.is_whole else _LOOKS.get(task.n_spots, _LOOK_AT_SEVERAL)
    name = organ(task.organ).display_name
    return f"{name}: open {task.organ}.nii.gz, save as {task.organ}_revised.nii.gz{how}"
