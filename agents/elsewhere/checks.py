"""Whether what a card says of where its agent comes from can be followed, and safely. It opens no connection."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from agents.card import AgentCard
from agents.elsewhere.entries import McpEntry

__all__ = ["SECRET_NAME", "fault_of", "secrets_of"]

SECRET_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
"""A variable that holds a secret. In capitals: a token such as `ghp_0a1b` is a name too, and what is unset is shown."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9-]+")
_Fault = tuple[tuple[str, ...], str]
"""The key path within the card, and what is wrong."""


def fault_of(card: AgentCard) -> _Fault | None:
    """Return the first thing that is wrong with where `card` says its agent is, or None."""
    return next(_faults(card), None)


def secrets_of(card: AgentCard) -> frozenset[str]:
    """Return the names of the environment variables whose values the agent is given."""
    entries = [e for e in (card.remote, card.mcp, card.a2a) if e is not None]
    headers = {name for entry in entries for name in entry.headers_env.values()}
    return frozenset(headers | set(card.mcp.env if card.mcp else ()))


def _faults(card: AgentCard) -> Iterator[_Fault]:
    entries = {"remote": card.remote, "mcp": card.mcp, "a2a": card.a2a}
    given = [name for name, entry in entries.items() if entry is not None]
    if len(given) + bool(card.run) > 1:
        both = " and ".join([*(["run"] if card.run else []), *given])
        yield (given[-1],), f"given beside {both}; an agent comes from one place, keep one"
    if given and card.options:
        yield ("options",), f"given for {given[0]}, which takes none; expected only beside run"
    for name, entry in entries.items():
        if entry is None:
            continue
        if entry.url or not isinstance(entry, McpEntry):
            yield from _address((name, "url"), entry.url, insecure=entry.insecure)
        yield from _headers((name, "headers_env"), entry.headers_env)
    if card.mcp is not None:
        yield from _mcp(card.mcp)


def _address(at: tuple[str, ...], url: str, *, insecure: bool) -> Iterator[_Fault]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    if parts.scheme not in ("http", "https") or not host:
        yield at, "it is no address; expected one such as https://agents.example.org"
    elif parts.username is not None or parts.password is not None:
        yield at, "it holds a user or password; name an environment variable in headers_env instead"
    elif parts.scheme == "http" and not insecure and not _is_loopback(host):
        yield (
            at,
            f"http to {host!r} can be read on the way; use https, or set insecure: true if you own the way",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _headers(at: tuple[str, ...], headers: Mapping[str, str]) -> Iterator[_Fault]:
    for header, variable in headers.items():
        if not _HEADER.fullmatch(header):
            yield at, f"the header {header!r} is not made of letters, digits and '-'"
        if not SECRET_NAME.fullmatch(variable):
            # It may be the secret itself, so it is not shown.
            yield (
                (*at, header),
                "expected the name of an environment variable, in capitals, not a value: the value goes there",
            )


def _mcp(entry: McpEntry) -> Iterator[_Fault]:
    at = ("mcp",)
    if bool(entry.command) == bool(entry.url):
        yield at, "expected either command or url, and one of them"
    if entry.url and (entry.args or entry.env):
        yield at, "args and env go with command; an address takes headers_env"
    if entry.command and entry.headers_env:
        yield at, "headers_env goes with url; a command takes env"
    for variable in entry.env:
        if not _VARIABLE.fullmatch(variable):
            yield (*at, "env"), "expected names of environment variables, not values"
    if both := set(entry.changes) & set(entry.reads):
        yield (*at, "reads"), f"{min(both)!r} stands under changes too; keep one"
    if entry.tools is not None:
        for key, named in (("changes", entry.changes), ("reads", entry.reads)):
            if unknown := set(named) - set(entry.tools):
                yield (*at, key), f"{min(unknown)!r} is none of its tools; add it there or drop it"
