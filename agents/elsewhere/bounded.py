"""Answers over HTTP of a bounded size, never packed: for httpx, and for httpx2, whose classes are others but alike.

Each library's transport and stream are made of these and of its own bases.
"""

from collections.abc import AsyncIterator
from typing import Any, ClassVar

__all__ = ["LARGEST_BODY", "BoundedStream", "BoundedTransport"]

LARGEST_BODY = 8 * 2**20
"""Bytes of one answer that are read."""


class BoundedStream:
    """Reads no more of a body than `LARGEST_BODY`; beyond it raises `fault`."""

    def __init__(self, own: Any, fault: Exception) -> None:
        self._own, self._fault = own, fault

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._own:
            read += len(chunk)
            if read > LARGEST_BODY:
                raise self._fault
            yield chunk

    async def aclose(self) -> None:
        """Leave the body."""
        await self._own.aclose()


class BoundedTransport:
    """Asks for answers that are not packed, and reads so much of each."""

    library: Any
    stream: ClassVar[type[BoundedStream]]
    uncounted: ClassVar[str | None] = None
    """The type of content that has no end, and is bounded where it is read."""

    def __init__(self) -> None:
        self._own = self.library.AsyncHTTPTransport()

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request and return the answer.

        Raises:
            Exception: the library's `ReadError`, if the answer is packed.
        """
        request.headers["accept-encoding"] = "identity"  # 8 MB that are packed can be 8 GB
        response = await self._own.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise self._fault("the answer is compressed, unasked", request)
        if self.uncounted and response.headers.get("content-type", "").startswith(self.uncounted):
            return response
        too_long = self._fault(f"more than {LARGEST_BODY:,} bytes", request)
        return self.library.Response(
            response.status_code,
            headers=response.headers,
            stream=self.stream(response.stream, too_long),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._own.aclose()

    def _fault(self, text: str, request: Any) -> Exception:
        fault: Exception = self.library.ReadError(text, request=request)
        return fault
