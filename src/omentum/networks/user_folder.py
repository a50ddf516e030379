"""Find the user's data folder."""

import os
from pathlib import Path

import platformdirs

__all__ = ["home"]


def home() -> Path:
    """Give the user's data folder: `OMENTUM_HOME`, or where the system keeps such data."""
    return Path(os.environ.get("OMENTUM_HOME") or platformdirs.user_data_dir("omentum"))
