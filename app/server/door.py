"""What is looked at before a request is: the name under which the server was called, the kind and size of the body.

A page in a browser can send requests to this machine. A foreign name in `Host` is DNS rebinding; a body that is not
sent as JSON needs no leave of the server's, so none is read. No other origin gets one: there are no CORS headers.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.server.errors import ApiError, error_response

__all__ = ["LARGEST_BODY", "LOOPBACK", "Door", "check_kind", "hosts_of", "json_body"]

LARGEST_BODY = 8 * 1024 * 1024
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def hosts_of(named: Collection[str], *, loopback: bool) -> tuple[str, ...] | None:
    """Return the names to which a server answers, None for any.

    Args:
        named: those that it is given.
        loopback: whether it listens on loopback alone.
    """
    return (*named, *LOOPBACK) if named or loopback else None


class Door:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None) -> None:
        """`hosts` are the names under which the server may be called, None for any."""
        self._app = app
        self._hosts = None if hosts is None else frozenset(h.lower() for h in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on with its body bounded."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if (error := self._refusal(headers)) is not None:
            await error_response(error)(scope, receive, send)
            return
        came = 0

        async def bounded() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > LARGEST_BODY:
                raise _too_large()
            return message

        await self._app(scope, bounded, send)

    def _refusal(self, headers: Headers) -> ApiError | None:
        if self._hosts is not None and _name(headers.get("host", "")) not in self._hosts:
            return ApiError(
                421,
                "the Host header names another server; add the name to MOMA_SERVER_HOSTS if it is this one",
                code="wrong_host",
            )
        length = headers.get("content-length", "0")
        return _too_large() if not length.isdigit() or int(length) > LARGEST_BODY else None


def check_kind(headers: Headers) -> None:
    """Check that a body is sent as JSON.

    Raises:
        ApiError: it is not.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise ApiError(
            415, "send the body with content-type: application/json", code="wrong_content_type"
        )


async def json_body(request: Request) -> bytes:
    """Return the body of a request.

    Raises:
        ApiError: it is not sent as JSON, or the client hung up before the end of it.
    """
    check_kind(request.headers)
    try:
        return await request.body()
    except ClientDisconnect:
        raise ApiError(499, "the client hung up while it sent the body") from None


def _too_large() -> ApiError:
    return ApiError(
        413,
        f"the body is too large; at most {LARGEST_BODY:,} bytes are taken",
        code="body_too_large",
    )


def _name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    name = host.strip().lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0]
