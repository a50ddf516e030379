"""A file is not what it should be: CTs, masks, weights, downloads, uploads."""

from pathlib import Path

from omentum.errors.base import OmentumError

__all__ = [
    "AffineError",
    "CheckpointError",
    "DicomSeriesError",
    "DownloadError",
    "GridMismatchError",
    "ImageError",
    "ImageShapeError",
    "LabelValueError",
    "NonFiniteVoxelsError",
    "NotHounsfieldError",
    "UnreachableFileError",
    "UnreadableImageError",
    "UploadError",
]


class ImageError(OmentumError, ValueError):
    """A file or folder is not a CT or a mask that can be used."""

    def __init__(self, path: Path | str, seen: str, cure: str) -> None:
        """Say which file, what was seen in it and against which rule, and what to do."""
        super().__init__(f"{path}: {seen}; {cure}")


class UnreadableImageError(ImageError):
    """The file is truncated, not what its ending says, or no image at all."""


class UnreachableFileError(ImageError, OSError):
    """The disk, or the network share, does not give the file now; it may give it later."""

    may_pass = True


class ImageShapeError(ImageError):
    """The image does not have three axes, or a side is out of range."""


class AffineError(ImageError):
    """The image has no usable affine, or a spacing out of range."""


class NonFiniteVoxelsError(ImageError):
    """The image holds NaN or infinite voxels."""


class NotHounsfieldError(ImageError):
    """The image's values cannot be Hounsfield units (HU)."""

    def __init__(self, path: Path | str, seen: str, offset_hu: float | None) -> None:
        """Say what was seen, and name the offset where it is beyond doubt."""
        cure = "give --accept-values to take them as they are, or add what makes HU of them with --hu-offset"
        if offset_hu is not None:
            cure = f"give --hu-offset {offset_hu:g}, or --accept-values to take them as they are"
        super().__init__(path, f"its values cannot be Hounsfield units: {seen}", cure)


class DicomSeriesError(ImageError):
    """The folder does not hold one complete, upright CT series."""


class GridMismatchError(ImageError):
    """A mask does not lie on the CT's grid."""


class LabelValueError(ImageError):
    """A mask holds values that are no labels."""


class CheckpointError(OmentumError, ValueError):
    """Weights do not fit the network, or the file carries code."""

    def __init__(self, path: Path | str, reason: str) -> None:
        """Say which file and why it is refused."""
        super().__init__(f"{path}: {reason}")


class DownloadError(OmentumError, OSError):
    """A file could not be brought from its address."""

    def __init__(self, what: str, reason: str) -> None:
        """Say which address or network, and what came of it."""
        super().__init__(f"{what} {reason}")


class UploadError(OmentumError, OSError):
    """A file could not be taken to its address, or something else is there."""

    def __init__(self, what: str, reason: str) -> None:
        """Say which address, and what came of it."""
        super().__init__(f"{what} {reason}")
