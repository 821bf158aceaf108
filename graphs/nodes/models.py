"""Chooses the models for a turn: masks, predicted quality and price, frontier, order.

It opens to the declared default where the routers fail; a mask never opens.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from graphs import record as records
from graphs.budgets import Left, Spender
from graphs.call import brings_tools, needs_tools
from graphs.gateway.models import count_tokens
from graphs.masks import Caller, Need, Refusal, model_refusal
from graphs.permits import judged_by
from graphs.routing.choice import Option, Ranked, rank
from graphs.routing.exploration import drawn, is_canary
from graphs.routing.quality import Prediction
from graphs.routing.router import rank_models
from graphs.services import Services
from graphs.state import Context, State
from graphs.turn import modalities_of, text_of

TYPICAL_INPUT_TOKENS, TYPICAL_OUTPUT_TOKENS = 1_000, 300


def spender(state: State, context: Context | None, services: Services) -> Spender:
    """Return on whose behalf calls of this turn are made."""
    record = state["decision"]
    return services.spender(context, spent=record["cost_usd"] or 0.0, thread=record["thread"])


def left_of(state: State, context: Context | None, services: Services) -> Left:
    """Return what this turn may still cost."""
    return services.budgets.left(spender(state, context, services))


def order_models(
    state: State, context: Context | None, services: Services, *, behind_agent: bool = False
) -> list[str]:
    """Return the models that may serve this turn by their overall quality and price, in the order of choice.

    Those that a policy's rule wants tried in turn are in its order. This is for calls whose text is not known yet, as
    those of an agent: who asked for certain agents and for no model leaves it open which model they use.
    """
    if behind_agent and context and context.include:
        named = [i for i in context.include if i in services.gateway.models]
        context = replace(context, include=named)
    allowed, _ = allowed_models(state, context, services)
    if listed := _listed(allowed, state, context, services):
        return listed
    costs = typical_costs(services, allowed)
    known = _known(costs)
    quality = {model: services.overall_quality(model) for model in known}
    options = [Option(id=m, quality=quality[m], cost_usd=cost) for m, cost in known.items()]
    return _all_in_order(rank(options, services.preference(context)), quality, costs)


def allowed_models(
    state: State, context: Context | None, services: Services
) -> tuple[list[str], list[Refusal]]:
    """Return the models that every mask lets through, and the refusals of the others.

    Tools that are only offered close the door to models that call none while there are others.
    """
    messages = state["messages"]
    call = context.call if context else None
    left = left_of(state, context, services)
    need = Need(
        tokens=count_tokens([text_of(messages[-1].content)]),
        modalities=frozenset().union(*(modalities_of(m.content) for m in messages)),
        tools=brings_tools(call),
        residency=services.options.residency,
        budget_usd=left.usd,
        budget_fault=left.fault,
    )
    caller = services.caller(context, left, state)
    allowed, refused = _masked(need, caller, services)
    if need.tools and not allowed and not needs_tools(call):
        return _masked(replace(need, tools=False), caller, services)
    return allowed, refused


def _masked(need: Need, caller: Caller, services: Services) -> tuple[list[str], list[Refusal]]:
    allowed: list[str] = []
    refused: list[Refusal] = []
    for facts in services.model_facts(input_tokens=need.tokens):
        refusal = model_refusal(facts, caller=caller, need=need)
        if refusal is None:
            allowed.append(facts.id)
        else:
            refused.append(refusal)
    return allowed, refused


def choose_models(
    record: dict[str, Any],
    state: State,
    context: Context | None,
    services: Services,
    *,
    prediction: Prediction | None,
) -> dict[str, Any]:
    """Return the record with the choice of a model; without a prediction it opens to the declared default."""
    allowed, refused = allowed_models(state, context, services)
    preference = services.preference(context)
    listed = _listed(allowed, state, context, services)
    by_rule = f"{listed[0]} is the first that the policy's rule names" if listed else ""
    if prediction is None:
        order = listed or _default_first(order_models(state, context, services), allowed, services)
        reason = by_rule or "nothing to predict from: the declared default"
        reason = reason if order else "no model may answer"
        return records.with_models(
            record, order=order, frontier=(), masked=refused, preference=preference, reason=reason
        )
    costs = predicted_costs(allowed, state, prediction, services)
    known = _known(costs)
    ranked = rank_models(prediction, known, preference)
    wanted = _wanted(refused, known, state, prediction, services, preference)
    order = _all_in_order(ranked, prediction.quality, costs)
    reason = _reason(order, ranked, prediction, preference, len(known))
    # A turn that is checked goes by what is predicted of each model, and not by the order.
    settled = bool(listed) or services.checked(context)
    canary = None if settled else _canary(record["id"], prediction, known, preference, services)
    if canary and canary != order[0]:
        reason = f"{canary} is tried beside {order[0]}, as feedback leaves open which is better"
        order = [canary, *(model for model in order if model != canary)]
    else:
        canary = None
    return records.with_models(
        record,
        order=listed or order,
        frontier=ranked,
        masked=refused,
        preference=preference,
        reason=by_rule or reason,
        kind=prediction.kind,
        nearness=prediction.nearness,
        far=prediction.far,
        measured={row.option.id for row in ranked} <= prediction.measured and bool(ranked),
        wanted=wanted,
        region=prediction.region,
        profile=prediction.profile,
        corrections=prediction.corrections,
        canary=None if canary is None else (canary, _predicted(prediction, canary)),
    )


def _known(costs: Mapping[str, float | None]) -> dict[str, float]:
    return {model: cost for model, cost in costs.items() if cost is not None}


def _all_in_order(
    ranked: Sequence[Ranked], quality: Mapping[str, float], costs: Mapping[str, float | None]
) -> list[str]:
    """Return the frontier, and after it the models that others dominate: when it fails, one is better than none.

    A model whose price is not known is never taken for cheap: it comes after all others.
    """
    frontier, known = [r.option.id for r in ranked], _known(costs)
    dominated = sorted(known.keys() - frontier, key=lambda m: (-quality[m], known[m], m))
    return [*frontier, *dominated, *sorted(costs.keys() - known.keys())]


def _canary(
    decision: str,
    prediction: Prediction,
    costs: Mapping[str, float],
    preference: str | float,
    services: Services,
) -> str | None:
    """Return the model that a turn is tried with which looks beyond the first choice, None for other turns."""
    share = services.options.canary_share
    if not costs or not prediction.hunches or not is_canary(decision, share):
        return None
    quality = {**prediction.quality, **drawn(decision, prediction.hunches)}
    return rank_models(replace(prediction, quality=quality), costs, preference)[0].option.id


def _predicted(prediction: Prediction, model: str) -> float:
    """Return the quality without what feedback made of it."""
    return prediction.quality[model] - prediction.corrections.get(model, 0.0)


def _listed(
    allowed: Sequence[str], state: State, context: Context | None, services: Services
) -> list[str]:
    """Return the models in the order of the policy's rule, if it wants them tried so (`ALGORITHM static`)."""
    judged = judged_by(services.permits, state, context)
    return [model for model in judged.permit.order if model in allowed] if judged else []


def go_on_with(
    asker: str | None,
    record: dict[str, Any],
    state: State,
    context: Context | None,
    services: Services,
) -> dict[str, Any]:
    """Return the record of a turn that brings the results of tools: the model that asked for them goes on.

    If it may not any more, those follow that would have stood in for it then; nothing is chosen anew.

    Args:
        asker: that model; None if it is not known, as in a thread that begins in the middle of a dialogue.
        record: of this turn.
        state: with the record of the turn in which the tools were asked for.
        context: who is calling.
        services: the models.
    """
    allowed, refused = allowed_models(state, context, services)
    before = ((state.get("record") or {}).get("models") or {}).get("order") or []
    order = [m for m in dict.fromkeys([asker, *before]) if m in allowed]
    if not order:
        return choose_models(record, state, context, services, prediction=None)
    reason = (
        f"{asker} asked for these tools and goes on"
        if order[0] == asker
        else f"{asker} asked for these tools and may not go on; {order[0]} stands in for it"
    )
    return records.with_models(
        record,
        order=order,
        frontier=(),
        masked=refused,
        preference=services.preference(context),
        reason=reason,
    )


def still_open(
    record: dict[str, Any], state: State, context: Context | None, services: Services
) -> dict[str, Any]:
    """Return the record of a turn that another run may have routed, with those of its models that may answer now.

    The caller may want others now, a key or the money may be gone, and the catalogue may be another. Where none of its
    models is left, none is chosen yet.
    """
    models = record["models"]
    if models is None:
        return record
    allowed, _ = allowed_models(state, context, services)
    order = [model for model in models["order"] if model in allowed]
    return {**record, "models": {**models, "order": order} if order else None}


def always_best(
    state: State, context: Context | None, services: Services, *, output_tokens: int
) -> dict[str, Any] | None:
    """Return what the allowed model with the best quality would have cost for this turn."""
    record = state["decision"]
    ranked = (record.get("models") or {}).get("frontier") or []
    frontier = [row for row in ranked if row["id"] in services.gateway.models]
    if frontier:
        best = max(frontier, key=lambda row: (row["quality"], row["id"]))["id"]
    else:
        allowed, _ = allowed_models(state, context, services)
        if not allowed:
            return None
        best = max(allowed, key=lambda m: (services.overall_quality(m), m))
    price = services.gateway.models[best].price
    calls = [call for call in record["calls"] if call["ok"]]
    if record.get("checked"):  # of a cascade's calls, that of the answer that was shown
        served = (record["served_by"] or {}).get("id")
        calls = [call for call in calls if call["model"] == served][:1]
    tokens_in = sum(c["input_tokens"] for c in calls) or count_tokens(
        [text_of(state["messages"][-1].content)]
    )
    tokens_out = sum(c["output_tokens"] for c in calls) or output_tokens
    cost = None if price is None else price.of(tokens_in, tokens_out)
    return {"id": best, "cost_usd": cost}


def _default_first(order: Sequence[str], allowed: Sequence[str], services: Services) -> list[str]:
    """Return `order` with the declared default at its head, even if others dominate it."""
    default = services.catalog.default_model
    return [*(m for m in allowed if m == default), *(m for m in order if m != default)]


def _wanted(
    refused: Sequence[Refusal],
    known: Mapping[str, float],
    state: State,
    prediction: Prediction,
    services: Services,
    preference: str | float,
) -> dict[str, str] | None:
    """Return the model that would have been chosen if there were the money for it, and why there is not."""
    dear = {r.candidate: r.reason for r in refused if r.code == "budget"}
    if not dear:
        return None
    costs = predicted_costs([*dear], state, prediction, services)
    first = rank_models(prediction, {**known, **_known(costs)}, preference)[0].option.id
    return {"id": first, "reason": dear[first]} if first in dear else None


def typical_costs(services: Services, models: Iterable[str]) -> dict[str, float | None]:
    """Return what a typical call of each model costs."""
    prices = {model: services.gateway.models[model].price for model in models}
    return {
        model: None if price is None else price.of(TYPICAL_INPUT_TOKENS, TYPICAL_OUTPUT_TOKENS)
        for model, price in prices.items()
    }


def predicted_costs(
    models: Sequence[str], state: State, prediction: Prediction, services: Services
) -> dict[str, float | None]:
    """Return the predicted price of this turn for each of `models`, None where it is not known."""
    tokens = count_tokens(text_of(m.content) for m in state["messages"])
    costs: dict[str, float | None] = {}
    for model_id in models:
        model = services.gateway.models[model_id]
        answer = prediction.answer_tokens.get(model_id, prediction.output_tokens)
        expected = min(round(answer) + model.thinking_tokens, model.max_output_tokens)
        costs[model_id] = None if model.price is None else model.price.of(tokens, expected)
    return costs


def _reason(
    order: Sequence[str],
    ranked: Sequence[Ranked],
    prediction: Prediction,
    preference: str | float,
    among: int,
) -> str:
    if not order:
        return "no model may answer"
    if among == 1 and len(order) == 1:
        return f"{order[0]} is the only model that may answer"
    if not ranked:
        return f"{order[0]} is the first by name: no price is known"
    if prediction.far:
        return f"far from everything profiled: {order[0]} is best overall for the preference {preference}"
    return (
        f"{order[0]} is closest to the ideal of {len(ranked)} on the frontier of {among} models "
        f"for {prediction.kind}, preference {preference}"
    )
