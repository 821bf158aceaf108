"""Sends a request in the form of OpenAI's API through LiteLLM, on the event loop.

`acompletion` prepares a request in a thread, as that of another provider may ask a cloud for a key meanwhile, and
prices a stream that has not begun. This one waits for nothing, and MoMA keeps its own books: a millisecond of each
turn. What a program may have told LiteLLM to do with its calls only `acompletion` does.
"""

import datetime
import uuid
from types import ModuleType
from typing import Any

__all__ = ["opened_here", "prepared_here", "watched"]

_WATCHED = ("callbacks", "success_callback", "failure_callback", "post_call_rules")
"""Where a program tells LiteLLM to show it what comes; only LiteLLM can."""
_MANAGED = ("input_callback", "cache", "max_budget", "model_fallbacks", "num_retries_per_request")
"""Where it tells LiteLLM what to do around a call."""


def watched(litellm: ModuleType) -> bool:
    """Whether a program has LiteLLM show it what is answered."""
    return any(getattr(litellm, name) for name in _WATCHED)


def prepared_here(litellm: ModuleType, *, model: str, base_url: str | None) -> bool:
    """Whether a call can be prepared on the event loop, with nothing done or waited for that `acompletion` would."""
    if watched(litellm) or any(getattr(litellm, name) for name in _MANAGED):
        return False
    _, provider, _, _ = litellm.get_llm_provider(model=model, api_base=base_url)
    return bool(provider == "openai")


async def opened_here(litellm: ModuleType, /, **arguments: Any) -> Any:
    """Send a request, given as to `acompletion`, and return LiteLLM's stream.

    Raises:
        Exception: what `acompletion` raises.
    """
    call = {**arguments, "litellm_call_id": str(uuid.uuid4())}
    try:
        log, call = litellm.utils.function_setup(
            "acompletion", litellm.utils.Rules(), datetime.datetime.now(), **call
        )
        return await litellm.completion(**call, acompletion=True, litellm_logging_obj=log)
    except Exception as error:  # noqa: BLE001 whatever it is, LiteLLM has a class for it
        raise litellm.exception_type(
            model=call["model"],
            custom_llm_provider="openai",
            original_exception=error,
            completion_kwargs=call,
            extra_kwargs={},
        ) from None
