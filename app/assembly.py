"""What the graph runs on, put together from the operator's settings."""

from typing import Any

from app.settings import Settings
from graphs.quick_imports import no_collection

with no_collection():
    from graphs.budgets import BudgetLimits
    from graphs.checkpoints import POSTGRES
    from graphs.gateway.gateway import Places
    from graphs.gateway.transport import Limits
    from graphs.options import Options
    from graphs.policy.signals.classifiers import load_classifiers
    from graphs.services import Services
    from graphs.shadow import Shadow

__all__ = ["make_options", "make_services"]


def make_options(settings: Settings, **more: Any) -> Options:
    """Return what the graph needs of the settings.

    Args:
        settings: what the operator set.
        more: more of `Options`.

    Raises:
        SettingsError: a plug-in of the policy's signals cannot be loaded.
    """
    return Options(
        home=settings.home,
        database=settings.checkpoints if settings.threads_place.startswith(POSTGRES) else None,
        encoder=settings.encoder,
        profile=settings.profile,
        feedback=settings.feedback,
        canary_share=settings.canary_share,
        policy=settings.policy,
        classifiers=load_classifiers(settings.policy_classifiers),
        preference=settings.preference,
        budgets=BudgetLimits(
            turn=settings.budget_usd,
            thread=settings.thread_budget_usd,
            user=settings.user_budget_usd,
            day=settings.day_budget_usd,
        ),
        default_grants=frozenset(settings.grants),
        residency=frozenset(settings.residency),
        max_hops=settings.max_hops,
        routing_seconds=settings.routing_seconds,
        checked_answers=settings.checked_answers,
        checks=settings.answer_checks,
        verifier=settings.verifier,
        tie_break=settings.tie_break,
        local_threads=settings.local_threads,
        turns_at_once=settings.turns_at_once,
        turns_waiting=settings.turns_waiting,
        turns_per_user=settings.turns_per_user,
        limits=Limits(
            connect=settings.connect_seconds,
            first_token=settings.first_token_seconds,
            idle=settings.idle_seconds,
            turn=settings.turn_seconds,
        ),
        places=Places(provider=settings.provider_calls, caller=settings.caller_calls),
        **more,
    )


def make_services(settings: Settings, **more: Any) -> Services:
    """Return what the graph runs on, and its shadow if one is set.

    Args:
        settings: what the operator set.
        more: more of `Options`.

    Raises:
        CatalogError: a catalogue is broken, or an agent of it cannot be built.
        SettingsError: MOMA_LOCAL_MODELS is, or a plug-in of the policy's signals cannot be loaded.
    """
    services = Services.from_catalog(settings.read_catalog(), make_options(settings, **more))
    other = {
        "catalog": settings.shadow_catalog,
        "profile": settings.shadow_profile,
        "policy": settings.shadow_policy,
        "preference": settings.shadow_preference,
    }
    given = {name: value for name, value in other.items() if value is not None}
    if given:
        shadow = settings.model_copy(update=given)
        named_by = "MOMA_SHADOW_CATALOG" if "catalog" in given else "MOMA_CATALOG"
        beside = Services.from_catalog(shadow.read_catalog(setting=named_by), make_options(shadow))
        services.shadow = Shadow(beside, settings.home / "shadow.jsonl")
    return services
