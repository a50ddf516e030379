"""Try to hand saves in again where the database or the disk is at fault, and not what was saved."""

import logging
import time
from collections.abc import Callable

from omentum.errors import ProjectError
from omentum.project.project import Project
from omentum.review.draft_files import KeptFile

__all__ = ["PAUSES", "WITH_EDITS", "is_overtaken", "may_pass", "patiently"]

_LOG = logging.getLogger(__name__)
PAUSES = (0.5, 2.0, 10.0)
"""Seconds before each further try."""
WITH_EDITS = ("save", "adjudicate")
"""Kinds of saves whose content is an edit file."""


def patiently(name: str, hand_in: Callable[[], None]) -> None:
    """Hand a save in, and try again where the database or the disk is at fault."""
    for pause in PAUSES:
        try:
            return hand_in()
        except Exception as error:
            if not may_pass(error):
                raise
            _LOG.warning("the save %s is tried again in %s s: %s", name, pause, error)
            time.sleep(pause)
    return hand_in()


def may_pass(error: Exception) -> bool:
    """Tell whether an error is the database's or the disk's, and not one of what was saved."""
    from sqlalchemy.exc import DatabaseError  # slow to import

    return type(error) is ProjectError or isinstance(error, DatabaseError | OSError)


def is_overtaken(project: Project, kept: KeptFile) -> bool:
    """Tell whether a reader's answer is out of date: that reader has handed something in since."""
    handed_in = project.store.revisions.of_task(kept.task_number)
    is_later = any(one.reader == kept.reader and one.time > kept.time for one in handed_in)
    return is_later and kept.kind not in WITH_EDITS
