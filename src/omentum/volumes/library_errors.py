"""Say in a sentence what a library's error says, without what only its authors need."""

import re
from pathlib import Path

__all__ = ["said_by"]

_ADDRESS = re.compile(r" ?\(?\b0x[0-9a-fA-F]+\)?")
_SOURCE_FILE = re.compile(r"\S+\.(?:cxx|cpp|hxx|h|c):\d+:?")
_PREFIX = re.compile(r"^(?:\s*(?:itk::|ITK )?ERROR:\s*|\s*\[nrrd\]\s*|\s*\w+:\s+(?=ReadImageInformation:))+")


def said_by(error: BaseException, path: Path) -> str:
    """Give the last line of an error that says something, without the path, addresses and source files.

    Example:
        >>> said_by(RuntimeError("ITK ERROR: NrrdImageIO(0x55b4): trouble in /a/b.nrrd"), Path("/a/b.nrrd"))
        'NrrdImageIO: trouble in it'
    """
    text = str(error).replace(str(path), "it")
    if path.suffix:  # else its name may be a word
        text = text.replace(path.name, "it")
    text = _SOURCE_FILE.sub("", _ADDRESS.sub("", text)).replace('"it"', "it")
    lines = [_PREFIX.sub("", line).strip() for line in text.splitlines()]
    lines = [line for line in lines if line and line != "Reason: Success"]
    return lines[-1] if lines else type(error).__name__
