"""Tells tools that a chat UI offers with every message from tools that a program needs.

A program that runs its own tools wants a model that calls them. A chat UI sends its tools (its clock, its notes, its
knowledge) whatever the user writes, and with them any agent may still take the turn. Open WebUI does so since it lets
models call its tools themselves; it is known by its header or by the names of its tools.
"""

from collections.abc import Mapping

from app.server.callers import ApiCaller
from app.server.naming import OPEN_WEBUI_CHAT
from app.server.request import ChatRequest, UserMessage

__all__ = ["are_only_offered"]

_OPTIONAL = "optional"
_OPEN_WEBUI = frozenset(
    {
        "get_current_timestamp", "calculate_timestamp", "list_knowledge_bases", "search_knowledge_bases",
        "query_knowledge_bases", "search_chats", "view_chat", "replace_memory_content", "replace_note_content",
        "search_channel_messages", "view_channel_message", "view_channel_thread",
    }
)  # fmt: skip
"""Those of its tools that hardly any other program has under these names."""
_ENOUGH = 2


def are_only_offered(request: ChatRequest, headers: Mapping[str, str], caller: ApiCaller) -> bool:
    """Return whether agents, and models that call no tools, may serve a request that brings tools.

    The results of tools are for the model that asked for them, and a tool that must be called needs one.
    """
    if not request.tools or request.tool_choice not in (None, "auto", "none"):
        return False
    if not isinstance(request.messages[-1], UserMessage):
        return False
    said = (request.metadata or {}).get("tools")
    if said is not None or caller.key.forwards_users or headers.get(OPEN_WEBUI_CHAT):
        return said in (None, _OPTIONAL)
    return len(_OPEN_WEBUI & {tool.function.name for tool in request.tools}) >= _ENOUGH
