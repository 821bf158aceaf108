"""Which agents and models may serve a turn, as tables for the terminal."""

from rich.table import Table

from app.view import table
from graphs import Context, Services
from graphs.machine import Phase
from graphs.masks import Moment, Need, mask_agents, model_refusal

__all__ = ["agents_table", "models_table"]


def agents_table(
    services: Services, *, context: Context | None = None, phase: str = Phase.IDLE
) -> Table:
    """Return the agents: id, what each does, and why one may not serve now."""
    cards = services.cards()
    refused = mask_agents(
        cards,
        caller=services.caller(context, services.left(context)),
        moment=Moment(phase=phase),
        runnable=services.runnable(),
    )[1]
    because = {refusal.candidate: refusal.reason for refusal in refused}
    rows = [(i, _first_sentence(c.description), because.get(i, "")) for i, c in cards.items()]
    return table("agents", ("agent", "what it does", "masked because"), rows)


def models_table(services: Services, *, context: Context | None = None) -> Table:
    """Return the models: id, prices, window, and why one may not serve now."""
    left = services.left(context)
    caller = services.caller(context, left)
    need = Need(
        tokens=1,
        residency=services.options.residency,
        budget_usd=left.usd,
        budget_fault=left.fault,
    )
    rows = []
    for model in services.model_facts(input_tokens=1):
        price = services.gateway.models[model.id].price
        refusal = model_refusal(model, caller=caller, need=need)
        rows.append(
            (
                model.id,
                f"{price.input:g} / {price.output:g}" if price else "unknown",
                f"{model.context_tokens:,}",
                refusal.reason if refusal else "",
            )
        )
    return table("models", ("model", "$/M in / out", "window", "masked because"), rows)


def _first_sentence(text: str) -> str:
    first, stop, _ = text.partition(". ")
    return first + stop.strip()
