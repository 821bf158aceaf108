"""Puts a gate before calls: a client's `call_tool`, a server's tool function, the sending of a message to an agent.

It knows the shape of these functions, no SDK. What is denied is not called: a `DeniedError` says why.
"""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable, Collection
from typing import Any, TypeVar, cast

from agents.errors import DeniedError
from graphs.policy.gate import Asking, Gate, Ruling

__all__ = ["gated_call", "gated_send", "gated_tool"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
Who = Callable[[], Asking]
"""Says for each call who asks."""
Told = Callable[[Ruling], None]
"""Is told of each ruling, to log it."""


def gated_call(
    call: Callable[..., Awaitable[Any]],
    gate: Gate,
    *,
    asking: Who = Asking,
    told: Told | None = None,
) -> Callable[..., Awaitable[Any]]:
    """Return `call_tool` of an MCP client or session that asks the gate before it calls.

    Example:
        session.call_tool = gated_call(session.call_tool, gate)
    """

    @functools.wraps(call)
    async def gated(
        name: str, arguments: dict[str, Any] | None = None, *rest: Any, **more: Any
    ) -> Any:
        _check(await asyncio.to_thread(gate.tool_call, name, arguments, asking=asking()), told)
        return await call(name, arguments, *rest, **more)

    return gated


def gated_tool(
    function: _Function,
    gate: Gate,
    *,
    name: str = "",
    asking: Who = Asking,
    own: Collection[str] = (),
    told: Told | None = None,
    denied: Callable[[str], Exception] = DeniedError,
) -> _Function:
    """Return a server's tool function that asks the gate before it runs, with the same signature.

    Args:
        function: takes JSON-plain arguments.
        gate: what rules.
        name: of the tool; empty takes the function's.
        asking: says who calls.
        own: the arguments that the server puts in itself, as its context; the caller did not send them.
        told: is told of each ruling.
        denied: the error of a call that is denied; MCP's SDK shows clients the text of its own `ToolError` alone.
    """
    signature = inspect.signature(function)
    tool = name or str(getattr(function, "__name__", "tool"))

    def sent(args: tuple[Any, ...], more: dict[str, Any]) -> dict[str, Any]:
        given = signature.bind(*args, **more).arguments
        return {key: value for key, value in given.items() if key not in own}

    @functools.wraps(function)
    async def gated(*args: Any, **more: Any) -> Any:
        ruling = await asyncio.to_thread(gate.tool_call, tool, sent(args, more), asking=asking())
        _check(ruling, told, denied)
        return await function(*args, **more)

    @functools.wraps(function)
    def gated_at_once(*args: Any, **more: Any) -> Any:
        _check(gate.tool_call(tool, sent(args, more), asking=asking()), told, denied)
        return function(*args, **more)

    return cast(_Function, gated if inspect.iscoroutinefunction(function) else gated_at_once)


def gated_send(
    send: Callable[..., Awaitable[Any]],
    gate: Gate,
    *,
    agent: str,
    content: Callable[..., Any] = lambda message, *rest, **more: message,
    asking: Who = Asking,
    told: Told | None = None,
) -> Callable[..., Awaitable[Any]]:
    """Return a function that sends a message to an agent, or runs one, and asks the gate before.

    Args:
        send: as an A2A client's sending of a text, or the `execute` of a server's executor.
        gate: what rules.
        agent: the agent's id.
        content: takes the arguments of `send` and returns the message's text, or its parts as JSON-plain values.
        asking: says who sends.
        told: is told of each ruling.
    """

    @functools.wraps(send)
    async def gated(*args: Any, **more: Any) -> Any:
        said = content(*args, **more)
        _check(await asyncio.to_thread(gate.message, agent, said, asking=asking()), told)
        return await send(*args, **more)

    return gated


def _check(
    ruling: Ruling, told: Told | None, denied: Callable[[str], Exception] = DeniedError
) -> None:
    if told is not None:
        told(ruling)
    if not ruling.allowed:
        raise denied(f"denied by the policy: {ruling.reason}")
