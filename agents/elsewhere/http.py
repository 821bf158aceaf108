"""HTTP to agents elsewhere: no redirects, limits on time and on what is read, headers named by the card."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import cast
from urllib.parse import urlsplit

import httpx

from agents.elsewhere.secrets import headers_of

__all__ = ["LARGEST_BODY", "open_http", "origin_of"]

LARGEST_BODY = 8 * 2**20
"""Bytes of one answer that are read."""
_LIMITS = httpx.Timeout(connect=10, pool=10, write=60, read=600)
"""The turn's deadline ends a run long before the last of them."""


@asynccontextmanager
async def open_http(
    headers_env: Mapping[str, str], *, base_url: str = ""
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client for one run.

    Args:
        headers_env: headers, each with the environment variable of its value.
        base_url: what paths are relative to.

    Raises:
        AgentError: a variable is not set.
    """
    headers = headers_of(headers_env)

    def client() -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=_Bounded(), base_url=base_url, headers=headers, timeout=_LIMITS
        )

    async with await asyncio.to_thread(client) as opened:  # it reads certificates from files
        yield opened


def origin_of(url: str) -> tuple[str, str, int]:
    """Return the scheme, host and port of an address.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(url)
    standard = {"http": 80, "https": 443}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or standard


class _Bounded(httpx.AsyncBaseTransport):
    """Reads no more of an answer than `LARGEST_BODY`."""

    def __init__(self) -> None:
        self._own = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["accept-encoding"] = "identity"  # 8 MB that are packed can be 8 GB
        response = await self._own.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx.ReadError("the answer is compressed, unasked", request=request)
        stream = cast(httpx.AsyncByteStream, response.stream)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_BoundedStream(stream, request),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._own.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, own: httpx.AsyncByteStream, request: httpx.Request) -> None:
        self._own, self._request = own, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._own:
            read += len(chunk)
            if read > LARGEST_BODY:
                raise httpx.ReadError(f"more than {LARGEST_BODY:,} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._own.aclose()
