"""Tells what a chat UI asks for itself from what its user asks: titles, tags, follow-ups, search queries, summaries.

Such a request goes to the cheapest model, is in no thread and moves nobody's floor. It is known by what the UI says
(`metadata.task`), or by the prompts that Open WebUI and LibreChat send; a prompt that was rewritten by hand is not.
"""

import re

from app.server.request import ChatRequest, UserMessage

__all__ = ["is_background"]

_TASKS = frozenset(
    {
        "title_generation", "tags_generation", "follow_up_generation", "query_generation", "emoji_generation",
        "autocomplete_generation", "image_prompt_generation",
    }
)  # fmt: skip
"""Open WebUI's names; words that a program may use for tasks of its users are none."""
_LONGEST_HEAD = 400
_CHOOSE_TOOLS = (
    "Available Tools: ",
    "Your task is to choose and return the correct tool(s) from the list of available tools",
)
_PROMPTS = re.compile(
    r"""\s*(?:
      \#\#\#\ Task:\s+(?:
          generate\ a\ concise,?\ [\w\s,-]{0,40}title
        | generate\ 1-3\ broad\ tags
        | suggest\ [\w-]{1,8}\ relevant\ follow-up
        | predict\ [\w-]{1,8}\ useful\ messages\ this\ user\ might
        | summarize\ the\ conversation\ history\ that\ will\ be\ compacted
        | analyze\ the\ chat\ history\ to\ determine\ the\ necessity\ of\ generating\ search\ queries
        | generate\ a\ detailed\ prompt\ for\ (?:am?|an)\ image\ generation
        | you\ are\ an\ autocompletion\ system
      )
    | your\ task\ is\ to\ reflect\ the\ speaker's\ likely\ facial\ expression
    | (?:please\ )?(?:provide|generate|write)\ a\ concise,\ 5-word-or-less\ title\ for\ (?:the|this)\ conversation
    | analyze\ this\ conversation\ and\ provide:\s+1\.\ the\ detected\ language
    )""",
    re.IGNORECASE | re.VERBOSE,
)


def is_background(request: ChatRequest) -> bool:
    """Return whether a request is a chat UI's own."""
    task = (request.metadata or {}).get("task")
    if isinstance(task, str) and task in _TASKS:
        return True
    if request.tools or not any(isinstance(m, UserMessage) for m in request.messages):
        return False
    if any(m.role in ("assistant", "tool") for m in request.messages):
        return False
    texts = [m.content for m in request.messages]
    return any(isinstance(text, str) and _is_prompt(text) for text in texts)


def _is_prompt(text: str) -> bool:
    if text.startswith(_CHOOSE_TOOLS[0]):  # between its two parts stand the tools
        return _CHOOSE_TOOLS[1] in text
    return _PROMPTS.match(text[:_LONGEST_HEAD]) is not None
