"""Name label schemes, layouts, phantom styles, replay rules, runners, strategies and the like for help texts.

Nothing that is named is loaded.
"""

__all__ = [
    "KEEPS",
    "LABEL_SCHEMES",
    "LAYOUTS",
    "OWNER",
    "PHANTOM_SITES",
    "PHANTOM_STYLES",
    "REPLAY_RULES",
    "RUNNERS",
    "STRATEGIES",
    "TASK_LAYOUTS",
    "TRAINABLE",
]

KEEPS = ("all", "revisit", "none")
"""Which probabilities stay once a case is scored."""
LABEL_SCHEMES = "omentum, abdomenatlas-1.0, abdomenatlas-1.1, totalsegmentator, or one organ"
LAYOUTS = {
    "abdomenatlas-8k": "abdomenatlas_8k",
    "abdomenatlas-1.0": "abdomenatlas_8k",
    "abdomenatlas-1.1": "abdomenatlas_8k",
    "nnunet": "training_sets",
    "monai": "training_sets",
    "dicom-seg": "dicom_seg",
    "rtstruct": "rtstruct",
    "stl": "meshes",
    "masks-only": "masks_only",
}
"""Layouts of exports, each with the module of `exchange/exporters/` that registers it."""
OWNER = "owner"
"""Pseudonym of a person who gives none."""
PHANTOM_STYLES = ("easy", "mixed", "hard", "broad")
PHANTOM_SITES = (
    *("site-1", "site-2", "site-3", "site-4", "site-5", "site-6"),
    *("dev-site-1", "dev-site-2", "dev-site-3", "dev-site-4"),
)
REPLAY_RULES = ("importance", "random", "none")
RUNNERS = ("in-process", "processes", "ray")
"""Where the work of a stage may run."""
STRATEGIES = (
    "default",
    "expected-error",
    "published",
    "class-stratified",
    "entropy",
    "foreground-random",
    "random",
)
TASK_LAYOUTS = ("nifti", "seg.nrrd", "mitk")
"""Layouts in which tasks go out as folders."""
TRAINABLE = ("heads", "heads+adapters", "chosen")
