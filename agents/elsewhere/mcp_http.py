"""HTTP to MCP servers: a body of a bounded size, never packed. It knows no MCP.

Events are not counted together, as a stream of them stays open; each is bounded where they are read.
"""

from collections.abc import AsyncIterator, Mapping
from typing import cast

import httpx2

from agents.elsewhere.http import LARGEST_BODY

__all__ = ["make_client"]

_EVENTS = "text/event-stream"


def make_client(headers: Mapping[str, str], *, seconds: float) -> httpx2.AsyncClient:
    """Return a client whose requests may take so long; it reads certificates from files."""
    return httpx2.AsyncClient(
        transport=_Bounded(), headers=headers, timeout=httpx2.Timeout(seconds)
    )


class _Bounded(httpx2.AsyncBaseTransport):
    """Reads no more of a body than `LARGEST_BODY`."""

    def __init__(self) -> None:
        self._own = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"  # 8 MB that are packed can be 8 GB
        response = await self._own.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.ReadError("the answer is compressed, unasked", request=request)
        if response.headers.get("content-type", "").startswith(_EVENTS):
            return response
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=_BoundedStream(cast(httpx2.AsyncByteStream, response.stream), request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._own.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, own: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._own, self._request = own, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._own:
            read += len(chunk)
            if read > LARGEST_BODY:
                raise httpx2.ReadError(f"more than {LARGEST_BODY:,} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._own.aclose()
