"""The log of calls: JSON lines, only ever added to, each on the disk before the next step. It is the memory of a run.

A call is known by what was asked: model, messages, parameters. One that has an answer is never made again. What a kill
cut off in mid-line is dropped when the log is opened. It knows no provider and no grader.
"""

import fcntl
import hashlib
import json
import math
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import NoneType
from typing import Any, BinaryIO

from agents.errors import InputError

__all__ = ["Call", "CallLog", "asked_hash", "call_key"]

_FORMAT = 1
_NUMBER, _MAYBE = (int, float), (int, float, NoneType)
_TYPES: dict[str, Any] = {
    **dict.fromkeys(("key", "query_id", "model", "answer", "finish"), str),
    **dict.fromkeys(("input_tokens", "output_tokens"), int),
    **dict.fromkeys(("cost_usd", "spent_usd", "ms"), _NUMBER),
    **dict.fromkeys(("first_token_ms", "compute_s"), _MAYBE),
}
"""Of a call's fields, since a log may have been edited by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that was answered, as its line holds it."""

    key: str
    query_id: str
    model: str
    answer: str
    finish: str
    input_tokens: int
    output_tokens: int
    cost_usd: float
    spent_usd: float
    """With the attempts before the one that was answered."""
    ms: float
    first_token_ms: float | None
    compute_s: float | None
    """Processor seconds of a model that this machine serves; None elsewhere, where nobody knows."""
    logprobs: tuple[float, ...] | None = None
    """Of the answer's tokens the mean and the least log probability, where that was asked for and is told."""
    asked: str = ""
    """A hash of what the user says in it; empty in logs that have none."""


@dataclass(slots=True)
class CallLog:
    """The calls of a file, by key, and the file to add to."""

    path: Path
    run: str
    """Under which the spending of this log is kept."""
    calls: dict[str, Call]
    grades: dict[str, float]
    """Of programs, which take long to run: by a hash of program and tests."""
    failures: int = 0
    spent_usd: float = 0.0
    """On all calls, those without an answer too."""
    _file: BinaryIO | None = field(default=None, repr=False)

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator["CallLog"]:
        """Open the log to add to it; no other process can at the same time.

        Raises:
            InputError: another process has it open, or it is not a log.
        """
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise InputError(
                    f"{path}: another run is writing to it; wait for its end"
                ) from None
            _drop_cut_line(path)
            log = cls.read(path)
            log._file = file
            if not path.stat().st_size:
                log._write({"log": "calls", "format": _FORMAT, "run": log.run})
            try:
                yield log
            finally:
                log._file = None

    @classmethod
    def read(cls, path: Path) -> "CallLog":
        """Read a log; a last line that a kill cut off is passed over.

        Raises:
            InputError: it cannot be read, or a line is not one of a log.
        """
        log = cls(path, uuid.uuid4().hex, {}, {})
        for number, line in enumerate(_lines(path), 1):
            try:
                log._take(json.loads(line))
            except (ValueError, TypeError, KeyError, RecursionError):
                raise InputError(f"{path}, line {number}: not a line of a log of calls") from None
        return log

    def add(self, call: Call) -> None:
        """Keep an answered call."""
        self._write({name: getattr(call, name) for name in Call.__dataclass_fields__})
        self.calls[call.key] = call
        self.spent_usd += call.spent_usd

    def add_failure(self, key: str, *, query_id: str, model: str, error: str, spent: float) -> None:
        """Keep that a call had no answer; it is made again when it is asked for again."""
        failed = {"key": key, "query_id": query_id, "model": model}
        self._write({**failed, "error": error, "spent_usd": spent})
        self.failures += 1
        self.spent_usd += spent

    def add_grade(self, key: str, score: float) -> None:
        """Keep the grade of a program."""
        self._write({"graded": key, "score": score})
        self.grades[key] = score

    def _take(self, row: Any) -> None:
        if "log" in row:
            if row["log"] != "calls" or row["format"] != _FORMAT:
                raise ValueError(row)
            self.run = str(row["run"])
        elif "graded" in row:
            self.grades[str(row["graded"])] = float(row["score"])
        elif "error" in row:
            self.failures += 1
            self.spent_usd += float(row["spent_usd"])
        else:
            call = Call(**row)
            if not all(isinstance(row[name], kind) for name, kind in _TYPES.items()):
                raise ValueError(row)
            if not isinstance(call.asked, str):
                raise ValueError(row)
            if call.logprobs is not None:
                mean, least = map(float, call.logprobs)
                if not (math.isfinite(mean) and math.isfinite(least)):
                    raise ValueError(row)
                call = replace(call, logprobs=(mean, least))
            self.calls[call.key] = call
            self.spent_usd += call.spent_usd

    def _write(self, row: Mapping[str, Any]) -> None:
        assert self._file is not None, "the log was opened for reading"
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def asked_hash(text: str) -> str:
    """Return what a question is known by, whatever its id and its system prompt."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def call_key(
    model: str, messages: Sequence[Mapping[str, Any]], *, max_tokens: int | None, options: Mapping[str, Any]
) -> str:  # fmt: skip
    """Return the name of a call: the same for the same model, messages and parameters."""
    asked = json.dumps([model, list(messages), max_tokens, options], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:32]


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n") and line.strip():
                    yield line
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def _drop_cut_line(path: Path) -> None:
    """Take away what follows the last end of a line."""
    size = path.stat().st_size
    with path.open("rb+") as file:
        keep, step = size, 1 << 16
        while keep:
            start = max(0, keep - step)
            file.seek(start)
            end = file.read(keep - start).rfind(b"\n")
            if end >= 0:
                keep = start + end + 1
                break
            keep = start
        if keep < size:
            file.truncate(keep)
