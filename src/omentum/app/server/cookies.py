"""Give a browser the cookie of its session, and take it back."""

from fastapi import Request
from fastapi.responses import Response

from omentum.app.server.sessions import SESSION_SECONDS

__all__ = ["end_session_cookie", "set_session_cookie"]


def set_session_cookie(request: Request, answer: Response, secret: str) -> None:
    """Set the cookie; scripts cannot read it, other sites cannot use it, and under TLS it stays there."""
    answer.set_cookie(
        request.app.state.cookie,
        secret,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="strict",
        path="/",
        secure=request.url.scheme == "https",
    )


def end_session_cookie(request: Request, answer: Response) -> None:
    """Let the browser forget its cookie."""
    answer.delete_cookie(request.app.state.cookie, path="/", httponly=True, samesite="strict")
