"""HTTP to agents elsewhere: no redirects, limits on time and on what is read, headers named by the card."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx

from agents.elsewhere.bounded import BoundedStream, BoundedTransport
from agents.elsewhere.secrets import headers_of

__all__ = ["open_http", "origin_of"]

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
            transport=_Transport(), base_url=base_url, headers=headers, timeout=_LIMITS
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


class _Stream(BoundedStream, httpx.AsyncByteStream):
    pass


class _Transport(BoundedTransport, httpx.AsyncBaseTransport):
    library = httpx
    stream = _Stream
