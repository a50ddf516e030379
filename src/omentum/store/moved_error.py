"""Explain the refusal of a database that a project has moved away from."""

import re

from omentum.errors import ProjectError

__all__ = ["MOVED", "moved_error"]

MOVED = "omentum: moved to "
"""Begins the message of the database, before the name of the one that the project uses now."""


def moved_error(error: BaseException | None, name: str) -> ProjectError | None:
    """Give the error to raise if the database refused a write as the project has moved; else `None`.

    Args:
        error: Of the database.
        name: Of the database, without a password.
    """
    found = re.search(rf"{MOVED}(.*)", str(error))
    if found is None:
        return None
    return ProjectError(
        f"database {name} takes no writes, as the project has moved to {found[1]}; start the program again, "
        "or, where that is of no help, run the same `omentum db move` again"
    )
