"""Tells what turns do to whoever listens: spans by OpenTelemetry's conventions for generative AI, LangSmith, the log.

No prompt and no answer is in any of it; the decision record is, which holds none. Without OpenTelemetry's API, or a
provider that the application has set up, there are no spans. It sets nothing up and decides nothing.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.config import get_config
from langgraph.errors import GraphBubbleUp
from langsmith.run_helpers import get_current_run_tree

from graphs.run_config import with_configurable

try:
    from opentelemetry import trace
except ImportError:  # it comes with the extra `telemetry`
    trace = None  # type: ignore[assignment]

__all__ = ["Span", "begin_call", "end_call", "step", "tell", "turn"]

Span = Any
"""A span of OpenTelemetry; None where nobody listens."""
TURNS = logging.getLogger("moma.turns")
"""Gets a line a turn at the level INFO, with the decision record as its attribute `record`."""
_SPAN = "__moma_span"
"""Where a turn's span stands in `configurable`."""
_PROVIDERS = {
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "xai": "x_ai",
    "bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
}
"""LiteLLM's names of providers where the conventions have others."""


@contextmanager
def turn(config: RunnableConfig | None, *, thread: str | None) -> Iterator[RunnableConfig | None]:
    """Give a turn a span, and its nodes a config by which they find it."""
    span = _start("invoke_agent moma", {"gen_ai.operation.name": "invoke_agent"})
    if span is None:
        yield config
        return
    span.set_attribute("gen_ai.agent.name", "moma")
    if thread is not None:
        span.set_attribute("gen_ai.conversation.id", thread)
    # Not made the current one: a generator may be left in another context than it was entered in.
    with _ending(span):
        yield with_configurable(config, **{_SPAN: span})


@contextmanager
def step(name: str, attributes: Mapping[str, str] | None = None) -> Iterator[None]:
    """Give a part of a turn, within one node, a span; calls to models are within it."""
    outer = _of_turn()
    if outer is None:
        yield
        return
    span = _start(name, attributes, context=trace.set_span_in_context(outer))
    with (
        trace.use_span(span, record_exception=False, set_status_on_exception=False),
        _ending(span),
    ):
        yield


def begin_call(model: str, litellm: str) -> Span:
    """Return the span of a call to a model; `litellm` is LiteLLM's name for it."""
    provider = litellm.partition("/")[0]
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(provider, provider),
        "gen_ai.request.model": model,
    }
    return _start(f"chat {model}", attributes, outward=True)


def end_call(span: Span, call: Mapping[str, Any], error: BaseException | None) -> None:
    """End the span of a call with what is in the books of it."""
    if span is None:
        return
    span.set_attribute("gen_ai.usage.input_tokens", call["input_tokens"])
    span.set_attribute("gen_ai.usage.output_tokens", call["output_tokens"])
    if call["first_token_ms"] is not None:
        span.set_attribute("gen_ai.response.time_to_first_chunk", call["first_token_ms"] / 1e3)
    if call["cost_usd"] is not None:
        span.set_attribute("moma.cost_usd", call["cost_usd"])
    if not call["ok"]:
        _fail(span, error)
    span.end()


def tell(record: Mapping[str, Any]) -> None:
    """Tell of a turn that ends, with its decision record."""
    served = record["served_by"] or {}
    TURNS.info(
        "turn %s of thread %s: %s, %s", record["turn"], record["thread"], served.get("id"), record["phase_to"],
        extra={"record": record},
    )  # fmt: skip
    if (run := get_current_run_tree()) is not None:
        run.add_metadata({"moma_record": dict(record)})
    if (span := _of_turn()) is None:
        return
    told = {
        "moma.decision.id": record["id"],
        "moma.event": record["event"],
        "moma.phase": record["phase_to"],
        "moma.served_by.kind": served.get("kind"),
        "moma.served_by.id": served.get("id"),
        "moma.cost_usd": record["cost_usd"],
        "moma.degraded": record["degraded"],
    }
    for name, value in told.items():
        if value is not None:
            span.set_attribute(name, value)
    span.add_event("moma.decision", {"record": json.dumps(record, default=str)})


def _start(
    name: str,
    attributes: Mapping[str, str] | None,
    *,
    context: Any = None,
    outward: bool = False,
) -> Span:
    """Return a span that has begun, None where nobody listens."""
    if trace is None:
        return None
    kind = trace.SpanKind.CLIENT if outward else trace.SpanKind.INTERNAL
    span = trace.get_tracer("moma").start_span(
        name, context=context, kind=kind, attributes=attributes
    )
    return span if span.is_recording() else None


@contextmanager
def _ending(span: Span) -> Iterator[None]:
    try:
        yield
    except (GraphBubbleUp, GeneratorExit):  # an approval is asked for, or the reader left
        raise
    except BaseException as error:
        _fail(span, error)
        raise
    finally:
        span.end()


def _fail(span: Span, error: BaseException | None) -> None:
    """Mark a span; only the kind of the error is told, since the texts of others may hold secrets."""
    span.set_attribute("error.type", type(error).__name__ if error else "_OTHER")
    span.set_status(trace.StatusCode.ERROR)


def _of_turn() -> Span:
    """Return the span of the turn whose node runs here, None where there is none."""
    try:
        return (get_config().get("configurable") or {}).get(_SPAN)
    except RuntimeError:  # not within a graph
        return None
