"""Reads a policy file into its syntax tree, with every syntax error at its place.

A broken statement, field or block is left out and reading goes on behind it. It knows the grammar and no meaning:

    file      := block*
    block     := KIND [type] [name] ["(" options ")"] "{" ... "}"
    condition := all (OR all)*     all := factor (AND factor)*
    factor    := NOT factor | "(" condition ")" | type "(" "name" ")"
"""

import difflib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from graphs.policy.cursor import BLOCK_KINDS, STATEMENTS, Cursor, SyntaxFault
from graphs.policy.findings import Finding
from graphs.policy.syntax import (
    AlgorithmUse,
    And,
    Block,
    BlockKind,
    Branch,
    Case,
    Condition,
    Emit,
    Field,
    Fields,
    Item,
    Loop,
    Not,
    Or,
    PluginUse,
    Program,
    Reference,
    RouteBody,
    Statement,
    Target,
    Value,
    Word,
)
from graphs.policy.tokens import MOST_FINDINGS, Token, scan

__all__ = ["parse"]

_T = TypeVar("_T")
_TYPED = ("SIGNAL", "PROJECTION", "BACKEND")
_LARGEST = 1e308
"""No number that a policy needs is beyond; those of floating point end there."""
_JOINTS = ("AND", "OR", "NOT")
_NAMELESS = ("GLOBAL", "ROUTING", "ENTRYPOINT")


def parse(text: str) -> tuple[Program, list[Finding]]:
    """Return the syntax tree of a policy file, without what could not be read, and a finding for each such place."""
    tokens, findings = scan(text)
    parser = _Parser(tokens)
    program = parser.program()
    found = [*findings, *parser.findings]
    return program, sorted(found, key=lambda finding: finding.at)[:MOST_FINDINGS]


class _Parser(Cursor):
    """Recursive descent; each method reads one thing of the grammar."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        super().__init__(tokens)
        self._in_recipe = False

    # Blocks

    def program(self) -> Program:
        blocks = self._blocks(until_brace=False)
        return Program(tuple(blocks), self.now.before)

    def _blocks(self, *, until_brace: bool) -> list[Block]:
        blocks: list[Block] = []
        while self.now.kind != "end" and not (until_brace and self.is_mark("}")):
            block = self.attempt(self._block, self.skip_to_block)
            if block is not None:
                blocks.append(block)
        return blocks

    def _block(self) -> Block:
        start, token = self.index, self.now
        if token.kind != "word" or token.text not in BLOCK_KINDS:
            raise self.fault("a block", hint=_nearest(token.text, BLOCK_KINDS))
        self.index += 1
        kind: BlockKind = token.text
        if kind == "RECIPE" and self._in_recipe:
            raise SyntaxFault("RECIPE stands in a RECIPE, expected outside of it", token.at)
        type_ = self.word(f"the type of the {kind}") if kind in _TYPED else ""
        name = "" if kind in _NAMELESS else self.name(f"the name of the {kind}")
        if kind == "ENTRYPOINT" and not self.is_mark("{"):
            name = self.name("the name of the ENTRYPOINT")
        if kind == "PLUGIN":
            type_ = self.word("the type of the PLUGIN")
        options = self._options()
        opened = self.take("{", f"the {{ of {kind} {name}".rstrip())
        head = self.index
        content = self._content(kind)
        self.close(opened, f"{kind} {name}".rstrip())
        notes = self.notes(start, head, last=self.index - 1)
        return Block(kind, name, type_, options, at=token.at, notes=notes, **content)

    def _content(self, kind: BlockKind) -> dict[str, Any]:
        if kind == "ROUTE":
            return {"body": self._body()}
        if kind == "DECISION_TREE":
            return {"branches": self._branches()}
        if kind == "TEST":
            return {"cases": tuple(self._listed(self._case))}
        if kind == "RECIPE":
            self._in_recipe = True
            blocks = self._blocks(until_brace=True)
            self._in_recipe = False
            return {"blocks": tuple(blocks)}
        if kind in ("AGENT", "GRANT"):
            items = self._listed(self._field_or_when)
            return {
                "fields": Fields(tuple(i for i in items if isinstance(i, Field))),
                "body": tuple(i for i in items if isinstance(i, Statement)),
            }
        return {"fields": Fields(tuple(self._listed(self._field)))}

    def _listed(self, read: Callable[[], _T]) -> list[_T]:
        """Read things up to the closing brace; commas between them may stand or not."""
        things: list[_T] = []
        while not self.ends():
            if self.is_mark(","):
                self.index += 1
                continue
            thing = self.attempt(read, self.skip_line)
            if thing is not None:
                things.append(thing)
        return things

    # Routes and trees

    def _body(self) -> RouteBody:
        items: list[Item] = []
        while not self.ends():
            item = self.attempt(self._item, self.skip_statement)
            if item is not None:
                items.append(item)
        return tuple(items)

    def _item(self) -> Item:
        start, token = self.index, self.now
        if token.kind != "word" or token.text not in STATEMENTS:
            raise self.fault(
                "a statement of a route", hint=_nearest(token.text, (*STATEMENTS, *_JOINTS))
            )
        self.index += 1
        word = token.text
        if word == "FOR":
            return self._loop(start)
        if word in ("ALGORITHM", "PLUGIN", "EMIT"):
            name = self.name(f"the name of the {word}")
            braced = self.is_mark("{")
            head = self.index + 1 if braced else None
            fields = self._braced() if braced else Fields()
            notes = self.notes(start, head, last=self.index - 1 if braced else None)
            made: Any = {"ALGORITHM": AlgorithmUse, "PLUGIN": PluginUse, "EMIT": Emit}[word]
            item: Item = made(name, fields, token.at, notes)
            return item
        value: int | str | Condition | tuple[Target, ...]
        if word in ("PRIORITY", "TIER"):
            value = self._whole_number(word)
        elif word == "WHEN":
            value = self._condition()
        elif word in ("NAME", "DESCRIPTION"):
            value = self.name(f"a text after {word}")
        elif word == "AGENT" and self.now.kind == "word" and self.now.text == "NONE":
            self.index += 1
            value = ()
        else:
            value = self._targets()
        return Statement(word, value, token.at, self.notes(start))  # type: ignore[arg-type]

    def _loop(self, start: int) -> Loop:
        word = self.word("the name of the loop's variable")
        self.keyword("IN")
        if self.is_mark("["):
            source: tuple[Target, ...] | None = self._target_list()
        elif self.now.text == "decision.candidates":
            self.index += 1
            source = None
        else:
            raise self.fault("decision.candidates or a list of models")
        opened = self.take("{", "the { of FOR")
        self.keyword("MODEL")
        named = self.now
        if self.word("the loop's variable") != word:
            message = f"given {named.text!r:.40}, expected the loop's variable {word}"
            raise SyntaxFault(message, named.at)
        self.close(opened, "FOR")
        return Loop(word, source, self.tokens[start].at, self.notes(start))

    def _branches(self) -> tuple[Branch, ...]:
        branches: list[Branch] = []
        while not self.ends():
            branch = self.attempt(self._branch, self.skip_branch)
            if branch is not None:
                branches.append(branch)
        return tuple(branches)

    def _branch(self) -> Branch:
        start, token = self.index, self.now
        if token.text not in ("IF", "ELSE") or token.kind != "word":
            raise self.fault("IF, ELSE IF or ELSE")
        self.index += 1
        when: Condition | None = None
        if token.text == "IF" or (self.now.kind == "word" and self.now.text == "IF"):
            self.index += token.text == "ELSE"
            when = self._condition()
        opened = self.take("{", "the { of the branch")
        head = self.index
        body = self._body()
        self.close(opened, "the branch")
        return Branch(when, body, token.at, self.notes(start, head, last=self.index - 1))

    def _targets(self) -> tuple[Target, ...]:
        targets = [self._target()]
        while self.is_mark(","):
            self.index += 1
            if self.now.kind != "text":
                break
            targets.append(self._target())
        return tuple(targets)

    def _target_list(self) -> tuple[Target, ...]:
        self.take("[", "a list")
        targets: list[Target] = []
        while not self.is_mark("]"):
            targets.append(self._target())
            if not self.is_mark("]"):
                self.take(",", "a comma or ]")
        self.index += 1
        return tuple(targets)

    def _target(self) -> Target:
        at = self.now.at
        if self.now.kind == "word" and self.now.text in STATEMENTS:
            raise self.fault("a name")
        name = self.name("a name")
        return Target(name, self._options(), at)

    # Tests

    def _case(self) -> Case:
        start, token = self.index, self.now
        if token.kind != "text":
            raise self.fault('a text in quotes: "text" -> route')
        self.index += 1
        options = self._options()
        self.take("->", "-> and the route that is expected")
        expected = self.name("the name of the route that is expected")
        return Case(token.text, expected, options, token.at, self.notes(start))

    # Conditions

    def _condition(self) -> Condition:
        return self._joined("OR", lambda: self._joined("AND", self._factor))

    def _joined(self, word: str, read: Callable[[], Condition]) -> Condition:
        parts = [read()]
        while self.now.kind == "word" and self.now.text == word:
            self.index += 1
            parts.append(read())
        if len(parts) == 1:
            return parts[0]
        joint = And if word == "AND" else Or
        flat: list[Condition] = []
        for part in parts:
            flat += part.parts if isinstance(part, joint) else (part,)
        return joint(tuple(flat))

    def _factor(self) -> Condition:
        token = self.now
        if token.kind == "word" and token.text == "NOT":
            self.index += 1
            return Not(self.deeper(self._factor))
        if self.is_mark("("):
            self.index += 1
            inner = self.deeper(self._condition)
            self.take(")", "a closing )")
            return inner
        if token.kind != "word" or token.text in (*STATEMENTS, *BLOCK_KINDS):
            raise self.fault('a condition, as keyword("name")')
        self.index += 1
        if not self.is_mark("("):
            hint = _nearest(token.text, _JOINTS) or 'a signal is asked as type("name")'
            raise self.fault(f"( after {token.text}", hint=hint)
        self.index += 1
        name = self.name("the signal's name in quotes")
        self.take(")", f'a closing ) after {token.text}("{name}"')
        return Reference(token.text, name, token.at)

    # Fields and values

    def _field_or_when(self) -> Field | Statement:
        start, token = self.index, self.now
        if token.kind == "word" and token.text == "WHEN":
            self.index += 1
            return Statement("WHEN", self._condition(), token.at, self.notes(start))
        return self._field()

    def _field(self, mark: str = ":") -> Field:
        start, token = self.index, self.now
        if token.kind not in ("word", "text"):
            raise self.fault(f"a field, as key{mark} value")
        self.index += 1
        if not (self.is_mark(mark) or (mark == "=" and self.is_mark(":"))):
            raise self.fault(f"{mark} after {token.text}")
        self.index += 1
        value = self.deeper(self._value)
        return Field(token.text, value, token.at, self.notes(start))

    def _value(self) -> Value:
        token = self.now
        if token.kind == "text":
            self.index += 1
            return token.text
        if token.kind == "number":
            self.index += 1
            return self._finite(token)
        if self.is_mark("["):
            return self._list()
        if self.is_mark("{"):
            return self._braced()
        if token.kind == "word":
            self.index += 1
            return token.text == "true" if token.text in ("true", "false") else Word(token.text)
        raise self.fault("a value: a text in quotes, a number, true, false, [...] or {...}")

    def _finite(self, token: Token) -> int | float:
        value = _number(token.text)
        if not -_LARGEST <= value <= _LARGEST:  # a whole number may be longer than any other
            raise SyntaxFault(f"the number {token.text!r:.40} is too large", token.at)
        return value

    def _list(self) -> tuple[Value, ...]:
        self.take("[", "a list")
        values: list[Value] = []
        while not self.is_mark("]"):
            values.append(self.deeper(self._value))
            if not self.is_mark("]"):
                self.take(",", "a comma or ]")
        self.index += 1
        return tuple(values)

    def _braced(self) -> Fields:
        opened = self.take("{", "{")
        fields = Fields(tuple(self._listed(self._field)))
        self.close(opened, "{")
        return fields

    def _options(self) -> Fields:
        """Read `(key = value, ...)`, if it is there."""
        if not self.is_mark("("):
            return Fields()
        self.index += 1
        fields: list[Field] = []
        while not self.is_mark(")"):
            fields.append(self._field("="))
            if not self.is_mark(")"):
                self.take(",", "a comma or )")
        self.index += 1
        return Fields(tuple(fields))

    def _whole_number(self, word: str) -> int:
        token = self.now
        if token.kind != "number" or not isinstance(value := _number(token.text), int):
            raise self.fault(f"a whole number after {word}")
        self.index += 1
        return value


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _nearest(given: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(given.upper(), known, n=1)
    return f"did you mean {close[0]}?" if close else f"one of {', '.join(known)}"
