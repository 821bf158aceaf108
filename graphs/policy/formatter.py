"""Writes a syntax tree as text, the one way in which policies are laid out: parsing it again gives an equal tree.

It keeps comments and the order of everything, and knows no meaning.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from graphs.policy.syntax import (
    AlgorithmUse,
    And,
    Block,
    Branch,
    Case,
    Condition,
    Emit,
    Field,
    Fields,
    Item,
    Loop,
    Not,
    Notes,
    Or,
    PluginUse,
    Program,
    Reference,
    Statement,
    Target,
    Value,
    Word,
)

__all__ = ["format_condition", "format_program", "format_value"]

_WIDTH = 100
_STEP = "  "
_BARE = re.compile(r"[A-Za-z_]\w*(?:[./-]\w+)*", re.ASCII)
_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f\ud800-\udfff]')
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_NOT_BARE = frozenset({"true", "false", "IF", "NONE"})
_KEYWORDS = {PluginUse: "PLUGIN", AlgorithmUse: "ALGORITHM", Emit: "EMIT"}


def format_program(program: Program) -> str:
    """Return the program as text that ends with a line break; the empty one as an empty text."""
    lines: list[str] = []
    for place, block in enumerate(program.blocks):
        lines += [""] if place else []
        lines += _block(block, "")
    if program.comments:
        lines += (
            ["", *_comments(program.comments, "")] if lines else _comments(program.comments, "")
        )
    return "".join(f"{line}\n" for line in lines)


def format_condition(condition: Condition) -> str:
    """Return a condition on one line, with no more parentheses than it needs."""
    if isinstance(condition, Reference):
        return f"{condition.type}({_text(condition.name)})"
    if isinstance(condition, Not):
        inner = format_condition(condition.part)
        return f"NOT ({inner})" if isinstance(condition.part, And | Or) else f"NOT {inner}"
    if isinstance(condition, Or):
        return " OR ".join(format_condition(part) for part in condition.parts)
    return " AND ".join(
        f"({format_condition(part)})" if isinstance(part, Or) else format_condition(part)
        for part in condition.parts
    )


def format_value(value: Value) -> str:
    """Return a value on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, Fields):
        inner = ", ".join(f"{_key(f.key)}: {format_value(f.value)}" for f in value)
        return f"{{ {inner} }}" if inner else "{}"
    return f"[{', '.join(format_value(part) for part in value)}]"


def _block(block: Block, indent: str) -> Iterator[str]:
    yield from _comments(block.notes.before, indent)
    words: list[str] = [block.kind]
    if block.kind == "PLUGIN":
        words += [_name(block.name), block.type]
    else:
        words += [word for word in (block.type, _name(block.name) if block.name else "") if word]
    head = " ".join(words) + _options(block.options)
    inner = list(_content(block, indent + _STEP))
    inner += _comments(block.notes.inside, indent + _STEP)
    yield from _braced(head, inner, indent, block.notes.behind)


def _content(block: Block, indent: str) -> Iterator[str]:
    for field in block.fields:
        yield from _field(field, indent)
    for item in block.body:
        yield from _item(item, indent)
    for place, branch in enumerate(block.branches):
        yield from _branch(branch, indent, first=place == 0)
    for case in block.cases:
        yield from _case(case, indent)
    for place, inner in enumerate(block.blocks):
        yield from [""] if place else []
        yield from _block(inner, indent)


def _branch(branch: Branch, indent: str, *, first: bool) -> Iterator[str]:
    yield from _comments(branch.notes.before, indent)
    word = "ELSE" if branch.when is None else "IF" if first else "ELSE IF"
    condition = "" if branch.when is None else f" {format_condition(branch.when)}"
    inner = [line for item in branch.body for line in _item(item, indent + _STEP)]
    inner += _comments(branch.notes.inside, indent + _STEP)
    yield from _braced(f"{word}{condition}", inner, indent, branch.notes.behind)


def _item(item: Item, indent: str) -> Iterator[str]:
    yield from _comments(item.notes.before, indent)
    if isinstance(item, Loop):
        source = "decision.candidates"
        if item.source is not None:
            source = f"[{', '.join(_target(target) for target in item.source)}]"
        yield f"{indent}FOR {item.word} IN {source} {{"
        yield f"{indent}{_STEP}MODEL {item.word}"
        yield f"{indent}}}{_behind(item.notes)}"
        return
    if isinstance(item, Statement):
        line = f"{indent}{item.keyword} {_said(item)}"
        if len(line) > _WIDTH and isinstance(item.value, And | Or):
            yield from _broken(item.value, f"{indent}{item.keyword} ", indent + _STEP, item.notes)
        else:
            yield f"{line}{_behind(item.notes)}"
        return
    head = f"{_KEYWORDS[type(item)]} {_name(item.name)}"
    inner = [line for field in item.fields for line in _field(field, indent + _STEP)]
    inner += _comments(item.notes.inside, indent + _STEP)
    if not inner:
        yield f"{indent}{head}{_behind(item.notes)}"
        return
    yield from _braced(head, inner, indent, item.notes.behind)


def _broken(condition: And | Or, head: str, indent: str, notes: Notes) -> Iterator[str]:
    """Yield a long condition with each of its parts on a line."""
    word = "AND" if isinstance(condition, And) else "OR"
    for place, part in enumerate(condition.parts):
        start = head if place == 0 else f"{indent}{word} "
        shown = format_condition(part)
        if isinstance(condition, And) and isinstance(part, Or):
            shown = f"({shown})"
        yield start + shown + (_behind(notes) if place == len(condition.parts) - 1 else "")


def _said(item: Statement) -> str:
    value = item.value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return ", ".join(_target(target) for target in value) or "NONE"
    return format_condition(value)


def _target(target: Target) -> str:
    return _text(target.name) + _options(target.options)


def _case(case: Case, indent: str) -> Iterator[str]:
    yield from _comments(case.notes.before, indent)
    line = f"{_text(case.query)}{_options(case.options)} -> {_name(case.expected)}"
    yield f"{indent}{line}{_behind(case.notes)}"


def _field(field: Field, indent: str) -> Iterator[str]:
    yield from _comments(field.notes.before, indent)
    line = f"{indent}{_key(field.key)}: {format_value(field.value)}"
    if len(line) <= _WIDTH or not isinstance(field.value, tuple) or not field.value:
        yield f"{line}{_behind(field.notes)}"
        return
    yield f"{indent}{_key(field.key)}: ["
    yield from _filled([format_value(part) for part in field.value], indent + _STEP)
    yield f"{indent}]{_behind(field.notes)}"


def _filled(parts: Sequence[str], indent: str) -> Iterator[str]:
    """Yield lines with as many of `parts` on each as fit."""
    line = indent
    for place, part in enumerate(parts):
        word = part + ("," if place < len(parts) - 1 else "")
        if line != indent and len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = indent
        line += word if line == indent else f" {word}"
    yield line


def _braced(head: str, inner: Sequence[str], indent: str, behind: str) -> Iterator[str]:
    comment = f"  # {behind}" if behind else ""
    if not inner:
        yield f"{indent}{head} {{}}{comment}"
        return
    yield f"{indent}{head} {{"
    yield from inner
    yield f"{indent}}}{comment}"


def _options(options: Fields) -> str:
    if not options:
        return ""
    inner = ", ".join(f"{_key(option.key)} = {format_value(option.value)}" for option in options)
    return f" ({inner})"


def _comments(comments: Iterable[str], indent: str) -> list[str]:
    return [f"{indent}# {comment}".rstrip() for comment in comments]


def _behind(notes: Notes) -> str:
    return f"  # {notes.behind}" if notes.behind else ""


def _name(name: str) -> str:
    """Return a name bare where it can stand so."""
    return name if _BARE.fullmatch(name) and name not in _NOT_BARE else _text(name)


def _key(key: str) -> str:
    # Bare, it would begin the condition of an AGENT or a GRANT.
    return key if _BARE.fullmatch(key) and key != "WHEN" else _text(key)


def _text(text: str) -> str:
    """Return a text in quotes."""
    return f'"{_SPECIAL.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    given = match.group()
    return _ESCAPES.get(given) or f"\\u{ord(given):04x}"
