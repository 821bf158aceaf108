"""Reads a YAML or JSON file written by a person and says where a fault is: file, line, key, given, expected.

It knows nothing of cards or models; what a file should hold is given as a type that pydantic can check.
"""

import difflib
import json
import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError

from agents.errors import CatalogError

LARGEST_BYTES = 512 * 1024 * 1024
LONGEST_SHOWN = 60
DEEPEST = 50
"""Levels of nesting; libyaml's parser overruns the C stack on some ten thousand, which no `except` catches."""
_REMEDY = "give the path of a YAML or JSON file"
_T = TypeVar("_T")
_Key = str | int
_OPENING = (
    yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken,
    yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken,
)  # fmt: skip
_UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
_FORMS = {
    "dataclass_type": "keys and values",
    "frozen_set_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "tuple_type": "a list",
}
"""What a person writes where a type of Python's is expected."""
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)
_JSON_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(?P<key>\s*:)?|[\[\]{},]|[^\s\[\]{},"]+')


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses repeated keys, and names the place of a value that is not of its type."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _fault(
                    key.start_mark, f"the key {shown(key.value)} stands here twice; keep one"
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, KeyError, AttributeError) as error:  # PyYAML lets what it calls raise
            kind = node.tag.rpartition(":")[2]
            problem = f"given {shown(node.value)}, expected a valid {kind}; put text into quotes"
            raise _fault(node.start_mark, problem) from error


_Loader.add_constructor(  # the base class registers its own function, not the method above
    "tag:yaml.org,2002:map", _Loader.construct_mapping
)


@dataclass(frozen=True, slots=True)
class Source:
    """A parsed file with its text, kept to find the line of a fault."""

    path: str
    text: str
    value: Any

    @classmethod
    def from_file(cls, path: str | Path, *, remedy: str = _REMEDY) -> "Source":
        """Read and parse `path`; JSON by its ending, else YAML.

        Args:
            path: of the file.
            remedy: what to do if it cannot be read: which setting names it, and what kind of file it is.

        Raises:
            CatalogError: the file is absent, unreadable, too large, or not YAML or JSON.
        """
        path = Path(path)
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise CatalogError(f"{path}: larger than {LARGEST_BYTES // 2**20} MB; split it")
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise CatalogError(f"{path}: not UTF-8 text at byte {error.start}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise CatalogError(f"{path}: cannot be read ({reason}); {remedy}") from None
        return cls.from_text(text, path=str(path))

    @classmethod
    def from_text(cls, text: str, *, path: str) -> "Source":
        """Parse `text`, named `path` in messages."""
        try:
            if path.endswith(".json"):
                return cls(path, text, json.loads(text, object_pairs_hook=_unique))
            _check_tokens(text)
            return cls(path, text, yaml.load(text, Loader=_Loader))  # noqa: S506 a safe loader
        except _RepeatedKeyError as error:
            line = _line_at(text, _repeated(text))
            raise CatalogError(
                f"{path}:{line}: the key {shown(error.key)} stands twice in one object; keep one"
            ) from None
        except json.JSONDecodeError as error:
            raise CatalogError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            problem = " ".join(part for part in (error.context, error.problem) if part)
            raise CatalogError(f"{path}:{line}: {problem or 'not YAML'}") from None
        except yaml.YAMLError as error:
            raise CatalogError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
        except RecursionError:
            raise CatalogError(f"{path}: nested too deeply to be a catalogue") from None
        except ValueError as error:  # a lone surrogate, or a number of thousands of digits
            raise CatalogError(f"{path}: cannot be read: {error}") from None

    def fault(self, at: Sequence[_Key], problem: str) -> CatalogError:
        """Return the error for the value at key path `at`."""
        return CatalogError(f"{self.path}:{self._line(at)}: {dotted(at)}: {problem}")

    def check(self, value: Any, kind: type[_T], *, at: Sequence[_Key] = ()) -> _T:
        """Return `value` as a `kind`.

        Raises:
            CatalogError: naming the line, the key, what was given and what was expected.
        """
        try:
            return TypeAdapter(kind).validate_python(value)
        except ValidationError as error:
            # A misspelt key is unknown and missing at once: the first says more.
            first = min(error.errors(include_url=False), key=lambda e: e["type"] not in _UNKNOWN)
            where = [*at, *first["loc"]]
            raise self.fault(where, _problem(first, kind)) from None

    def _line(self, at: Sequence[_Key]) -> int:
        if self.path.endswith(".json"):
            return _line_at(self.text, _nearest(self.text, tuple(at)))
        node = yaml.compose(self.text, Loader=yaml.CSafeLoader)
        line = 1
        for key in at:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(key)), None)
                if found is None:
                    break
                line, node = found[0].start_mark.line + 1, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                node = node.value[key]
                line = node.start_mark.line + 1
            else:
                break
        return line


def dotted(at: Sequence[_Key]) -> str:
    """Return a key path as a person writes it: `agents[2].skills`."""
    text = ""
    for key in at:
        name = str(key) if str(key).isprintable() and len(str(key)) <= LONGEST_SHOWN else shown(key)
        text += f"[{key}]" if isinstance(key, int) else f".{name}" if text else name
    return text or "the file"


def shown(value: object) -> str:
    """Return `value` as an error message shows it: on one line, cut if it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


def unknown_key(key: object, known: Sequence[str]) -> str:
    """Return what is wrong with a key that is none of `known`."""
    close = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
    return f"unknown key; {hint}"


class _RepeatedKeyError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(next(key for key in keys if keys.count(key) > 1))
    return found


def _check_tokens(text: str) -> None:
    """Refuse aliases, which can multiply content, and nesting that no parser survives."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        if isinstance(token, yaml.AliasToken):
            raise _fault(token.start_mark, f"the alias *{token.value} is not taken; write it out")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > DEEPEST:
            raise _fault(token.start_mark, f"nested more than {DEEPEST} levels deep")


def _fault(mark: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _json_places(text: str) -> Iterator[tuple[tuple[_Key, ...], int]]:
    """Yield the key path and the offset of each member and element of a valid JSON text."""
    path: list[_Key] = []
    for token in _JSON_TOKEN.finditer(text):
        first = token[0][0]
        if token["key"]:
            path[-1] = json.loads(token[1])
            yield tuple(path), token.start()
        elif first in "]}":
            path.pop()
        elif first == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else ""
        else:
            if path and isinstance(path[-1], int):
                yield tuple(path), token.start()
            if first in "[{":
                path.append(0 if first == "[" else "")


def _repeated(text: str) -> int:
    seen: set[tuple[_Key, ...]] = set()
    for path, offset in _json_places(text):
        if path in seen:
            return offset
        seen.add(path)
    return 0


def _nearest(text: str, at: tuple[_Key, ...]) -> int:
    """Return the offset of the longest part of `at` that is there."""
    parts = {at[:n]: n for n in range(1, len(at) + 1)}
    found = ((parts[path], offset) for path, offset in _json_places(text) if path in parts)
    return max(found, default=(0, 0))[1]


def _line_at(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _problem(first: Any, kind: Any) -> str:
    if first["type"] in _UNKNOWN:
        owner = _kind_at(kind, first["loc"][:-1])
        known = [f.name for f in fields(owner)] if is_dataclass(owner) else []
        return unknown_key(first["loc"][-1], known)
    if first["type"] in ("missing", "missing_argument"):
        return "missing; this key is required"
    expected = _FORMS.get(first["type"]) or re.sub(
        r"^(?:Value error, )?(?:\w+ should (?:be |have )?)?", "", first["msg"]
    )
    return f"given {shown(first['input'])}, expected {expected}"


def _kind_at(kind: Any, at: Sequence[_Key]) -> Any:
    """Return the type that `kind` declares at key path `at`."""
    for key in at:
        if isinstance(key, str) and is_dataclass(kind):
            kind = get_type_hints(kind)[key]
        else:
            kind = get_args(kind)[0]
    # `Price | None`: the one that has keys.
    return next((k for k in get_args(kind) if is_dataclass(k)), kind)
