"""Keeps evidence beside a profile: a line of JSON for each piece, only ever appended, each with a hash of itself.

A writer that is killed loses at most the line that it was writing; what is damaged is skipped and counted. `state.json`
says which sources were rejected. Several processes may write. It weighs nothing.
"""

import hashlib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.errors import RoutingError
from graphs.routing.feedback import Evidence, Kind
from graphs.routing.files import locked, read_bytes, write_atomically
from graphs.routing.hashed_folder import MANIFEST

__all__ = ["FOLDER", "FeedbackLog", "Tail", "profile_id"]

FOLDER = "feedback"
_LINES = "evidence.jsonl"
_STATE = "state.json"
_LARGEST_STATE = 1 << 24
_LARGEST_LINE = 10_000
_HASH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What stands in the log behind a place."""

    evidence: tuple[Evidence, ...]
    end: int
    """The place behind the last whole line, in bytes."""
    damaged: int
    """Lines that are not as they were written."""
    others: int
    """Pieces on other contents of the profile."""


class FeedbackLog:
    """The evidence on one profile."""

    def __init__(self, profile: Path) -> None:
        self.folder = profile / FOLDER

    def append(self, evidence: Iterable[Evidence], *, of: str) -> None:
        """Add pieces, on the profile with the id `of` where they name none; they are on the disk when it returns.

        Raises:
            RoutingError: they cannot be written.
        """
        content = b"".join(_line(piece, of) for piece in evidence)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder), (self.folder / _LINES).open("ab+") as file:
                size = file.seek(0, os.SEEK_END)
                if size:
                    file.seek(size - 1)
                    if file.read(1) != b"\n":  # another writer was killed in mid-line
                        content = b"\n" + content
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise RoutingError(f"the feedback cannot be saved: {error.strerror}") from error

    def read(self, *, of: str, start: int = 0) -> Tail:
        """Return the evidence on the profile with the id `of` behind the byte `start`.

        Raises:
            RoutingError: it cannot be read.
        """
        try:
            with (self.folder / _LINES).open("rb") as file:
                file.seek(start)
                content = file.read()
        except FileNotFoundError:
            return Tail(evidence=(), end=start, damaged=0, others=0)
        except OSError as error:
            raise RoutingError(f"the feedback cannot be read: {error.strerror}") from error
        whole = content[: content.rfind(b"\n") + 1]
        found, damaged, others = [], 0, 0
        for line in filter(None, whole.split(b"\n")):
            try:
                profile, piece = _parsed(line)
            except (AttributeError, LookupError, RecursionError, TypeError, ValueError):
                damaged += 1
                continue
            if profile == of:
                found.append(piece)
            else:
                others += 1
        end = start + len(whole)
        return Tail(evidence=tuple(found), end=end, damaged=damaged, others=others)

    def size(self) -> int:
        """Return how many bytes there are."""
        try:
            return (self.folder / _LINES).stat().st_size
        except OSError:
            return 0

    def changed(self) -> tuple[int, int]:
        """Return what differs as soon as there is new evidence or another rejection."""
        try:
            rejected = (self.folder / _STATE).stat().st_mtime_ns
        except OSError:
            rejected = 0
        return self.size(), rejected

    def rejected(self) -> frozenset[str]:
        """Return the sources whose evidence is not to count.

        Raises:
            RoutingError: the state is damaged.
        """
        if not (self.folder / _STATE).exists():
            return frozenset()
        what, remedy = "the feedback", f"remove {self.folder / _STATE} and reject the sources again"
        content = read_bytes(self.folder / _STATE, limit=_LARGEST_STATE, what=what, remedy=remedy)
        try:
            state = json.loads(content)
            if content != _state(state["rejected"]):
                raise ValueError("another hash")
            return frozenset(map(str, state["rejected"]))
        except (LookupError, RecursionError, TypeError, ValueError) as error:
            raise RoutingError(f"{what} has a damaged {_STATE}: {remedy}") from error

    def reject(self, sources: Iterable[str]) -> None:
        """Let the evidence of `sources` count no more; the lines stay.

        Raises:
            RoutingError: the state is damaged, or cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder):
                write_atomically(self.folder / _STATE, _state(sorted({*self.rejected(), *sources})))
        except OSError as error:
            raise RoutingError(f"the feedback cannot be saved: {error.strerror}") from error


def profile_id(directory: Path) -> str:
    """Return which content a profile's folder has: the beginning of its manifest's hash.

    Raises:
        RoutingError: there is none.
    """
    try:
        return hashlib.sha256((directory / MANIFEST).read_bytes()).hexdigest()[:12]
    except OSError as error:
        raise RoutingError(
            f"the profile in {directory.name!r} has no {MANIFEST} that can be read ({error.strerror}); "
            "fit it with `python -m app.profile fit`"
        ) from error


def _line(piece: Evidence, of: str) -> bytes:
    body = {**asdict(piece), "profile": piece.profile or of, "kind": piece.kind.value}
    text = _canonical(body)
    if len(text) > _LARGEST_LINE:
        raise RoutingError(
            f"a piece of feedback has {len(text)} bytes, expected at most {_LARGEST_LINE}"
        )
    return _canonical({**body, "hash": hashlib.sha256(text).hexdigest()[:_HASH]}) + b"\n"


def _parsed(line: bytes) -> tuple[str, Evidence]:
    body = json.loads(line)
    told = body.pop("hash")
    if hashlib.sha256(_canonical(body)).hexdigest()[:_HASH] != told:
        raise ValueError("another hash")
    profile = body.pop("profile")
    piece = Evidence(**{**body, "kind": Kind(body["kind"])})
    if not all(isinstance(t, str) for t in (profile, piece.decision, piece.model, piece.source)):
        raise ValueError("no text")
    numbers = (piece.predicted, piece.reward, piece.day)
    if not all(math.isfinite(number) for number in numbers) or not 0 <= piece.reward <= 1:
        raise ValueError("numbers out of range")
    if not isinstance(piece.region, int) or piece.region < 0:
        raise ValueError("no region")
    return profile, piece


def _canonical(body: dict[str, Any]) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _state(rejected: list[str]) -> bytes:
    body = {"kind": "feedback 1", "rejected": rejected}
    told = hashlib.sha256(_canonical(body)).hexdigest()
    return json.dumps({**body, "sha256": told}, indent=1).encode() + b"\n"
