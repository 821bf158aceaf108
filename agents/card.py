"""What an agent says of itself, in the words of the A2A agent card. A card knows no code: it is data.

`id`, `name`, `description`, `skills` are A2A's; `category`, `inputs`, `grants`, `hand_over_to`, `phases` and
`budget_usd` are what masks and routing add. `run`, `remote`, `mcp` and `a2a` say where the agent is; they are followed
only for cards of the local catalogue file.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from agents.elsewhere.entries import A2aEntry, McpEntry, RemoteEntry
from agents.errors import CatalogError

LONGEST_ID = 100
_ID = re.compile(r"\w(?:[\w.-]*\w)?")
# Letters that look like Latin ones, small or capital, in most typefaces; ids that differ only in these are the same
# to a reader. Cyrillic, Greek, Armenian, and Latin itself.
_LOOKALIKE = str.maketrans(
    "аеорсухѕіјԁһԛԝьвкмнтαορνυικτχγβεζημօսոհցզıɑɡ",
    "aeopcyxsijdhqwbbkmhtaopvuiktxybezhmounhgqiag",
)
# Japanese is written in all of these at once.
_JAPANESE = frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"})

Text = Annotated[str, Field(max_length=20_000)]
_STRICT = ConfigDict(extra="forbid")


def _json_plain(options: dict[str, Any]) -> dict[str, Any]:
    try:
        json.dumps(options, sort_keys=True, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise ValueError("JSON-plain values (a date is text: put it into quotes)") from None
    return options


@dataclass(frozen=True, slots=True, kw_only=True)
class Skill:
    """One thing that an agent can do, with how people ask for it."""

    __pydantic_config__ = _STRICT

    id: Text
    name: Text = ""
    description: Text = ""
    tags: tuple[Text, ...] = ()
    examples: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCard:
    """An agent as routing and masks see it."""

    __pydantic_config__ = _STRICT

    id: str
    description: Text
    name: Text = ""
    category: tuple[Text, ...] = ()
    """From the top down; empty means that clusters of the cards decide."""
    inputs: Text = ""
    """What the agent asks for, in words."""
    skills: tuple[Skill, ...] = ()
    grants: frozenset[str] = frozenset()
    """What the caller must have been granted to reach this agent."""
    hand_over_to: tuple[str, ...] | None = None
    """The agents it may ask to hand over to; None means any."""
    phases: frozenset[str] | None = None
    """The phases in which it may be started; None means all."""
    budget_usd: Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)] | None = None
    """The most that its own model calls may cost in a turn."""
    enabled: bool = True
    run: Text = ""
    """`module:name` of its compiled graph, or of a function that builds it."""
    options: Annotated[dict[str, Any], AfterValidator(_json_plain)] = field(default_factory=dict)
    """What that function is given."""
    remote: RemoteEntry | None = None
    """The LangGraph server where it runs."""
    mcp: McpEntry | None = None
    """The MCP server whose tools it uses."""
    a2a: A2aEntry | None = None
    """The A2A agent that it is."""

    @property
    def title(self) -> str:
        """The name to show, or the id."""
        return self.name or self.id


def check_id(agent_id: str) -> str:
    """Return `agent_id` if it is a legal id.

    Raises:
        CatalogError: not letters, digits, `_`, `-`, `.`; not in NFKC form; scripts mixed; too long.
    """
    shown = repr(agent_id if len(agent_id) <= 60 else agent_id[:57] + "...")
    if not agent_id or len(agent_id) > LONGEST_ID:
        raise CatalogError(
            f"the id {shown} has {len(agent_id)} characters; expected 1 to {LONGEST_ID}"
        )
    if unicodedata.normalize("NFKC", agent_id) != agent_id or not _ID.fullmatch(agent_id):
        raise CatalogError(
            f"the id {shown} is not made of letters, digits, '_', '-' and '.' alone (in NFKC form, "
            "with no '-' or '.' at its ends)"
        )
    if agent_id.startswith("__"):
        raise CatalogError(f"the id {shown} starts with '__', which LangGraph keeps for itself")
    scripts = {unicodedata.name(c, "?").split()[0] for c in agent_id if c.isalpha()}
    if len(scripts) > 1 and not scripts <= _JAPANESE:
        raise CatalogError(
            f"the id {shown} mixes {' and '.join(sorted(scripts))} letters; use one script"
        )
    return agent_id


def skeleton(agent_id: str) -> str:
    """Return what two ids that a reader cannot tell apart have in common."""
    return unicodedata.normalize("NFKC", agent_id).casefold().translate(_LOOKALIKE)


def check_unique(ids: Iterable[str]) -> None:
    """Check that no two ids are equal or look alike.

    Raises:
        CatalogError: naming both.
    """
    seen: dict[str, str] = {}
    for agent_id in ids:
        key = skeleton(agent_id)
        if key in seen:
            other = seen[key]
            how = "given twice" if other == agent_id else f"not to be told from {other!r}"
            raise CatalogError(
                f"the id {agent_id!r} is {how}; ids must differ after NFKC and case folding"
            )
        seen[key] = agent_id


def cards_hash(cards: Sequence[AgentCard]) -> str:
    """Return what tells these cards from others, the same in every process."""
    text = json.dumps(cards, default=_plain, skipkeys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return [getattr(value, f.name) for f in fields(value)]
    return sorted(value) if isinstance(value, frozenset) else repr(value)
