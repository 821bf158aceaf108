"""The agent card that MoMA shows to other agents: its own agents are its skills. It knows no transport."""

from a2a.types import AgentCapabilities, AgentCard, AgentInterface, AgentSkill

from agents.card import AgentCard as Card
from graphs import Services

__all__ = ["agent_card"]

_MOST_EXAMPLES = 5
_DESCRIPTION = (
    "Answers each message with the agent that fits it or, if none does, with the language model "
    "that is best for its price."
)


def agent_card(services: Services, *, url: str, version: str) -> AgentCard:
    """Return the card of this moment; agents that need a grant which not every caller has are not in it.

    Args:
        services: whose agents are shown.
        url: where JSON-RPC is spoken.
        version: MoMA's.
    """
    open_to_all = services.options.default_grants
    shown = [c for c in services.cards().values() if c.enabled and c.grants <= open_to_all]
    return AgentCard(
        name="MoMA",
        description=_DESCRIPTION,
        version=version,
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version="1.0")
        ],
        capabilities=AgentCapabilities(streaming=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[*map(_skill, shown), _ANSWERS],
    )


_ANSWERS = AgentSkill(
    id="answer",
    name="Answer",
    description="Answers anything else with a language model.",
    tags=["chat"],
    examples=["Write a haiku about rain"],
)


def _skill(card: Card) -> AgentSkill:
    examples = [example for skill in card.skills for example in skill.examples]
    tags = {*card.category, *(tag for skill in card.skills for tag in skill.tags)}
    return AgentSkill(
        id=card.id,
        name=card.title,
        description=card.description,
        tags=sorted(tags) or [card.id],
        examples=examples[:_MOST_EXAMPLES],
    )
