"""The settings of a LiteLLM proxy that calls the policy's models and no others.

LiteLLM cannot read a text as a policy does: MoMA decides, and names the rule as a tag of its request. So a rule becomes
the tag `rule:NAME` on the models that it allows. It knows names of LiteLLM's settings, not LiteLLM itself.
"""

from collections.abc import Sequence
from typing import Any

from graphs.gateway.models import Model
from graphs.policy.decide import models_of
from graphs.policy.policy import Policy
from graphs.policy.targets.endpoints import Endpoint, model_names, served
from graphs.policy.targets.marks import banner, comments, yaml_text

__all__ = ["FILE", "NO_RULE", "PROVIDERS", "emit", "rule_tag"]

FILE = "litellm.yaml"
NO_RULE = "rule:"
"""The tag of a turn for which no rule holds."""
PROVIDERS = frozenset(
    {
        "anthropic", "azure", "azure_ai", "bedrock", "cerebras", "cohere", "dashscope", "databricks", "deepinfra",
        "deepseek", "fireworks_ai", "gemini", "groq", "hosted_vllm", "huggingface", "mistral", "moonshot", "nvidia_nim",
        "ollama", "ollama_chat", "openai", "openrouter", "perplexity", "replicate", "sambanova", "together_ai",
        "vertex_ai", "watsonx", "xai",
    }
)  # fmt: skip
"""The providers that a model's name may begin with, as in `openai/gpt-5.6`, and LiteLLM knows where they are."""
_SPEAKS = {"vllm": "hosted_vllm", "ollama": "ollama_chat", "azure-openai": "azure", "azure_openai": "azure",
           "google": "gemini", "aws": "bedrock"}  # fmt: skip
_OWN_PATH = frozenset({"ollama_chat", "ollama", "anthropic", "gemini", "azure"})
"""Their addresses do not end in `/v1`."""
_LIMITS = (
    "What these settings cannot say: conditions on texts, callers and times. MoMA decides which rule holds and sends",
    "its tag with the request, metadata: {tags: [rule:NAME]}; `rule:` alone stands for no rule. LiteLLM lets a",
    "request without a tag reach every model here, so nobody but MoMA should hold a key of this proxy.",
    "Fallbacks belong to a model, not to a rule: a model of another rule is refused by its missing tag and skipped.",
)


def rule_tag(rule: str) -> str:
    """Return the tag of a rule; the prefix keeps it apart from LiteLLM's `default`, `!tag` and `&tag`."""
    return f"{NO_RULE}{rule}"


def emit(policy: Policy, *, models: Sequence[Model] = ()) -> dict[str, str]:
    """Return the file with the proxy's settings.

    Args:
        policy: what to emit.
        models: the catalogue's, to know what its ids stand for where the policy has no BACKEND for them.
    """
    known = {model.id: model for model in models}
    deployed: dict[str, list[dict[str, Any]]] = {}
    left_out: list[str] = []
    for name in model_names(policy):
        if found := _deployments(policy, name, known.get(name)):
            deployed[name] = found
        else:
            left_out.append(name)
    settings: dict[str, Any] = {
        "model_list": [one for group in deployed.values() for one in group],
        "router_settings": _router(policy, set(deployed)),
        "litellm_settings": {"num_retries": 0, "drop_params": True},
        "general_settings": {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    }
    missing = [
        f"Left out: {name!r}; no BACKEND says where it runs, and LiteLLM knows no such provider."
        for name in left_out
    ]
    return {FILE: banner(policy) + comments(*_LIMITS, *missing) + yaml_text(settings)}


def _router(policy: Policy, deployed: set[str]) -> dict[str, Any]:
    after: dict[str, list[str]] = {}
    for rule in policy.rules:
        chain = [c.name for c in rule.models if c.name in deployed]
        for place, name in enumerate(chain):
            known = after.setdefault(name, [])
            known += [other for other in chain[place + 1 :] if other not in (*known, name)]
    settings: dict[str, Any] = {
        "routing_strategy": "simple-shuffle",
        "enable_tag_filtering": True,
        "tag_filtering_match_any": True,
        # MoMA retries by itself; two that do so multiply.
        "num_retries": 0,
        "fallbacks": [{name: others} for name, others in after.items() if others],
    }
    if policy.default_model in deployed:
        settings["default_fallbacks"] = [policy.default_model]
    return settings


def _deployments(policy: Policy, name: str, known: Model | None) -> list[dict[str, Any]]:
    """Return a model's deployments; none if nobody says where it runs."""
    tags = _tags(policy, name)
    about = {"max_input_tokens": tokens} if (tokens := _window(policy, name)) else {}
    found = [p for endpoint, there in served(policy, name) if (p := _params(endpoint, there))]
    if not found and known is not None and not known.local:
        found = [_from_catalog(known)]
    if not found and name.partition("/")[0] in PROVIDERS and name.partition("/")[2]:
        found = [{"model": name}]
    return [
        {
            "model_name": name,
            "litellm_params": {**params, "tags": tags},
            **({"model_info": about} if about else {}),
        }
        for params in found
    ]


def _params(endpoint: Endpoint, model: str) -> dict[str, Any] | None:
    speaks = _SPEAKS.get(endpoint.kind, endpoint.kind)
    elsewhere = bool(endpoint.url) and endpoint.host != "api.openai.com"
    if speaks not in PROVIDERS or (speaks == "openai" and elsewhere):
        # Without a key of its own, OpenAI's would be sent to an address that is not OpenAI's.
        speaks = "openai" if endpoint.key_env else "hosted_vllm"
        if not endpoint.url:
            return None
    params: dict[str, Any] = {"model": f"{speaks}/{model.removeprefix(f'{speaks}/')}"}
    if endpoint.url:
        # A whole address, with a path, stands as it was written.
        whole = speaks in _OWN_PATH or endpoint.url.count("/") > 2
        params["api_base"] = endpoint.url if whole else f"{endpoint.url}/v1"
    if endpoint.key_env:
        params["api_key"] = f"os.environ/{endpoint.key_env}"
    if endpoint.weight is not None:
        params["weight"] = endpoint.weight
    return params


def _from_catalog(model: Model) -> dict[str, Any]:
    params: dict[str, Any] = {"model": model.litellm}
    if model.base_url_env:
        params["api_base"] = f"os.environ/{model.base_url_env}"
    elif model.base_url:
        params["api_base"] = model.base_url
    if model.key:
        params["api_key"] = f"os.environ/{model.key}"
    return params


def _tags(policy: Policy, model: str) -> list[str]:
    """Return the tags of the rules that allow a model; a rule that names none allows all, but for a fixed text."""
    allowed = [(rule, models_of(rule)) for rule in policy.rules]
    rules = [rule for rule, models in allowed if models is None or model in models]
    tags = list(dict.fromkeys(rule_tag(rule.name) for rule in rules))
    return [*tags, NO_RULE] if model == policy.default_model else tags


def _window(policy: Policy, model: str) -> int | None:
    block = policy.models.get(model)
    window = block.fields.get("context_window_size") if block else None
    return window if type(window) is int and window > 0 else None
