"""HTTP to MCP servers: a body of a bounded size, never packed. It knows no MCP.

Events are not counted together, as a stream of them stays open; each is bounded where they are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from agents.elsewhere.bounded import BoundedStream, BoundedTransport
from agents.elsewhere.wording import one_line

__all__ = ["Heard", "make_client"]

_KINDS = ("application/json", "text/event-stream")


@dataclass(slots=True)
class Heard:
    """How a server answered last: what reads its answers says of none why it could not be read."""

    status: int = 0
    """Of HTTP; 0 before the first answer."""
    kind: str = ""
    """The type of its content."""

    async def note(self, response: httpx2.Response) -> None:
        """Take in an answer; only those to a POST say something, as a GET or DELETE may be refused by right."""
        if response.request.method == "POST":
            self.status = response.status_code
            self.kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def fault(self) -> str:
        """What was wrong with the answer, empty if it was one of MCP."""
        if self.status and not 200 <= self.status < 300:
            return f"answers with the HTTP status {self.status}"
        if self.status == 200 and self.kind not in _KINDS:
            return f"answers what is not MCP ({one_line(self.kind, longest=60) or 'of no type'})"
        return ""


def make_client(headers: Mapping[str, str], *, seconds: float, heard: Heard) -> httpx2.AsyncClient:
    """Return a client whose requests may take so long; it reads certificates from files."""
    return httpx2.AsyncClient(
        transport=_Transport(),
        headers=headers,
        timeout=httpx2.Timeout(seconds),
        event_hooks={"response": [heard.note]},
    )


class _Stream(BoundedStream, httpx2.AsyncByteStream):
    pass


class _Transport(BoundedTransport, httpx2.AsyncBaseTransport):
    library = httpx2
    stream = _Stream
    uncounted = "text/event-stream"
