"""What `PLUGIN tools` lets be called."""

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["tool_refusal"]


def tool_refusal(name: str, rules: Iterable[Mapping[str, Any]]) -> str:
    """Return why a tool may not be called, empty if it may: every rule must let it.

    Args:
        name: the tool's.
        rules: the fields of plugins: `mode`, `allow_tools`, `block_tools`; without a mode, a list of either filters.
    """
    return next(filter(None, (_refusal(name, fields) for fields in rules)), "")


def _refusal(name: str, fields: Mapping[str, Any]) -> str:
    allow, block = (_texts(fields.get(key)) for key in ("allow_tools", "block_tools"))
    mode = fields.get("mode", "filtered" if allow or block else "passthrough")
    if mode == "none":
        return "the rule lets no tool be called"
    if mode not in ("filtered", "passthrough"):
        return f"the rule has the tools mode {mode!r:.40}, expected none, filtered or passthrough"
    if name in block:
        return f"the rule blocks the tool {name}"
    if mode == "filtered" and name not in allow and (allow or not block):
        return f"the tool {name} is not among those that the rule allows"
    return ""


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [v for v in values if isinstance(v, str)]
