"""Write the colour and name of each label for segmentation programs."""

from omentum.volumes.labels import ORGANS

__all__ = ["itk_snap_labels", "slicer_colours"]

_ITK_SNAP_HEADER = """\
################################################
# ITK-SnAP Label Description File
# File format:
# IDX   -R-  -G-  -B-  -A--  VIS MSH  LABEL
# Fields:
#    IDX:   Zero-based index
#    -R-:   Red color component (0..255)
#    -G-:   Green color component (0..255)
#    -B-:   Blue color component (0..255)
#    -A-:   Label transparency (0.00 .. 1.00)
#    VIS:   Label visibility (0 or 1)
#    IDX:   Label mesh visibility (0 or 1)
#  LABEL:   Label description
################################################
"""


def itk_snap_labels() -> str:
    """Write every label as ITK-SNAP's "Import Label Descriptions" reads it.

    Example:
        >>> itk_snap_labels().splitlines()[-27]
        '    6   145   11    0        1  1  1    "Liver"'
    """
    rows = [_itk_snap_row(0, (0, 0, 0), 0, "Clear Label")]
    rows += [_itk_snap_row(row.index, row.colour, 1, row.display_name) for row in ORGANS]
    return _ITK_SNAP_HEADER + "\n".join(rows) + "\n"


def _itk_snap_row(index: int, colour: tuple[int, int, int], shown: int, name: str) -> str:
    red, green, blue = colour
    return f'{index:5d} {red:5d} {green:4d} {blue:4d}        {shown}  {shown}  {shown}    "{name}"'


def slicer_colours() -> str:
    """Write every label as 3D Slicer reads a `.ctbl` file; names have no spaces there.

    Example:
        >>> slicer_colours().splitlines()[8]
        '6 liver 145 11 0 255'
    """
    rows = ["# Color table file labels.ctbl", f"# {len(ORGANS) + 1} values", "0 Background 0 0 0 0"]
    rows += [f"{row.index} {row.name} {' '.join(map(str, row.colour))} 255" for row in ORGANS]
    return "\n".join(rows) + "\n"
