"""Writes the pages of the reference that are drawn from values: settings, HTTP, the state machine.

    python -m docs.reference

`tests/unit/test_docs.py` holds the pages to what this would write. The Python reference is drawn by mkdocstrings as the
pages are built.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.server.application import make_app
from app.settings import PREFIX, Settings
from graphs.machine import ANSWER_EVENTS, OUTCOME_EVENTS, ROUTING_EVENTS, TRANSITIONS, TURN_EVENTS
from graphs.machine import Event as Events
from graphs.machine import Phase as Phases
from graphs.sent import LONGEST_INPUT
from graphs.turn import LONGEST_TEXT

__all__ = ["PAGES", "http", "machine", "settings"]

_SETTINGS = """\
The environment wins over the file `.env` in the working directory, and that over the default. An empty value is
none. A wrong value, or an unknown name that begins with `MOMA_`, ends a command with exit status 2 and one line
that says what was expected. `.env.example` lists them all, with the keys of the models of `catalog.yaml`."""
_KEYS = """\
Providers' keys keep their usual names (`OPENAI_API_KEY` and so on): a model's `key` in the catalogue says which.
Tracing has OpenTelemetry's and LangSmith's own variables: see [production](../production.md#see-what-it-does)."""
_HTTP = f"""\
What `python -m app.server` answers, from its OpenAPI document (`/openapi.json` of a running server). Requests carry
`Authorization: Bearer KEY` if the server has keys, and bodies are JSON (`content-type: application/json`). Refusals
have OpenAI's form, `{{"error": {{"message", "type", "param", "code"}}}}`: 400 what cannot be taken, 401 no key or a
wrong one, 403 what the key, the request or the policy does not allow, 404 what is not there, not yours, or without
the key that it needs, 413 too long (of all messages {LONGEST_INPUT:,} characters are taken, of one of the user's
{LONGEST_TEXT:,}), 415 not JSON, 421 another host's name, 429 and 503 too much at once or all that may
answer at rest after failures, with `Retry-After` where it is known (429 with the code `insufficient_quota`: no money is
left; `Retry-After` if there is more the next day), 502 and 504 a model, an agent or the time failed.
An agent that is asked for alone and gives the turn back is a 400 with its reason, and so is what every model that was
asked refused as a wrong request (`request_refused`). A stream has such a status too if it fails before its first word
and within two seconds after the decision; a later failure is an event of the same form, with no `[DONE]` after it."""
_MACHINE = """\
The dialogue is a state machine: the phases are its states, and each turn starts in the phase in which the last one
ended. The table (phase, event) → phase is total, and the graph's conditional edges are drawn from it. A dot stands
for: the phase stays. `python -m app.doctor machine` prints the same; [the record](../record.md) tells which events
a turn was."""
FOLDER = Path(__file__).parent / "pages" / "reference"
_NOTE = "<!-- Written by `python -m docs.reference`; change the code that it is drawn from. -->"
Schema = Mapping[str, Any]


def settings() -> str:
    """Return the page on settings."""
    schema = Settings.model_json_schema()["properties"]
    rows = []
    for name, field in Settings.model_fields.items():
        value, meaning = _type(schema[name]), field.description or ""
        rows.append((f"`{PREFIX}{name.upper()}`", _default(name, field.default), value, meaning))
    return _page(
        "Settings", _SETTINGS, _table(("setting", "default", "value", "meaning"), rows), _KEYS
    )


def http() -> str:
    """Return the page on the server's API, from its OpenAPI document."""

    def never() -> Any:
        raise AssertionError("the document is drawn without serving")

    parts, shown = [_HTTP], dict[str, str]()
    for path, methods in make_app(never).openapi()["paths"].items():
        for method, operation in methods.items():
            title = f"{method.upper()} {path}"
            parts += [f"## {title}", operation["description"].partition("\n\n")[0]]
            if (body := _body(operation)) is not None:
                text = "\n\n".join(_fields(body))
                first = shown.setdefault(text, title)
                parts.append(text if first == title else f"The body is that of `{first}`.")
    return _page("HTTP", *parts)


def machine() -> str:
    """Return the page on the state machine."""
    heads = ("event", *(f"`{phase}`" for phase in Phases))
    parts = [_MACHINE]
    groups = {
        "What the user's turn was": TURN_EVENTS,
        "What the router decided": ROUTING_EVENTS,
        "How an agent ended": OUTCOME_EVENTS,
        "How a model's answer ended": ANSWER_EVENTS,
    }
    of_turns = frozenset[Events]().union(*groups.values())
    groups["How a hand-over ended"] = frozenset(Events) - of_turns
    for title, events in groups.items():
        rows = [(f"`{e}`", *(_cell(p, e) for p in Phases)) for e in Events if e in events]
        parts += [f"## {title}", _table(heads, rows)]
    return _page("State machine", *parts)


def _cell(phase: Phases, event: Events) -> str:
    after = TRANSITIONS[phase, event]
    return "·" if after == phase else f"`{after}`"


def _default(name: str, default: Any) -> str:
    if name == "home":
        return "`~/.local/share/moma` on Linux"
    if default in (None, "", ()):
        return "none"
    return f"`{','.join(default) if isinstance(default, tuple) else default}`"


def _body(operation: Schema) -> Schema | None:
    content = operation.get("requestBody", {}).get("content", {})
    schema: Schema | None = content.get("application/json", {}).get("schema")
    return schema


def _fields(schema: Schema) -> Iterator[str]:
    """Yield a table of the fields of a body, and one for each kind of object within it."""
    inner: dict[str, Schema] = {}
    yield _rows(schema, inner)
    done: set[str] = set()
    while waiting := [name for name in inner if name not in done]:
        for name in waiting:
            done.add(name)
            said = inner[name].get("description", "")
            yield f"**{name}**. {said}"
            yield _rows(inner[name], inner)


def _rows(schema: Schema, inner: dict[str, Schema]) -> str:
    needed = schema.get("required", ())
    rows = []
    for name, field in schema["properties"].items():
        value = "required" if name in needed else _told(field.get("default"))
        rows.append((f"`{name}`", _type(field, inner), value, field.get("description", "")))
    return _table(("field", "value", "default", "meaning"), rows)


def _told(default: Any) -> str:
    return (
        "none"
        if default in (None, "")
        else f"`{str(default).lower() if default is False else default}`"
    )


def _type(schema: Schema, inner: dict[str, Schema] | None = None) -> str:
    """Return in words which values a schema takes; objects with fields of their own are added to `inner`."""
    if options := schema.get("anyOf") or schema.get("oneOf"):
        told = [_type(o, inner) for o in options if o.get("type") != "null"]
        return " or ".join(dict.fromkeys(told)) or "null"
    if "const" in schema:
        return f"`{str(schema['const']).lower() if schema['const'] is False else schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = str(schema["type"])
    if kind == "object" and "properties" in schema and inner is not None:
        inner[schema["title"]] = schema
        return str(schema["title"])
    if kind == "array":
        items = _type(schema["items"], inner) if "items" in schema else "any"
        return _bounded(f"list of {items}" if "items" in schema else "list", schema)
    names = {"integer": "whole number", "boolean": "`true` or `false`", "string": "text"}
    return _bounded("path" if schema.get("format") == "path" else names.get(kind, kind), schema)


def _bounded(text: str, schema: Schema) -> str:
    lengths = (_range(schema, "minLength", "maxLength"), _range(schema, "minItems", "maxItems"))
    bounds = [_range(schema, "minimum", "maximum"), *lengths]
    if "exclusiveMinimum" in schema:
        bounds.append(f"above {_number(schema['exclusiveMinimum'])}")
    told = [bound for bound in bounds if bound]
    unit = " characters" if lengths[0] else ""
    return f"{text} ({', '.join(told)}{unit})" if told else text


def _range(schema: Schema, least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None:
        return "" if high is None else f"at most {_number(high)}"
    return f"{_number(low)} or more" if high is None else f"{_number(low)} to {_number(high)}"


def _number(bound: float) -> str:
    return f"{int(bound):,}" if float(bound).is_integer() and abs(bound) < 2**53 else f"{bound:.3g}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )


def _page(title: str, *parts: str) -> str:
    return "\n\n".join((_NOTE, f"# {title}", *parts)) + "\n"


PAGES = {"settings.md": settings, "http.md": http, "machine.md": machine}
"""The pages by name, each with what writes it."""


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
