"""Reads and writes JSON lines, and says in one line what is wrong with them."""

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.errors import InputError

__all__ = ["read_lines", "write_lines"]

_LONGEST = 1 << 26
"""Characters of a line, so that a few packed bytes cannot fill the memory."""


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each line's number and object; empty lines are passed over, and a `.gz` file is unpacked.

    Raises:
        InputError: the file cannot be read, or a line is not a JSON object.
    """
    try:
        with _open(path) as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST + 1), ""), 1):
                if len(line) > _LONGEST:
                    raise InputError(
                        f"{path}, line {number}: longer than {_LONGEST:,} characters; split it"
                    )
                if line.strip():
                    yield number, _object(line, f"{path}, line {number}")
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error  # the whole text names the path once more
        raise InputError(f"{path} cannot be read: {why}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason}") from error


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write a line for each row, the whole file or nothing, and return how many.

    Raises:
        InputError: the file cannot be written.
    """
    if not path.name or path.is_dir():
        raise InputError(f"{path} is a folder, expected a file to write")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with temporary.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(_line(row))
                count += 1
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _line(row: Mapping[str, Any]) -> str:
    line = json.dumps(row, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON can hold and UTF-8 cannot
        line = json.dumps(row)
    return f"{line}\n"


def _open(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")


def _object(line: str, place: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({error})") from None
    if not isinstance(value, dict):
        raise InputError(f"{place}: given {line.strip()!r:.60}, expected a JSON object")
    return value
