"""Write the instructions for a reader of an exported case."""

from collections.abc import Sequence

from omentum.records import MaskFinding, Task
from omentum.review.task_file import segments_name
from omentum.review.task_layout import TaskLayout
from omentum.volumes.labels import organ

__all__ = ["how_to"]

_AUDITED = """
Where it says so, look at the whole organ, slice by slice, and correct what is wrong anywhere. Save it
{how} even if nothing is: such masks are counted, and count only once all of them are back.
"""

_WHOLE_CT = """
THE WHOLE CT: {found}
Look at ct.nii.gz and {masks}. If the CT is right as it is, say so in the project:
{confirm}
If it cannot be used, leave it out:
  omentum cases exclude {case_id} --why "..."
"""

_LOOKS = {0: "", 1: ", at its hot spot"}
_LOOK_AT_SEVERAL = ", from its hot spots on all of it"
"""What the queue reckons that a reader looks at, by the number of hot spots."""

_HOW_TO = """\
Case {case_id}, round {round}
{whole_ct}{organs}"""

_ORGANS = """
Organs to look at, the most urgent first:
{organs}
{audited}
Hot spots are where the attention map is bright, attention_<organ>.nii.gz, if there is one; task.json has
them as boxes. Correct what is wrong and leave the rest. {answers}
"""

_SAVE_FILES = """\
A mask that is right is saved unchanged under the
_revised name: that accepts it. An organ that is not in the CT is saved empty. An organ that was not looked
at needs no file.

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
   <organ>_revised.nii.gz and put it in this folder. A .seg.nrrd will do as well, if each segment is
   named after its organ.

Any other program will do that keeps the CT's grid: .nii, .nii.gz, .nrrd or .mha. The organ is 1, or the value
that it had; the rest is 0. labels.nii.gz shows all organs that are known. What is saved over
<organ>.nii.gz or labels.nii.gz is taken too; but only a _revised file says that a mask is right as it was."""

_SAVE_SEGMENTS = """\
Leave the names of segments as they are.

3D Slicer
1. Drag ct.nii.gz in as a Volume, and {segments} as a Segmentation.
2. Segment Editor: choose ct as the source volume, and draw in the segments that are there.
3. A segment that is right as it is: click its status until it is "Completed". That accepts it.
4. An organ that is not in the CT: erase its segment, keep it, and make its status "Completed".
5. Save (Ctrl-S) over {segments}, in this folder.

Segments that were changed are taken, whatever their status. A segment without a voxel that is not
"Completed", and one that was removed or renamed, is told and not taken."""

_MITK = """

MITK
Open mitk-tasks.json, one folder above, with nothing else loaded: the Segmentation Task List View leads
through the tasks of all cases. "Accept" saves <organ>_revised.nrrd here; what is saved as an interim result
is not taken."""

_ANSWERS = {
    TaskLayout.NIFTI: _SAVE_FILES,
    TaskLayout.SEG_NRRD: _SAVE_SEGMENTS,
    TaskLayout.MITK: _SAVE_FILES + _MITK,
}


def how_to(
    tasks: Sequence[Task],
    ct_findings: Sequence[MaskFinding] = (),
    layout: TaskLayout = TaskLayout.NIFTI,
) -> str:
    """Write the page for the tasks of one case, in the order given.

    Args:
        tasks: Of the case.
        ct_findings: What was found of the whole CT and no person has confirmed.
        layout: In which files the masks go out.
    """
    of_organs = [task for task in tasks if not task.is_of_ct]
    organs = _ORGANS.format(
        organs="\n".join(_line(task, layout) for task in of_organs),
        audited=_audited(of_organs, layout),
        answers=_ANSWERS[layout].format(segments=segments_name(tasks[0].case_id)),
    )
    is_about_ct = len(of_organs) < len(tasks)
    return _HOW_TO.format(
        case_id=tasks[0].case_id,
        round=tasks[0].round_number,
        whole_ct=_about_ct(tasks[0].case_id, ct_findings, layout) if is_about_ct else "",
        organs=organs if of_organs else "",
    )


def _about_ct(case_id: str, findings: Sequence[MaskFinding], layout: TaskLayout) -> str:
    found = "; ".join(one.said for one in findings) or "please look at it"
    confirm = [f"  omentum review confirm --rule {one.rule} --cases {case_id}" for one in findings]
    masks = segments_name(case_id) if layout is TaskLayout.SEG_NRRD else "labels.nii.gz"
    return _WHOLE_CT.format(found=found, masks=masks, case_id=case_id, confirm="\n".join(confirm))


def _line(task: Task, layout: TaskLayout) -> str:
    how = ", LOOK AT THE WHOLE ORGAN" if task.is_whole else _LOOKS.get(task.n_spots, _LOOK_AT_SEVERAL)
    name = organ(task.organ).display_name
    if layout is TaskLayout.SEG_NRRD:
        return f"{name}: segment {task.organ}{how}"
    return f"{name}: open {task.organ}.nii.gz, save as {task.organ}_revised.nii.gz{how}"


def _audited(tasks: Sequence[Task], layout: TaskLayout) -> str:
    if not any(task.is_whole for task in tasks):
        return ""
    is_segments = layout is TaskLayout.SEG_NRRD
    return _AUDITED.format(how='with the status "Completed"' if is_segments else "under its _revised name")
