"""Where a policy's models run: its BACKEND blocks and what MODEL blocks say, as addresses. It resolves no name.

A BACKEND serves the models that it names (`model`, `models`), those that name it (`backend`, `provider_profile`,
`preferred_endpoints`), and those whose name begins with its own, as `local/qwen` with `BACKEND vllm_endpoint local`.
An endpoint that no model is tied to serves every model that nobody else does and whose name has no `/`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as dataclass_fields
from typing import Any
from urllib.parse import urlsplit

from graphs.policy.policy import Declared, Policy
from graphs.policy.syntax import Block, Fields, Program

__all__ = ["Endpoint", "endpoints", "model_names", "secret_fields", "served"]

_PORTS = {"http": 80, "https": 443}
_SECRET = ("api_key", "apikey", "token", "secret", "password", "authorization", "x-api-key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """An address at which models are served."""

    name: str
    """The BACKEND's name, or the MODEL's."""
    kind: str
    """`type` of the block: what it speaks, as `vllm`, `ollama`, `openai`, `anthropic`."""
    url: str
    """The address with what it leads to; empty if none is declared."""
    host: str
    port: int | None
    key_env: str = ""
    """The environment variable with the key."""
    weight: int | None = None


def endpoints(policy: Policy) -> list[Endpoint]:
    """Return the endpoints that BACKEND and MODEL blocks declare, those with an address."""
    declared = [*policy.backends.values(), *policy.models.values()]
    found = [_endpoint(policy, block) for block in declared]
    return [endpoint for endpoint in found if endpoint.host]


def model_names(policy: Policy) -> list[str]:
    """Return the models that the policy declares or names, each once, in their order."""
    named = (candidate.name for rule in policy.rules for candidate in rule.models)
    default = [policy.default_model] if policy.default_model else []
    return list(dict.fromkeys([*policy.models, *named, *default]))


def served(policy: Policy, model: str) -> list[tuple[Endpoint, str]]:
    """Return the endpoints that serve a model, each with the model's name there; none if the policy does not say."""
    block = policy.models.get(model)
    if block is not None and (own := _endpoint(policy, block)).url:
        return [(own, _text(block.fields.get("model")) or model)]
    tied = list(_tied(policy, model, block))
    if not tied and "/" not in model:
        loose = (b for b in policy.backends.values() if b.type == "vllm_endpoint")
        tied = [(b, model) for b in loose if not _is_tied(policy, b)]
    found = ((_endpoint(policy, backend), name) for backend, name in tied)
    return [(endpoint, name) for endpoint, name in found if endpoint.url or endpoint.kind]


def secret_fields(program: Program) -> Iterator[tuple[str, str]]:
    """Yield the blocks and fields that hold a key as a text, and not the name of its environment variable."""
    for block in program.blocks:
        yield from ((_name(block), field) for field in _secrets(block))


def _name(block: Block) -> str:
    return " ".join(part for part in (block.kind, block.type, block.name) if part)


def _secrets(part: object, field: str = "") -> Iterator[str]:
    """Yield the names of fields below a part of the tree that hold a key; recipes that are not chosen have them too."""
    if isinstance(part, Fields):
        # As headers are written: { name: "Authorization", value: "..." }.
        of = {item.key: item.value for item in part}
        named = str(of.get("name", of.get("key", "")))
        for key, value in of.items():
            yield from _secrets(value, named if key == "value" else key)
    elif isinstance(part, list | tuple):
        for each in part:
            yield from _secrets(each, field)
    elif isinstance(part, str):
        if field.lower() in _SECRET and part and not part.startswith(("os.environ/", "$")):
            yield field
    elif is_dataclass(part):
        for each in dataclass_fields(part):
            yield from _secrets(getattr(part, each.name))


def _tied(policy: Policy, model: str, block: Declared | None) -> Iterator[tuple[Declared, str]]:
    prefix, _, rest = model.partition("/")
    named = _names(block)
    there = _text(block.fields.get("model")) if block else ""
    for backend in policy.backends.values():
        if model in _models(backend) or backend.name in named:
            yield backend, there or model.removeprefix(f"{backend.name}/")
        elif rest and backend.name == prefix:
            yield backend, there or rest


def _is_tied(policy: Policy, backend: Declared) -> bool:
    if _models(backend):
        return True
    named = (name for block in policy.models.values() for name in _names(block))
    return backend.name in named or any(
        m.startswith(f"{backend.name}/") for m in model_names(policy)
    )


def _models(backend: Declared) -> list[str]:
    return [*_list(backend.fields.get("model")), *_list(backend.fields.get("models"))]


def _names(block: Declared | None) -> list[str]:
    """Return the backends that a MODEL names."""
    keys = ("backend", "provider_profile", "preferred_endpoints", "endpoints")
    return [name for key in keys for name in _list(block.fields.get(key))] if block else []


def _endpoint(policy: Policy, block: Declared) -> Endpoint:
    fields = block.fields
    # A MODEL that names its profile is served by that BACKEND; only a BACKEND takes its profile's address.
    named = _text(fields.get("provider_profile")) if block.name in policy.backends else ""
    profile = policy.backends.get(named)
    over = {**profile.fields, **fields} if profile is not None else fields
    scheme, host, port, path = _address(
        _text(over.get("address")) or _text(over.get("base_url")), over.get("port")
    )
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port is not None and port != _PORTS.get(scheme) else shown
    weight = fields.get("weight")
    return Endpoint(
        name=block.name,
        kind=_text(over.get("type")),
        url=f"{scheme}://{place}{path}" if host else "",
        host=host,
        port=port if port is not None else _PORTS.get(scheme) if host else None,
        key_env=_text(over.get("api_key_env")),
        weight=weight if type(weight) is int and weight > 0 else None,
    )


def _address(text: str, port: Any) -> tuple[str, str, int | None, str]:
    """Return scheme, host, port and path of an address as people write them: a name, an IP, with a port, a URL."""
    bare = "://" not in text
    written = f"[{text}]" if bare and text.count(":") > 1 and "[" not in text else text
    try:
        parts = urlsplit(f"http://{written}" if bare else written)
        host, given = parts.hostname or "", parts.port
    except ValueError:  # no port is a text, and no address has half a bracket
        return "http", "", None, ""
    number = port if type(port) is int else given
    if number is not None and not 0 < number < 1 << 16:
        return "http", "", None, ""
    return parts.scheme or "http", host, number, parts.path.rstrip("/")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [v for v in values if isinstance(v, str) and v]
