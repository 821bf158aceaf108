"""Which models of the catalogue are asked: those that are named, or all that may answer here. It calls none."""

from collections.abc import Collection

from agents.errors import InputError
from graphs.masks import Caller, ModelFacts, Need, Refusal, model_refusal
from graphs.services import Services

__all__ = ["choose_models"]


def choose_models(
    services: Services, named: str | None, residency: Collection[str]
) -> tuple[list[str], list[str]]:
    """Return the models to ask, in the catalogue's order, and why others are left out.

    Args:
        services: the catalogue and what is configured of it.
        named: ids with commas between, who must all be there; None takes all that may answer.
        residency: where models may run; empty means anywhere.

    Raises:
        InputError: one that is named is not known or may not answer, or none may.
    """
    wanted = None if named is None else [name.strip() for name in named.split(",") if name.strip()]
    if wanted == []:  # as of a variable that is not set; all models would be paid for
        raise InputError(f"--models: given {named!r}, expected ids with commas between")
    facts = {fact.id: fact for fact in services.model_facts(input_tokens=1)}
    for name in wanted or ():
        if name not in facts:
            raise InputError(
                f"--models: there is no model {name!r}; the catalogue has {', '.join(facts) or 'none'}"
            )
    need = Need(tokens=1, residency=frozenset(residency))
    refused = {name: _refusal(fact, need) for name, fact in facts.items()}
    for name in wanted or ():
        if (refusal := refused[name]) is not None:
            raise InputError(f"--models: {name} may not answer: {refusal.reason}")
    chosen = [name for name in facts if refused[name] is None and (not wanted or name in wanted)]
    if not chosen:
        raise InputError("no model may answer; set a key, or see `python -m app.doctor`")
    left_out = [f"{name}, {why.reason}" for name, why in refused.items() if why and not wanted]
    return chosen, left_out


def _refusal(facts: ModelFacts, need: Need) -> Refusal | None:
    refusal = model_refusal(facts, caller=Caller(), need=need)
    if refusal is None and facts.cheapest_call_usd is None:
        return Refusal(facts.id, "price", "its price is not known; write it into the catalogue")
    return refusal
