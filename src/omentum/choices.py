"""Names to choose from, which help texts list without loading what they name."""

__all__ = ["LABEL_SCHEMES", "LAYOUTS", "OWNER", "PHANTOM_STYLES", "REPLAY_RULES", "STRATEGIES", "TRAINABLE"]

LABEL_SCHEMES = "omentum, abdomenatlas-1.0, abdomenatlas-1.1, totalsegmentator, or one organ"
LAYOUTS = (
    "abdomenatlas-8k", "abdomenatlas-1.0", "abdomenatlas-1.1", "nnunet", "monai", "dicom-seg", "rtstruct",
    "stl", "masks-only",
)  # fmt: skip
OWNER = "owner"
"""Pseudonym of a person who gives none."""
PHANTOM_STYLES = ("easy", "mixed", "hard", "broad")
REPLAY_RULES = ("importance", "random", "none")
STRATEGIES = ("default", "expected-error", "published", "entropy", "foreground-random", "random")
TRAINABLE = ("heads", "heads+adapters")
