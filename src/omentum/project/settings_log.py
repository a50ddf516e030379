"""Note in the audit log when the settings of a project change."""

from omentum.project.settings import Settings
from omentum.records.audit_log import PROGRAM, LogAction, plain_json
from omentum.store.store import Store

__all__ = ["note_settings"]

_NOT_NOTED = {"database", "run"}
"""They say nothing about the masks, and a database's URL may hold a password."""


def note_settings(store: Store, settings: Settings) -> None:
    """Note the settings, unless the log has them as they are."""
    noted = plain_json(settings.model_dump(exclude=_NOT_NOTED))
    last = store.log.last(LogAction.SETTINGS)
    if last is None or last.about != {"settings": noted}:
        store.log.add(PROGRAM, LogAction.SETTINGS, {"settings": noted})
