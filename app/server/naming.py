"""How a request names its thread: by a session, a chat of Open WebUI, what was said so far, or a key to try again with.

The id begins with the caller's, so that no name is another's. It knows no saved state.
"""

import hashlib
import re
import uuid
from collections.abc import Mapping, Sequence

from app.server.callers import ApiCaller
from app.server.conversations import Conversations
from app.server.errors import ApiError
from app.server.messages import digest
from app.server.request import ChatRequest, Message

__all__ = ["OPEN_WEBUI_CHAT", "RETRY", "hashed", "header_of", "key_of", "thread_of"]

OPEN_WEBUI_CHAT = "x-openwebui-chat-id"
RETRY = "idempotency-key"
_HEADERS = ("x-session-id", OPEN_WEBUI_CHAT)
_LONGEST_KEY = 256
_PLAIN_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


async def thread_of(
    key: tuple[str, str] | None,
    retry: str | None,
    before: Sequence[Message],
    caller: ApiCaller,
    conversations: Conversations,
) -> tuple[str, bool]:
    """Return the thread, and whether anything may be saved of it.

    Args:
        key: what `key_of` returned.
        retry: the key to try again with, if there is one.
        before: what was said up to the last answer.
        caller: whose it is.
        conversations: where what was said is looked for.
    """
    if key is not None:
        name = key[1] if _PLAIN_KEY.fullmatch(key[1]) else f"~{hashed(key[1])}"
        return f"{caller.place}.{name}", True
    if before and (found := await conversations.find(caller.place, digest(caller.place, before))):
        return found, True
    if retry:
        return f"{caller.place}.~~{hashed(retry)}", True
    return f"{caller.place}.~~{uuid.uuid4().hex}", False


def key_of(request: ChatRequest, headers: Mapping[str, str]) -> tuple[str, str] | None:
    """Return where the name of the thread comes from, and the name; None where the request has none.

    Raises:
        ApiError: it is too long, or no text.
    """
    session = (request.metadata or {}).get("session_id")
    if session is not None and not (isinstance(session, str) and session):
        name = "metadata.session_id"
        raise ApiError(400, f"{name}: expected a text", code="invalid_value", param=name)
    if isinstance(session, str):
        if len(session) > _LONGEST_KEY:
            raise ApiError(400, f"metadata.session_id: at most {_LONGEST_KEY} characters are taken")
        return "metadata", session
    for name in _HEADERS:
        if value := header_of(headers, name):
            return name, value
    return None


def header_of(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header's value, None without one.

    Raises:
        ApiError: it is too long.
    """
    value = headers.get(name, "").strip()
    if len(value) > _LONGEST_KEY:
        raise ApiError(400, f"{name}: at most {_LONGEST_KEY} characters are taken")
    return value or None


def hashed(text: str) -> str:
    """Return a name that stands for any text."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]
