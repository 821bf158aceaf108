"""A request that names two things: its parts, and the agents that serve them one after the other."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver

from agents.card import AgentCard, Skill
from agents.contract import done, needs_input
from graphs import Context
from graphs.routing.agents import AgentIndex
from graphs.routing.chooser import Chooser
from graphs.routing.dialogue import Dialogue
from graphs.routing.encoder import make_encoder
from graphs.routing.fitted import Fitted
from graphs.routing.parts import requests_in
from graphs.routing.router import Router
from graphs.spoken import Ended, run_turn
from tests.support.agents import FakeAgent, Work, answer, fake_agent, fake_graph, say, served_by


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("What is 2 + 3 and remind me to call mum", ["What is 2 + 3", "remind me to call mum"]),
        (
            "Find a hotel in Rome. Then book a taxi there.",
            ["Find a hotel in Rome.", "Then book a taxi there."],
        ),
        (
            "I land at nine. Find a hotel in Rome. It must be quiet. And get me a cab there.",
            ["I land at nine. Find a hotel in Rome. It must be quiet.", "And get me a cab there."],
        ),
        ("add milk and eggs to my list", []),
        ("Thanks, that works. Now find me a cab.", []),
        ("", []),
        ("find this. " * 4, []),
        ("book a room and find a cab " * 100, []),
    ],
)
def test_a_request_has_parts_that_each_ask_for_something(text: str, parts: list[str]) -> None:
    assert requests_in(text) == parts


def test_two_agents_are_named_where_each_part_is_clearly_ones_own() -> None:
    encoder, fitted = make_encoder(), Fitted.load()
    cards = [
        AgentCard(
            id=i,
            description=description,
            skills=(Skill(id="s", examples=tuple(examples)),),
        )
        for i, description, examples in (
            ("taxi", "Calls a taxi", ["book a taxi to the airport", "get me a cab", "call a taxi"]),
            (
                "hotel",
                "Books hotel rooms",
                ["find a hotel", "book a room in Oslo", "hotel in Rome"],
            ),
        )
    ]
    index = AgentIndex.from_cards(
        cards, encoder.encode, dim=encoder.dim, space=fitted.space_for(encoder.name)
    )
    chooser = Chooser(index, encoder.encode, fitted)
    both = "Find a hotel in Rome and book a taxi to the airport"
    assert [agent for agent, _ in chooser.several(both, Dialogue())] == ["hotel", "taxi"]
    assert chooser.several("Find a hotel in Rome and book a room in Oslo", Dialogue()) == ()
    assert chooser.several(both, Dialogue(), allowed={"hotel"}.__contains__) == ()
    of_hotel = "Find a hotel in Rome. Can you book a room there? And get me a cab to the airport"
    found = chooser.several(of_hotel, Dialogue())
    assert found == (
        ("hotel", "Find a hotel in Rome. Can you book a room there?"),
        ("taxi", "And get me a cab to the airport"),
    )


def test_what_goes_on_with_the_holder_is_not_taken_apart() -> None:
    kinds = {
        "hotel": ("find a hotel", "book a room", "what is the address of the hotel"),
        "restaurant": ("find a restaurant", "reserve a table", "is there a vegetarian menu"),
        "calculator": ("what is 12 * 12", "what is 5% of 80", "7 plus 5"),
    }
    cards = [
        AgentCard(id=i, description=f"Does as in: {', '.join(e)}", skills=(Skill(id="s", examples=e),))
        for i, e in kinds.items()
    ]  # fmt: skip
    router = Router.from_parts(make_encoder(), cards=cards, examples=[], qualities={})

    def named(text: str, dialogue: Dialogue) -> list[str]:
        choice = router.choose_agent(text, dialogue, allowed=[*kinds])
        return [agent for agent, _ in choice.several]

    there = Dialogue().after(
        "find a restaurant in Rome", agent="restaurant", said="How about Da Enzo?", asked=()
    )
    more = "What is their address? Is there a vegetarian menu?"
    assert named(more, Dialogue()) == ["hotel", "restaurant"]
    assert named(more, there) == []
    assert named("Find a hotel in Rome and what is 5% of 80", there) == ["hotel", "calculator"]


BOTH = "find alpha alpha and find beta beta"


def finder(agent_id: str, work: Work | None = None) -> FakeAgent:
    examples = tuple(f"find {agent_id} {agent_id}{end}" for end in ("", " now", " please"))
    return fake_agent(agent_id, work, skills=(Skill(id="s", examples=examples),))


async def test_the_record_says_that_an_agent_took_a_request_of_two_parts() -> None:
    alpha = finder("alpha", lambda state, runtime: needs_input("Which?", memory={}))
    decided = (await say(fake_graph(alpha, finder("beta")), BOTH))["record"]["agents"]
    assert (decided["decision"], decided["agent"], decided["p_fit"]) == ("start", "alpha", None)


async def test_the_agents_serve_their_parts_in_turn() -> None:
    alpha, beta = finder("alpha"), finder("beta")
    result = await say(fake_graph(alpha, beta, saver=InMemorySaver()), BOTH)
    assert [run["agent"] for run in result["record"]["runs"]] == ["alpha", "beta"]
    assert (alpha.seen[0]["request"], beta.seen[0]["request"]) == (
        "find alpha alpha",
        "find beta beta",
    )
    texts = [m.text for m in result["messages"] if m.type == "ai"]
    assert texts == ["alpha did it.", "beta did it."]
    assert (result["phase"], result["active_agent"]) == ("engaged", "beta")


async def test_a_part_waits_while_the_agent_before_it_asks() -> None:
    def ask(state: object, runtime: object) -> object:
        return needs_input("When?", memory={}) if len(alpha.seen) == 1 else done("Set.")

    alpha, beta = finder("alpha", ask), finder("beta")
    graph = fake_graph(alpha, beta, saver=InMemorySaver())
    asked = await say(graph, BOTH)
    assert (answer(asked), beta.runs) == ("When?", 0)
    after = await say(graph, "tomorrow")
    assert [run["agent"] for run in after["record"]["runs"]] == ["alpha", "beta"]
    assert beta.seen[0]["request"] == "find beta beta"


async def test_a_part_never_reaches_an_agent_that_a_mask_shuts_out() -> None:
    alpha, beta = finder("alpha"), finder("beta")
    graph = fake_graph(alpha, beta, saver=InMemorySaver())
    result = await say(graph, BOTH, context=Context(exclude=["beta"]))
    assert beta.runs == 0
    assert served_by(result)[1] != "beta"


async def test_a_reader_sees_the_two_answers_apart() -> None:
    graph = fake_graph(finder("alpha"), finder("beta"), saver=InMemorySaver())
    *_, ended = [part async for part in run_turn(graph, BOTH, thread="t", context=Context())]
    assert isinstance(ended, Ended)
    assert ended.answer == "alpha did it.\n\nbeta did it."
