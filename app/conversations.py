"""Reads recorded conversations and builds the chooser that the commands run on them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.card import cards_hash
from agents.errors import InputError, RoutingError
from app.lines import read_lines
from graphs.catalog import Catalog
from graphs.routing.agents import AgentIndex
from graphs.routing.chooser import Chooser
from graphs.routing.encoder import CachedEncoder, Encoder
from graphs.routing.fitted import Fitted
from graphs.routing.saved_agents import load_agents, save_agents

__all__ = ["Conversation", "make_chooser", "read_conversations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What the user wrote and what was answered, turn by turn."""

    id: str
    turns: tuple[tuple[str, str], ...]


def read_conversations(path: Path) -> Iterator[Conversation]:
    """Yield the conversations of a file of JSON lines.

    Raises:
        InputError: naming the line, what was given and what was expected.
    """
    seen: set[str] = set()
    for number, row in read_lines(path):
        place = f"{path}, line {number}"
        conversation = row.get("conversation_id")
        if not isinstance(conversation, str):
            raise InputError(f"{place}: conversation_id is {conversation!r:.60}, expected a text")
        if conversation in seen:
            raise InputError(f"{place}: the conversation_id {conversation!r:.60} is given twice")
        seen.add(conversation)
        turns = row.get("turns")
        if not isinstance(turns, list):
            raise InputError(f"{place}: turns is {turns!r:.60}, expected a list")
        read = tuple(_turn(turn, f"{place}, turn {n}") for n, turn in enumerate(turns))
        yield Conversation(id=conversation, turns=read)


def _turn(turn: Any, place: str) -> tuple[str, str]:
    if not isinstance(turn, dict) or not isinstance(turn.get("user"), str):
        raise InputError(f"{place}: given {turn!r:.60}, expected an object with a text `user`")
    said = turn.get("assistant") or ""
    if not isinstance(said, str):
        raise InputError(f"{place}: assistant is {said!r:.60}, expected a text")
    return turn["user"], said


def make_chooser(catalog: Catalog, encoder: Encoder, *, kept: Path | None = None) -> Chooser:
    """Return what chooses among the catalogue's agents.

    Args:
        catalog: the cards, and what mistakes cost.
        encoder: embeds cards and turns.
        kept: a folder in which the index is kept; read if it is this catalogue's and this encoder's, else written anew.
    """
    fitted = Fitted.load()
    index = (
        _kept_index(catalog, encoder, fitted, kept) if kept else _index(catalog, encoder, fitted)
    )
    return Chooser(index, CachedEncoder(encoder).encode, fitted, costs=catalog.costs)


def _index(catalog: Catalog, encoder: Encoder, fitted: Fitted) -> AgentIndex:
    space = fitted.space_for(encoder.name)
    return AgentIndex.from_cards(catalog.agents, encoder.encode, dim=encoder.dim, space=space)


def _kept_index(catalog: Catalog, encoder: Encoder, fitted: Fitted, folder: Path) -> AgentIndex:
    known = cards_hash(catalog.agents)
    try:
        return load_agents(
            folder,
            encoder=encoder.name,
            catalog=known,
            encode=encoder.encode,
            dim=encoder.dim,
            space=fitted.space_for(encoder.name),
        )
    except RoutingError:  # none is there, or another's
        index = _index(catalog, encoder, fitted)
        save_agents(index, folder, encoder=encoder.name, catalog=known)
        return index
