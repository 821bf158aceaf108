"""The tools of an MCP server as plain values: which may be used, what they take, what came of a call.

All that a server sends is data from outside: it is bounded, and nothing in it is fetched, imported or obeyed.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from mcp_types import BlobResourceContents, CallToolResult, TextContent, Tool
from typing_extensions import TypedDict

from agents.elsewhere.entries import McpEntry
from agents.elsewhere.wording import one_line
from agents.errors import InputError, UnreachableError
from agents.schemas import validator_of

__all__ = ["ToolCard", "checked_arguments", "named_arguments", "result_text", "tool_cards"]

_log = logging.getLogger(__name__)
MOST_TOOLS = 64
LONGEST_SCHEMA = 10_000
LONGEST_ARGUMENTS = 20_000
"""Characters of JSON."""
LONGEST_RESULT = 8_000
_LONGEST_DESCRIPTION = 1_000
_LONGEST_NAME = 128


class ToolCard(TypedDict):
    """What is known of a tool; JSON-plain."""

    name: str
    description: str
    schema: dict[str, Any]
    """The JSON schema of its arguments."""
    changes: bool
    """Whether it may change something, so that each call needs an approval."""


def tool_cards(listed: Sequence[Tool], entry: McpEntry, *, server: str) -> list[ToolCard]:
    """Return the tools that may be used, in the order of the entry or of the server; the log says which are left out.

    Raises:
        UnreachableError: the server lacks one that the entry names, or no tool is left.
    """
    faults = {tool.name: _fault(tool) for tool in listed}
    cards = {tool.name: _card(tool, entry) for tool in listed if not faults[tool.name]}
    if entry.tools is not None:
        missing = next((name for name in entry.tools if name not in cards), None)
        if missing is not None:
            why = f": {faults[missing]}" if missing in faults else ""
            raise UnreachableError(
                f"the MCP server {server} offers no tool {missing!r} of use{why}"
            )
        return [cards[name] for name in entry.tools]
    for name, fault in faults.items():
        if fault:
            _tell(server, one_line(name, longest=_LONGEST_NAME), fault)
    if not cards:
        raise UnreachableError(f"the MCP server {server} offers no tool of use")
    return [*cards.values()][:MOST_TOOLS]


def _card(tool: Tool, entry: McpEntry) -> ToolCard:
    says_reads = tool.annotations is not None and tool.annotations.read_only_hint is True
    return ToolCard(
        name=tool.name,
        description=" ".join((tool.description or "").split())[:_LONGEST_DESCRIPTION],
        schema=tool.input_schema,
        changes=tool.name in entry.changes or not (says_reads or tool.name in entry.reads),
    )


@lru_cache(maxsize=256)
def _tell(server: str, tool: str, fault: str) -> None:
    """Log that a tool is left out, not each time that the tools are listed."""
    _log.warning("the tool %r of the MCP server %s is left out: %s", tool, server, fault)


def _fault(tool: Tool) -> str:
    """Return why a tool cannot be shown or its arguments cannot be checked, empty if they can."""
    if not tool.name.isprintable() or not 0 < len(tool.name) <= _LONGEST_NAME:
        return f"its name is not 1 to {_LONGEST_NAME} characters that print"
    try:
        if (length := len(json.dumps(tool.input_schema))) > LONGEST_SCHEMA:
            return f"its schema has {length:,} characters; at most {LONGEST_SCHEMA:,} are read"
        validator_of(tool.input_schema)
    except InputError as error:
        return f"its schema: {one_line(str(error))}"
    except (ValueError, TypeError, RecursionError):
        return "its schema is no JSON"
    return ""


def checked_arguments(tool: ToolCard, given: Any) -> tuple[dict[str, Any], str | None]:
    """Return the arguments of a call, and what is wrong with them, if anything."""
    if not isinstance(given, dict):
        return {}, "the arguments are no object"
    if len(json.dumps(given, default=str)) > LONGEST_ARGUMENTS:
        return {}, f"the arguments are longer than {LONGEST_ARGUMENTS:,} characters"
    try:
        json.dumps(given, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:  # what writes to the server would break off with the connection
        return {}, "the arguments hold half a character; write whole ones"
    try:
        fault = next(iter(validator_of(tool["schema"]).iter_errors(given)), None)
    except RecursionError:
        return {}, "its schema goes in circles"
    if fault is None:
        return given, None
    at = "/".join(map(str, fault.absolute_path)) or "the arguments"
    return given, f"{at}: {fault.message[:300]}"


def result_text(result: CallToolResult) -> str:
    """Return what came of a call as text; pictures and the like are named, not shown."""
    parts = [_part(block) for block in result.content]
    if result.structured_content is not None and not any(p.strip() for p in parts):
        parts = [json.dumps(result.structured_content, ensure_ascii=False, default=str)]
    text = "\n".join(part for part in parts if part).strip() or "(nothing)"
    if len(text) <= LONGEST_RESULT:
        return text
    return f"{text[:LONGEST_RESULT]}\n(cut: {len(text) - LONGEST_RESULT:,} characters more)"


def _part(block: Any) -> str:
    if isinstance(block, TextContent):
        return block.text
    resource = getattr(block, "resource", None)
    if resource is not None and not isinstance(resource, BlobResourceContents):
        return str(resource.text)
    kind = getattr(block, "mime_type", None) or getattr(resource, "mime_type", None) or "unknown"
    return f"({block.type} of the type {kind[:60]}, not shown)"


def named_arguments(arguments: Mapping[str, Any]) -> list[str]:
    """Return a line for each argument, as a person reads it before saying yes; a long value says how long it is."""
    return [f"{name}: {_shown(value)}" for name, value in arguments.items()]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = one_line(text, longest=len(text))
    return text if len(text) <= 500 else f"{text[:500]}… ({len(text):,} characters)"
