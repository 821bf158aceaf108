"""What a line of the catalogue says of an agent from elsewhere: where it is and what it may do. Data, no code.

Secrets are named, never written: `headers_env` and `env` hold names of environment variables.
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

__all__ = ["A2aEntry", "McpEntry", "RemoteEntry"]

_STRICT = ConfigDict(extra="forbid")
_Text = Annotated[str, Field(max_length=2_000)]
_Steps = Annotated[int, Field(ge=1, le=20, strict=True)]
_Seconds = Annotated[float, Field(gt=0, le=600, strict=True, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEntry:
    """A graph behind a LangGraph server."""

    __pydantic_config__ = _STRICT

    url: _Text
    assistant: _Text = "agent"
    """The graph's name on that server."""
    headers_env: dict[str, str] = field(default_factory=dict)
    """Headers, each with the environment variable of its value."""
    insecure: bool = False
    """Whether http is allowed to another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class A2aEntry:
    """An agent that speaks A2A."""

    __pydantic_config__ = _STRICT

    url: _Text
    """Where its agent card is, without `/.well-known/agent-card.json`."""
    headers_env: dict[str, str] = field(default_factory=dict)
    insecure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class McpEntry:
    """An MCP server: a command that speaks over its standard input and output, or an address."""

    __pydantic_config__ = _STRICT

    command: _Text = ""
    args: tuple[_Text, ...] = ()
    env: tuple[_Text, ...] = ()
    """The environment variables that the command is given, beside PATH, HOME and the like."""
    url: _Text = ""
    headers_env: dict[str, str] = field(default_factory=dict)
    insecure: bool = False
    tools: tuple[_Text, ...] | None = None
    """The tools that may be used; None means all that the server lists."""
    changes: tuple[_Text, ...] = ()
    """Tools that need an approval, whatever the server says of them."""
    reads: tuple[_Text, ...] = ()
    """Tools that need none, though the server does not say that they only read."""
    steps: _Steps = 6
    """The most calls of tools in a turn."""
    seconds: _Seconds = 30.0
    """The longest that the server may take to start or to answer."""
