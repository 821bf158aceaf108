"""Reads a YAML or JSON file written by a person and says where a fault is: file, line, key, given, expected.

It knows nothing of cards or models; what a file should hold is given as a type that pydantic can check.
"""

import difflib
import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from agents.errors import CatalogError

LARGEST_BYTES = 512 * 1024 * 1024
_T = TypeVar("_T")
_Key = str | int


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses repeated keys and aliases, which can hide or multiply content."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} stands here twice; keep one",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


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
    def from_file(cls, path: str | Path) -> "Source":
        """Read and parse `path`; JSON by its ending, else YAML.

        Raises:
            CatalogError: the file is absent, unreadable, too large, or not YAML or JSON.
        """
        path = Path(path)
        try:
            if path.stat().st_size > LARGEST_BYTES:
                raise CatalogError(f"{path}: larger than {LARGEST_BYTES // 2**20} MB; split it")
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise CatalogError(
                f"{path}: cannot be read ({error.strerror or error}); "
                "give the path of a catalogue, or set MOMA_CATALOG"
            ) from None
        except UnicodeDecodeError as error:
            raise CatalogError(f"{path}: not UTF-8 text at byte {error.start}") from None
        return cls.from_text(text, path=str(path))

    @classmethod
    def from_text(cls, text: str, *, path: str) -> "Source":
        """Parse `text`, named `path` in messages."""
        try:
            if path.endswith(".json"):
                return cls(path, text, json.loads(text, object_pairs_hook=_unique))
            for token in yaml.scan(text, Loader=yaml.CSafeLoader):
                if isinstance(token, yaml.AliasToken):
                    line = token.start_mark.line + 1
                    raise CatalogError(
                        f"{path}:{line}: the alias *{token.value} is not taken; write it out"
                    )
            return cls(path, text, yaml.load(text, Loader=_Loader))  # noqa: S506 a safe loader
        except json.JSONDecodeError as error:
            raise CatalogError(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise CatalogError(f"{path}:{line}: {error.problem or 'not YAML'}") from None
        except yaml.YAMLError as error:
            raise CatalogError(f"{path}: not YAML: {str(error).splitlines()[0]}") from None
        except RecursionError:
            raise CatalogError(f"{path}: nested too deeply to be a catalogue") from None

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
            first = error.errors(include_url=False)[0]
            where = [*at, *first["loc"]]
            raise self.fault(where, _problem(first, kind)) from None

    def _line(self, at: Sequence[_Key]) -> int:
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
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text or "the file"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        again = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
        raise CatalogError(f"the key {again!r} stands twice in one object; keep one")
    return found


def _problem(first: Any, kind: Any) -> str:
    given = repr(first["input"])
    given = given if len(given) <= 60 else given[:57] + "..."
    if first["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = [f.name for f in fields(kind)] if is_dataclass(kind) else []
        close = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known keys: {', '.join(known)}"
        return f"unknown key; {hint}"
    if first["type"] in ("missing", "missing_argument"):
        return "missing; this key is required"
    expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    return f"given {given}, expected {expected}"
