"""The FastAPI application: which path is answered by what, and how errors are told."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.server.a2a import PLACE, a2a_application
from app.server.completions import complete
from app.server.door import Door
from app.server.errors import ApiError, as_api_error, error_response
from app.server.health import health, metrics, ready
from app.server.models import list_models, show_model
from app.server.page import add_page, machine
from app.server.request import ChatRequest
from app.server.resources import Resources
from app.server.response_request import ResponseRequest
from app.server.responses import respond
from app.server.routes import Feedback, give_feedback, route

__all__ = ["make_app"]

Open = Callable[[], AbstractAsyncContextManager[Resources]]
Endpoint = Callable[[Request], Awaitable[Response]]
_REFUSALS = (400, 401, 403, 404, 413, 415, 421, 429, 500, 502, 503, 504)
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}
_OBJECT = {"type": "object"}


def make_app(
    opened: Open, *, hosts: Collection[str] | None = None, a2a_url: str | None = None
) -> FastAPI:
    """Return the application.

    Args:
        opened: opens what requests are served with, for as long as the application runs.
        hosts: the names under which it may be called; None for any.
        a2a_url: the server's address as A2A agents reach it; None: it is no A2A agent.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opened() as resources:
            app.state.resources = resources
            if a2a_url:
                app.mount(PLACE, a2a_application(resources, url=a2a_url))
            yield

    app = FastAPI(
        title="MoMA",
        description="Sends each chat turn to the agent that fits it or to the model that is worth its price.",
        version="1",
        lifespan=lifespan,
        docs_url=None,  # the page would load its script from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    _add(app, "POST", "/v1/chat/completions", complete, body=ChatRequest, streams=True)
    _add(app, "POST", "/v1/responses", respond, body=ResponseRequest, streams=True)
    _add(app, "POST", "/v1/route", route, body=ChatRequest)
    _add(app, "POST", "/v1/feedback", give_feedback, body=Feedback)
    _add(app, "GET", "/v1/models", list_models)
    _add(app, "GET", "/v1/models/{model:path}", show_model)
    _add(app, "GET", "/v1/machine", machine)
    _add(app, "GET", "/health", health)
    _add(app, "GET", "/ready", ready)
    _add(app, "GET", "/metrics", metrics, kind="text/plain")
    for path, endpoint in (("/health", health), ("/ready", ready)):
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False)
    add_page(app)
    app.add_exception_handler(HTTPException, _told_http)
    app.add_middleware(Door, hosts=hosts)
    return app


def _safe(endpoint: Endpoint, *, turns: bool) -> Endpoint:
    """Return an endpoint that tells its errors in OpenAI's form; `turns`: what it refuses is counted as turns are."""

    @functools.wraps(endpoint)
    async def safe(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:  # noqa: BLE001 the server's boundary: whatever it is, the client is told something
            told = as_api_error(error)
            if turns and not told.counted:
                request.app.state.resources.metrics.count_refused(told.status)
            return error_response(told)

    return safe


async def _told_http(request: Request, error: Exception) -> Response:
    """Tell what the framework refuses, an unknown path or method, in OpenAI's form too."""
    assert isinstance(error, HTTPException)
    text = f"{request.method} {request.url.path[:200]}: {error.detail}"
    return error_response(ApiError(error.status_code, text, code="unknown_url"), error.headers)


def _add(
    app: FastAPI,
    method: str,
    path: str,
    endpoint: Endpoint,
    *,
    body: type[BaseModel] | None = None,
    kind: str = "application/json",
    streams: bool = False,
) -> None:
    """Add an endpoint with its description; bodies are read by the endpoints themselves."""
    schema: dict[str, Any] = _OBJECT if kind == "application/json" else {"type": "string"}
    content = {kind: {"schema": schema}}
    if streams:
        # Some tools hold each event of a stream against its schema, others the whole text.
        content["text/event-stream"] = {"schema": {}}
    extra: dict[str, Any] = {
        "responses": {
            "200": {"description": "What was asked for.", "content": content},
            **{
                str(status): {
                    "description": "Refused, and why.",
                    "content": {"application/json": {"schema": _ERROR}},
                }
                for status in _REFUSALS
                if status != 503 or path != "/ready"
            },
        }
    }
    if path == "/ready":
        extra["responses"]["503"] = {
            "description": "Not ready.",
            "content": {"application/json": {"schema": _OBJECT}},
        }
    if "{model:path}" in path:
        named = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}
        extra["parameters"] = [named]
    if body is not None:
        extra["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _inlined(body)}},
        }
    app.add_api_route(
        path,
        _safe(endpoint, turns=streams),
        methods=[method],
        response_model=None,
        openapi_extra=extra,
    )


def _inlined(body: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a body with its definitions in place: a path's own schema has no room for them."""
    schema = body.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolved(value: Any) -> Any:
        if isinstance(value, dict):
            if (reference := value.get("$ref")) and reference.rpartition("/")[2] in definitions:
                name = reference.rpartition("/")[2]
                return _OBJECT if name == "JsonValue" else resolved(definitions[name])
            return {k: resolved(v) for k, v in value.items() if k != "discriminator"}
        return [resolved(v) for v in value] if isinstance(value, list) else value

    inlined: dict[str, Any] = resolved(schema)
    return inlined
