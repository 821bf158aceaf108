"""`GET /` and `/page/NAME`: the web page; `GET /v1/machine`: the state machine that it draws.

The files are read once, when the application is made. The policy that is sent with them lets the browser load nothing
from elsewhere, run no script but these files, and make no markup of text.
"""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import PurePath
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.page import KINDS, read_files
from graphs.machine import FINAL, RESTING, TRANSITIONS, TURN_EVENTS, Event, Phase

__all__ = ["add_page", "machine"]

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",  # asked for again each time, and answered by 304
}


def add_page(app: FastAPI) -> None:
    """Serve the page."""
    files = read_files()
    start = _serve("index.html", files["index.html"])
    app.add_api_route("/", start, methods=["GET"], include_in_schema=False)
    served = {name: _serve(name, content) for name, content in files.items()}

    async def file(request: Request) -> Response:
        answer = served.get(request.path_params["name"])
        if answer is None:
            raise HTTPException(404)
        return await answer(request)

    app.add_api_route("/page/{name}", file, methods=["GET"], include_in_schema=False)


def _serve(name: str, content: bytes) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint of one file."""
    kind = KINDS[PurePath(name).suffix]
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**_HEADERS, "etag": tag}

    async def endpoint(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers={**headers, "content-type": kind})

    return endpoint


async def machine(request: Request) -> Response:
    """Return the phases, and each transition that the table has."""
    return JSONResponse(_table())


@cache
def _table() -> dict[str, Any]:
    return {
        "phases": [
            {"id": phase.value, "rests": phase in RESTING, "final": phase in FINAL}
            for phase in Phase
        ],
        "events": [
            {"id": event.value, "of": "user" if event in TURN_EVENTS else "turn"} for event in Event
        ],
        "transitions": [
            {"from": before.value, "event": event.value, "to": after.value}
            for (before, event), after in TRANSITIONS.items()
        ],
    }
