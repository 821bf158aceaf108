"""HTTP to MCP servers: a body of a bounded size, never packed. It knows no MCP.

Events are not counted together, as a stream of them stays open; each is bounded where they are read.
"""

from collections.abc import Mapping

import httpx2

from agents.elsewhere.bounded import BoundedStream, BoundedTransport

__all__ = ["make_client"]


def make_client(headers: Mapping[str, str], *, seconds: float) -> httpx2.AsyncClient:
    """Return a client whose requests may take so long; it reads certificates from files."""
    return httpx2.AsyncClient(
        transport=_Transport(), headers=headers, timeout=httpx2.Timeout(seconds)
    )


class _Stream(BoundedStream, httpx2.AsyncByteStream):
    pass


class _Transport(BoundedTransport, httpx2.AsyncBaseTransport):
    library = httpx2
    stream = _Stream
    uncounted = "text/event-stream"
