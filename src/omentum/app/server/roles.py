"""Say for each route of the server which role it takes; what is not named here is not answered."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from starlette.routing import compile_path

from omentum.records.people import Role

__all__ = ["ROLES", "least_role", "methods_of"]

_R = Role.READER

ROLES: Mapping[tuple[str, str], Role | None] = MappingProxyType({
    # the page's files, which hold nothing of a project
    ("GET", "/"): None,
    ("GET", "/{page}.html"): None,
    ("GET", "/assets/{path:path}"): None,
    ("GET", "/licenses/{path:path}"): None,
    ("GET", "/third-party-notices.md"): None,
    # sessions
    ("GET", "/enter"): None,
    ("GET", "/entered"): None,
    ("GET", "/api/session"): _R,
    ("PUT", "/api/session"): _R,
    ("GET", "/api/events"): _R,
    ("GET", "/api/openapi.json"): _R,
    # tasks
    ("GET", "/api/queue"): _R,
    ("POST", "/api/tasks/next"): _R,
    ("GET", "/api/tasks/{number}"): _R,
    ("POST", "/api/tasks/{number}/claim"): _R,
    ("POST", "/api/tasks/{number}/renew"): _R,
    ("POST", "/api/tasks/{number}/give-back"): _R,
    ("POST", "/api/tasks/{number}/skip"): _R,
    ("POST", "/api/tasks/{number}/accept"): _R,
    ("POST", "/api/tasks/{number}/absent"): _R,
    ("POST", "/api/tasks/{number}/save"): _R,
    ("POST", "/api/tasks/{number}/activity"): _R,
    ("GET", "/api/saves/{name}"): _R,
    # voxels
    ("GET", "/api/cases/{case_id}/ct"): _R,
    ("GET", "/api/cases/{case_id}/ct.nii.gz"): _R,
    ("GET", "/api/tasks/{number}/masks/{source}"): _R,
    ("GET", "/api/tasks/{number}/masks/{source}.nii.gz"): _R,
    ("GET", "/api/tasks/{number}/attention"): _R,
    ("GET", "/api/tasks/{number}/attention.nii.gz"): _R,
    # drafts
    ("GET", "/api/tasks/{number}/drafts"): _R,
    ("PUT", "/api/tasks/{number}/drafts/{name}"): _R,
    ("GET", "/api/tasks/{number}/drafts/{name}"): _R,
    ("DELETE", "/api/tasks/{number}/drafts/{name}"): _R,
    # cases
    ("GET", "/api/cases/{case_id}"): _R,
    ("POST", "/api/cases/{case_id}/notes"): _R,
    ("DELETE", "/api/cases/{case_id}/notes/{number}"): _R,
    ("GET", "/api/cases/{case_id}/organs/{name}/history"): _R,
    ("POST", "/api/cases/{case_id}/organs/{name}/restore"): _R,
    ("POST", "/api/cases/{case_id}/confirm"): _R,
    # dashboard
    ("GET", "/api/dashboard"): _R,
})  # fmt: skip
"""From method and path template, as the route is declared, to the least role; `None` is public."""

_COMPILED = [(method, compile_path(path)[0], role) for (method, path), role in ROLES.items()]


def least_role(method: str, path: str) -> Role | None:
    """Give the role that a request needs; of several routes that fit its path, the highest.

    Raises:
        LookupError: No route that is named here fits.
    """
    found = list(_fitting(method, path))
    if not found:
        raise LookupError(path)
    order = list(Role)
    named = [role for role in found if role is not None]
    return max(named, key=order.index) if named else None


def methods_of(path: str) -> list[str]:
    """Give the methods that a path may be asked with; none where there is no such path."""
    return sorted({method for method, fits, _ in _COMPILED if fits.match(path)})


def _fitting(method: str, path: str) -> Iterator[Role | None]:
    asked = "GET" if method == "HEAD" else method
    return (role for known, fits, role in _COMPILED if known == asked and fits.match(path))
