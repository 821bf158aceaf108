"""`/health`: the process lives; `/ready`: it can take turns; `/metrics`: what Prometheus reads."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.server.callers import caller_of
from app.server.metrics import CONTENT_TYPE
from app.server.resources import Resources
from app.server.states import place_of
from graphs.gateway import transport

__all__ = ["health", "metrics", "ready"]


async def health(request: Request) -> Response:
    """Say that the process answers."""
    return JSONResponse({"status": "ok"})


async def ready(request: Request) -> Response:
    """Say whether turns can be taken, and if not what is missing."""
    resources: Resources = request.app.state.resources
    missing = []
    if resources.services.admission.draining:
        missing.append("the process is about to end")
    if not resources.services.loaded:
        missing.append("the routers are still loading")
    if not transport.loaded():
        missing.append("LiteLLM, which calls the models, is still loading")
    try:
        await resources.conversations.check()
        await resources.saver.aget_tuple(place_of("~ready"))
    except Exception as error:  # noqa: BLE001 whatever the store raises, it is not ready
        missing.append(f"the store cannot be read ({type(error).__name__})")
    status = "unavailable" if missing else "ok"
    return JSONResponse({"status": status, "missing": missing}, status_code=503 if missing else 200)


async def metrics(request: Request) -> Response:
    """Return the counters.

    Raises:
        ApiError: the server has keys, and the caller sent none.
    """
    resources: Resources = request.app.state.resources
    caller_of(request.headers, resources.keys)
    return Response(resources.metrics.text(), headers={"content-type": CONTENT_TYPE})
