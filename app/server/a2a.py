"""MoMA as an A2A agent at `/a2a` of the server: the same keys, and the same threads apart by caller.

The card is open to all, as A2A wants it; whatever is said needs a key where the server has any. It needs the extra
`protocols`.
"""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.errors import SettingsError
from agents.extras import how_to_install
from app.server.callers import ApiCaller, caller_of
from app.server.door import check_kind
from app.server.errors import ApiError, error_response
from app.server.narrowing import outside
from app.server.resources import Resources
from graphs.state import Context

__all__ = ["PLACE", "a2a_application", "need_protocols"]

PLACE = "/a2a"


def need_protocols() -> None:
    """Check that the server can be an A2A agent.

    Raises:
        SettingsError: the extra is not installed.
    """
    try:
        import app.a2a  # noqa: F401
    except ImportError:
        raise SettingsError(
            f"MOMA_A2A_URL is set, which needs the extra protocols; install it: {how_to_install('protocols')}"
        ) from None


def a2a_application(resources: Resources, *, url: str) -> ASGIApp:
    """Return the application that is mounted at `PLACE`.

    Args:
        resources: what requests are served with.
        url: the server's own address, as callers see it.

    Raises:
        SettingsError: the extra is not installed.
    """
    need_protocols()
    from app.a2a import make_a2a

    def context_of(request: Request) -> Context:
        return _context(caller_of(request.headers, resources.keys), resources)

    application = make_a2a(
        resources.graph,
        resources.services,
        url=url.rstrip("/") + PLACE,
        context_of=context_of,
        ending=resources.ending,
    )
    application.add_exception_handler(ApiError, _told)
    return _Gate(application, resources)


async def _told(request: Request, error: Exception) -> Response:
    """Answer with what a body was refused for while it came."""
    assert isinstance(error, ApiError)
    return error_response(error)


class _Gate:
    """Refuses who has no key, and what a page may send unasked, in the form in which the server refuses."""

    def __init__(self, application: ASGIApp, resources: Resources) -> None:
        self._application, self._resources = application, resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is the card's, or comes with a key and as JSON."""
        if scope["type"] == "http" and "/.well-known/" not in scope["path"]:
            headers = Headers(scope=scope)
            try:
                caller_of(headers, self._resources.keys)
                if scope["method"] == "POST":
                    check_kind(headers)
            except ApiError as error:
                await error_response(error)(scope, receive, send)
                return
        await self._application(scope, receive, send)


def _context(caller: ApiCaller, resources: Resources) -> Context:
    key = caller.key
    return Context(
        user=caller.user,
        grants=key.grants,
        preference=key.preference,
        budget_usd=key.budget_usd,
        exclude=outside(caller, resources.services),
    )
