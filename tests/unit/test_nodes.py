"""The record of a turn, and routing that fails: the choice opens to the default model, the masks stay shut."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from numpy.typing import NDArray

from agents.contract import declined, done
from agents.errors import ModelFileError
from graphs import Context, build_graph
from graphs.budgets import BudgetLimits
from graphs.gateway.models import Price
from graphs.record import explain, troubles
from tests.support.agents import (
    FakeEncoder,
    answer,
    fake_agent,
    fake_graph,
    fake_services,
    model_at,
    on,
    say,
    served_by,
)
from tests.support.plain import assert_plain
from tests.support.provider import FakeProvider, cut, ok, status

KEYS = {
    "id", "ts", "thread", "turn", "phase_from", "event", "phase_to", "agents", "models", "stepped", "served_by", "runs",
    "calls", "cost_usd", "always_best", "degraded", "error", "policy", "checked",
    "timings_ms", "versions",
}  # fmt: skip
SECRET = "xyzzy"  # a word that only the user says


async def records(graph: Any, text: str, context: Context | None = None) -> list[dict[str, Any]]:
    return [
        part
        async for part in graph.astream(
            {"messages": [("user", text)]}, on("t"), context=context, stream_mode="custom"
        )
        if part["type"] == "turn"
    ]


async def test_every_turn_has_one_complete_record_without_the_users_words() -> None:
    def work(state: Any, runtime: Any) -> Any:
        return declined("no") if "shy" in state["request"] else done("Done.")

    agents = [
        fake_agent("alpha", work),
        fake_agent("beta"),
        fake_agent("crash", lambda s, r: 1 / 0),
    ]
    with FakeProvider(ok("A poem.")) as provider:
        models = [
            model_at(provider.base_url),
            model_at(provider.base_url, "dear", quality={"writing": 0.9}),
            model_at("", "keyed", key="NOBODY_HAS_THIS_KEY"),
        ]
        graph = fake_graph(*agents, saver=InMemorySaver(), models=models)
        texts = ["alpha", "alpha shy", "crash", "alpha beta", "the first", "write a poem", "bye"]
        turns = [
            await records(graph, f"{text}" if "the" in text else f"{text} {SECRET}")
            for text in texts
        ]
        turns += [await records(graph, SECRET, Context(include=["nobody"]))]
    for number, parts in enumerate(turns, 1):
        assert len(parts) == 1
        record = parts[0]["record"]
        assert set(record) == KEYS
        assert_plain(record, at="record")
        assert SECRET not in json.dumps(record)
        assert record["turn"] == number
        assert record["phase_to"] == parts[0]["phase"]
        assert record["timings_ms"]["total"] > 0
        assert record["served_by"]["kind"] in ("agent", "model", "router")
        assert set(record["versions"]) == {"catalog", "encoder", "policy"}
        assert explain(record)


async def test_the_record_of_a_models_answer_says_why_and_what_it_cost() -> None:
    with FakeProvider(ok("A poem.", usage=(100, 50))) as provider:
        models = [
            model_at(provider.base_url, "cheap", quality={"writing": 0.4}),
            model_at(provider.base_url, "best", quality={"writing": 0.9}, price=model_at("").price),
            model_at("", "keyed", key="NOBODY_HAS_THIS_KEY"),
        ]
        graph = fake_graph(fake_agent("alpha"), models=models, preference="performance")
        record = (await say(graph, "write a poem"))["record"]
    assert record["agents"]["decision"] == "none"
    assert "no agent fits" in record["agents"]["reason"]
    assert record["agents"]["considered"][0]["id"] == "alpha"
    models_record = record["models"]
    assert models_record["chosen"] == "best"
    assert models_record["masked"] == [
        {"candidate": "keyed", "code": "key", "reason": "NOBODY_HAS_THIS_KEY is not set"}
    ]
    assert record["calls"][0]["model"] == "best"
    assert record["cost_usd"] == pytest.approx((100 * 1.0 + 50 * 2.0) / 1e6)
    assert record["always_best"] == {"id": "best", "cost_usd": pytest.approx(record["cost_usd"])}


async def test_a_model_that_fails_is_replaced_and_the_record_names_both() -> None:
    with FakeProvider(status(404), ok("From the second.")) as provider:
        models = [
            model_at(provider.base_url, "dear", quality={"writing": 0.9}),
            model_at(provider.base_url, "cheap", price=Price(input=0.1, output=0.1)),
        ]
        result = await say(fake_graph(models=models), "write a poem")
    calls = result["record"]["calls"]
    assert [call["ok"] for call in calls] == [False, True]
    assert {call["model"] for call in calls} == {"dear", "cheap"}
    assert answer(result) == "From the second."
    assert served_by(result) == ("model", calls[1]["model"])


async def test_when_no_model_answers_the_user_is_told_and_the_thread_goes_on() -> None:
    with FakeProvider(status(401)) as provider:
        graph = fake_graph(
            fake_agent("alpha"), models=[model_at(provider.base_url)], saver=InMemorySaver()
        )
        result = await say(graph, "write a poem")
        assert answer(result).startswith("*No model could answer")
        assert result["record"]["error"]
        assert answer(await say(graph, "alpha")) == "alpha did it."


async def test_what_somebody_read_of_an_answer_that_broke_off_is_kept_as_a_part() -> None:
    with FakeProvider(cut(2)) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)], saver=InMemorySaver())
        said = {"messages": [{"role": "user", "content": "write a poem"}]}
        async for _ in graph.astream(said, on("t"), stream_mode="messages"):
            pass
        values = (await graph.aget_state(on("t"))).values
    kept = values["messages"][-1]
    assert kept.text.startswith("word word")
    assert kept.response_metadata == {"partial": True, "status": 502, "retry_after": None}
    assert values["record"]["error"] == "the answer of m was cut off"
    assert values["record"]["served_by"] is None


async def test_an_answer_that_broke_off_unread_is_replaced_by_another_models() -> None:
    with FakeProvider(cut(2)) as broken, FakeProvider(ok("A poem.")) as sound:
        models = [
            model_at(broken.base_url, "broken", quality={"writing": 0.9}),
            model_at(sound.base_url, "sound"),
        ]
        result = await say(fake_graph(models=models, preference="performance"), "write a poem")
    assert (answer(result), served_by(result)) == ("A poem.", ("model", "sound"))


async def test_a_turn_that_has_too_little_money_steps_down_and_says_so() -> None:
    with FakeProvider(ok("Cheap.")) as provider:
        models = [
            model_at(provider.base_url, "best", quality={"writing": 0.9}),
            model_at(provider.base_url, "cheap", price=Price(input=0.0, output=0.0)),
        ]
        graph = fake_graph(models=models, preference="performance")
        rich = await say(graph, "write a poem")
        # A call would cost a few microdollars at least, and its answer at most a tenth of a millidollar.
        masked = await say(graph, "write a poem", context=Context(budget_usd=1e-9))
        refused = await say(graph, "write a poem", context=Context(budget_usd=1e-4))
    assert served_by(rich) == ("model", "best")
    assert rich["record"]["stepped"] is None
    for result, why in ((masked, "a call costs at least"), (refused, "a call to best may cost")):
        assert served_by(result) == ("model", "cheap")
        step = result["record"]["stepped"]
        assert (step["from"], step["to"], step["direction"]) == ("best", "cheap", "down")
        assert step["reason"].startswith(why)
        assert any(line.startswith("stepped down from best") for line in troubles(result["record"]))


async def test_a_step_up_after_a_failure_is_told_too() -> None:
    with FakeProvider(status(404), ok("Dear.")) as provider:
        models = [
            model_at(provider.base_url, "cheap", price=Price(input=0.1, output=0.1)),
            model_at(provider.base_url, "best", quality={"writing": 0.9}),
        ]
        result = await say(fake_graph(models=models, preference="cost"), "write a poem")
    assert result["record"]["stepped"] == {
        "from": "cheap",
        "to": "best",
        "direction": "up",
        "reason": "cheap does not know this model name",
    }


async def test_threads_users_and_days_have_budgets_of_their_own(tmp_path: Path) -> None:
    with FakeProvider(ok("Yes.", usage=(100_000, 0))) as provider:
        models = [model_at(provider.base_url, price=Price(input=1.0, output=1.0))]
        limits = BudgetLimits(thread=0.15, user=0.35, day=0.55)
        graph = fake_graph(models=models, home=tmp_path, budgets=limits, saver=InMemorySaver())

        async def asked(user: str, thread: str) -> str:
            context = Context(user=user)
            return answer(await say(graph, "write a poem", thread=thread, context=context))

        # Each answer costs 0.10 USD, which is more than was expected of it.
        assert [await asked("ann", "t1") for _ in range(2)] == ["Yes."] * 2
        assert "0.000000 left" in await asked("ann", "t1"), "the thread's is spent"
        assert [await asked("ann", "t2") for _ in range(2)] == ["Yes."] * 2
        assert "0.000000 left" in await asked("ann", "t3"), "the user's is spent"
        assert [await asked("bob", "t4") for _ in range(2)] == ["Yes."] * 2
        assert "0.000000 left" in await asked("eve", "t5"), "everybody's is spent"
        again = fake_graph(models=models, home=tmp_path, budgets=limits)
        refused = await say(again, "write a poem", context=Context(user="eve"))
    assert "0.000000 left" in answer(refused), "another process knows"
    assert len(provider.requests) == 6


class FakeBrokenEncoder(FakeEncoder):
    """Works for the cards, and fails for what the user says: `alpha`."""

    def __init__(self, failure: Any) -> None:
        self._failure = failure

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if [*texts] != ["alpha"]:
            return super().encode(texts)
        if isinstance(self._failure, Exception):
            raise self._failure
        result: NDArray[np.float32] = self._failure(len(texts), self.dim)
        return result


class FakeEncoderWithoutCards(FakeEncoder):
    """Fails at once, while the cards are embedded."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise OSError("no such file")


@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("boom"),
        ModelFileError("the encoder's file is gone"),
        MemoryError(),
        lambda n, d: np.full((n, d), np.nan, np.float32),
        lambda n, d: np.full((n, d), np.inf, np.float32),
        lambda n, d: np.ones((n, 3), np.float32),
        lambda n, d: np.ones((0, d), np.float32),
    ],
)
async def test_a_broken_encoder_opens_to_the_default_model_and_no_mask(failure: Any) -> None:
    alpha = fake_agent("alpha", grants=frozenset({"pay"}))
    with FakeProvider(ok("The default answers.")) as provider:
        models = [
            model_at(provider.base_url, "default", quality={"writing": 0.1}),
            model_at(provider.base_url, "better", quality={"writing": 0.9}),
        ]
        services = fake_services(alpha, models=models, preference="performance")
        services.encoder = FakeBrokenEncoder(failure)
        graph = build_graph(services=services)
        result = await say(graph, "alpha")
        excluded = await say(graph, "alpha", context=Context(exclude=["default"]))
        refused = await say(graph, "alpha", context=Context(include=["alpha"]))
    assert (answer(result), served_by(result)) == ("The default answers.", ("model", "default"))
    assert result["record"]["degraded"].startswith("routing failed, so the default model answers")
    assert "\n" not in result["record"]["degraded"]
    assert served_by(excluded) == ("model", "better")
    assert (served_by(refused), alpha.runs) == (("router", "refuse"), 0)


async def test_an_encoder_that_cannot_be_loaded_opens_to_the_default_model() -> None:
    with FakeProvider() as provider:
        services = fake_services(fake_agent("alpha"), models=[model_at(provider.base_url)])
        services.encoder = FakeEncoderWithoutCards()
        result = await say(build_graph(services=services), "alpha")
    assert served_by(result) == ("model", "m")
    assert "OSError" in result["record"]["degraded"]


async def test_the_thread_adds_up_what_its_turns_cost() -> None:
    with FakeProvider(ok("word", usage=(1_000, 500))) as provider:
        graph = fake_graph(models=[model_at(provider.base_url)], saver=InMemorySaver())
        for _ in range(3):
            await say(graph, "write")
    state = await graph.aget_state(on("t"))
    assert state.values["spent_usd"] == pytest.approx(3 * 0.002)
