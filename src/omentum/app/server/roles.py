"""Say for each route of the server which role it takes; what is not named here is not answered."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from starlette.routing import compile_path

from omentum.records.people import Role

__all__ = ["ROLES", "is_public", "least_role", "methods_of"]

_R, _J = Role.READER, Role.ADJUDICATOR

ROLES: Mapping[tuple[str, str], Role | None] = MappingProxyType({
    # the page's files, which hold nothing of a project
    ("GET", "/"): None,
    ("GET", "/{page}.html"): None,
    ("GET", "/assets/{path:path}"): None,
    ("GET", "/licenses/{path:path}"): None,
    ("GET", "/third-party-notices.md"): None,
    # people, and how they come in
    ("GET", "/api/login"): None,
    ("POST", "/api/login"): None,
    ("POST", "/api/logout"): _R,
    ("PUT", "/api/password"): _R,
    ("GET", "/api/tokens"): _R,
    ("POST", "/api/tokens"): _R,
    ("DELETE", "/api/tokens/{number}"): _R,
    ("GET", "/api/people"): Role.ADMIN,
    ("POST", "/api/people"): Role.ADMIN,
    ("PUT", "/api/people/{name}"): Role.ADMIN,
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
    # adjudication
    ("GET", "/api/adjudications"): _J,
    ("GET", "/api/adjudications/{number}"): _J,
    ("POST", "/api/adjudications/{number}/decide"): _J,
    ("POST", "/api/adjudications/{number}/save"): _J,
    # MONAI Label
    ("GET", "/info/"): _R,
    ("POST", "/activelearning/{strategy}"): _R,
    ("POST", "/infer/{model}"): _R,
    ("GET", "/datastore/"): _R,
    ("PUT", "/datastore/"): _R,
    ("DELETE", "/datastore/"): _R,
    ("GET", "/datastore/image"): _R,
    ("PUT", "/datastore/image"): _R,
    ("DELETE", "/datastore/image"): _R,
    ("GET", "/datastore/image/info"): _R,
    ("PUT", "/datastore/image/info"): _R,
    ("GET", "/datastore/label"): _R,
    ("PUT", "/datastore/label"): _R,
    ("DELETE", "/datastore/label"): _R,
    ("GET", "/datastore/label/info"): _R,
    ("PUT", "/datastore/label/info"): _R,
    ("PUT", "/datastore/updatelabelinfo"): _R,
    ("GET", "/datastore/dataset"): _R,
    ("GET", "/train/"): _R,
    ("POST", "/train/"): _R,
    ("POST", "/train/{model}"): _R,
    ("DELETE", "/train/"): _R,
    ("POST", "/batch/infer/{model}"): _R,
    ("PUT", "/session/"): _R,
    ("GET", "/session/{session_id}"): _R,
    ("DELETE", "/session/{session_id}"): _R,
    ("GET", "/logs/"): _R,
    ("GET", "/logs/gpu"): _R,
    ("GET", "/auth/"): None,
    ("POST", "/auth/token"): None,
    ("GET", "/auth/token/valid"): _R,
    # assignments
    ("GET", "/api/assignments"): Role.ADMIN,
    ("POST", "/api/assignments"): Role.ADMIN,
    ("DELETE", "/api/assignments/{number}"): Role.ADMIN,
    # DICOMweb
    ("GET", "/dicomweb/studies"): _R,
    ("GET", "/dicomweb/series"): _R,
    ("GET", "/dicomweb/studies/{study}"): _R,
    ("GET", "/dicomweb/studies/{study}/series"): _R,
    ("GET", "/dicomweb/studies/{study}/instances"): _R,
    ("GET", "/dicomweb/studies/{study}/metadata"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}/instances"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}/metadata"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}/instances/{instance}"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}/instances/{instance}/metadata"): _R,
    ("GET", "/dicomweb/studies/{study}/series/{series}/instances/{instance}/frames/{frames}"): _R,
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


def is_public(method: str, path: str) -> bool:
    """Tell whether a request needs no role: of the page's files, and of the way in."""
    found = list(_fitting(method, path))
    return bool(found) and not any(found)


def methods_of(path: str) -> list[str]:
    """Give the methods that a path may be asked with; none where there is no such path."""
    return sorted({method for method, fits, _ in _COMPILED if fits.match(path)})


def _fitting(method: str, path: str) -> Iterator[Role | None]:
    asked = "GET" if method == "HEAD" else method
    return (role for known, fits, role in _COMPILED if known == asked and fits.match(path))
