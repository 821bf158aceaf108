"""Reads the secrets that a card names: headers and variables of the environment. It keeps none."""

import os
from collections.abc import Iterable, Mapping

from agents.errors import AgentError

__all__ = ["environment_of", "headers_of"]


def headers_of(named: Mapping[str, str]) -> dict[str, str]:
    """Return the headers whose values stand in the environment; a bare token for `Authorization` becomes a bearer's.

    Raises:
        AgentError: a variable is not set, or its value cannot stand in a header.
    """
    headers = {}
    for header, variable in named.items():
        value = _value(variable).strip()
        if not value.isprintable() or not value.isascii():
            raise AgentError(f"the value of {variable} cannot stand in a header; set it anew")
        bare = header.lower() == "authorization" and " " not in value
        headers[header] = f"Bearer {value}" if bare else value
    return headers


def environment_of(names: Iterable[str]) -> dict[str, str]:
    """Return these variables of the environment.

    Raises:
        AgentError: one is not set.
    """
    return {name: _value(name) for name in names}


def _value(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise AgentError(f"{variable} is not set; set it to reach this agent")
    return value
