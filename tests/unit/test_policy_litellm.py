"""The LiteLLM target: what LiteLLM itself makes of the settings, tags and fallbacks included."""

import inspect
from typing import Any

import pytest
import yaml

from graphs.gateway.models import Model
from graphs.gateway.transport import load
from graphs.policy.policy import Candidate, Declared, Policy, Rule
from graphs.policy.targets.litellm import FILE, NO_RULE, PROVIDERS, emit, rule_tag
from tests.support.policies import desk_policy

litellm: Any = load()
Router = litellm.Router


@pytest.fixture(autouse=True)
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of LiteLLM's lists of who watches all calls what a router leaves there."""
    for when in ("success", "failure"):
        for name in (f"{when}_callback", f"_async_{when}_callback"):
            monkeypatch.setattr(litellm, name, [*getattr(litellm, name)])


def settings(policy: Policy, **known: Any) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(emit(policy, **known)[FILE])
    return loaded


def router(policy: Policy, **changes: Any) -> Any:
    """Return LiteLLM's router with the settings, each deployment answering with its model's name."""
    given = settings(policy)
    for deployment in given["model_list"]:
        deployment["litellm_params"]["mock_response"] = deployment["model_name"]
        deployment["litellm_params"].setdefault("api_key", "none")
    return Router(model_list=given["model_list"], **given["router_settings"], **changes)


async def ask(router: Any, model: str, *tags: str, **more: Any) -> str:
    """Ask as the proxy does: only LiteLLM's asynchronous calls look at tags."""
    messages: Any = [{"role": "user", "content": "hello"}]
    answer: Any = await router.acompletion(
        model=model, messages=messages, metadata={"tags": list(tags)}, **more
    )
    return str(answer.choices[0].message.content)


def test_each_model_is_deployed_where_its_backends_say() -> None:
    by_name: dict[str, list[dict[str, Any]]] = {}
    for deployment in settings(desk_policy())["model_list"]:
        by_name.setdefault(deployment["model_name"], []).append(deployment["litellm_params"])
    local, inside = by_name["local/qwen"]
    assert (local["model"], local["api_base"]) == ("hosted_vllm/qwen", "http://10.1.2.3:8001/v1")
    assert local["weight"] == 2
    assert inside["api_base"] == "http://qwen.models.svc.cluster.local:8001/v1"
    assert inside["model"] == "hosted_vllm/local/qwen"
    (large,) = by_name["openai/large"]
    assert large["api_key"] == "os.environ/OPENAI_API_KEY"
    assert large["api_base"] == "https://api.openai.com/v1"
    assert by_name["openai/small"] == [{"model": "openai/small", "tags": ["rule:rest"]}]


def test_the_window_is_told() -> None:
    first = settings(desk_policy())["model_list"][0]
    assert first["model_info"] == {"max_input_tokens": 32768}


def test_settings_are_parameters_of_the_installed_router_and_it_takes_them() -> None:
    given = settings(desk_policy())
    assert set(given["router_settings"]) <= set(inspect.signature(Router).parameters)
    made = router(desk_policy())
    assert made.num_retries == 0
    assert made.enable_tag_filtering is True
    assert set(made.get_model_names()) == {"local/qwen", "openai/large", "openai/small"}


async def test_a_rule_reaches_its_own_models_and_no_others() -> None:
    made = router(desk_policy())
    assert await ask(made, "openai/large", rule_tag("code")) == "openai/large"
    assert await ask(made, "local/qwen", rule_tag("private")) == "local/qwen"
    assert await ask(made, "local/qwen", NO_RULE) == "local/qwen"
    made.fallbacks = []
    with pytest.raises(Exception, match="tag"):
        await ask(made, "openai/large", rule_tag("private"))


async def test_a_fallback_never_leaves_the_rule() -> None:
    policy = desk_policy(
        rules=(
            Rule(name="wide", models=(Candidate(name="local/qwen"), Candidate(name="openai/large"))),
            Rule(name="close", models=(Candidate(name="local/qwen"), Candidate(name="openai/small"))),
        )
    )  # fmt: skip
    given = settings(policy)["router_settings"]
    assert given["fallbacks"] == [{"local/qwen": ["openai/large", "openai/small"]}]
    made = router(policy)
    for rule, expected in (("wide", "openai/large"), ("close", "openai/small")):
        answer = await ask(made, "local/qwen", rule_tag(rule), mock_testing_fallbacks=True)
        assert answer == expected


async def test_the_default_is_no_way_out_of_a_rule() -> None:
    close = Rule(name="close", models=(Candidate(name="openai/small"),))
    made = router(desk_policy(rules=(close,)))
    with pytest.raises(Exception, match="tag"):
        await ask(made, "openai/small", rule_tag("close"), mock_testing_fallbacks=True)
    assert await ask(made, "local/qwen", NO_RULE, mock_testing_fallbacks=False) == "local/qwen"


def test_the_default_model_is_the_last_resort() -> None:
    assert settings(desk_policy())["router_settings"]["default_fallbacks"] == ["local/qwen"]
    assert "default_fallbacks" not in settings(desk_policy(settings={}))["router_settings"]


def test_a_rule_without_models_allows_all() -> None:
    given = settings(desk_policy(rules=(Rule(name="open"),)))
    assert all("rule:open" in d["litellm_params"]["tags"] for d in given["model_list"])


def test_a_model_that_nobody_places_is_left_out_and_told_of() -> None:
    policy = Policy(rules=(Rule(name="a", models=(Candidate(name="lost"), Candidate(name="away/lost"))),))  # fmt: skip
    text = emit(policy)[FILE]
    assert yaml.safe_load(text)["model_list"] == []
    assert "Left out: 'lost'" in text
    assert "Left out: 'away/lost'" in text


def test_the_catalogue_places_models_that_the_policy_does_not() -> None:
    policy = Policy(rules=(Rule(name="a", models=(Candidate(name="big"), Candidate(name="here"))),))
    models = [
        Model(
            id="big",
            litellm="openai/gpt-big",
            key="BIG_API_KEY",
            base_url_env="BIG_BASE_URL",
            context_tokens=9,
        ),
        Model(id="here", litellm="local/here", context_tokens=9),
    ]
    (deployment,) = settings(policy, models=models)["model_list"]
    assert deployment["litellm_params"] == {
        "model": "openai/gpt-big",
        "api_base": "os.environ/BIG_BASE_URL",
        "api_key": "os.environ/BIG_API_KEY",
        "tags": ["rule:a"],
    }


def test_an_endpoint_that_no_model_is_tied_to_serves_those_that_nobody_places() -> None:
    fields = {"address": "::1", "port": 11434, "type": "ollama"}
    backend = Declared(name="box", type="vllm_endpoint", fields=fields)
    policy = Policy(models={"m": Declared(name="m")}, backends={"box": backend})
    (deployment,) = settings(policy)["model_list"]
    assert deployment["litellm_params"]["model"] == "ollama_chat/m"
    assert deployment["litellm_params"]["api_base"] == "http://[::1]:11434"


def test_a_key_is_never_written_and_openais_goes_to_nobody_else() -> None:
    fields = {
        "address": "10.0.0.9",
        "port": 80,
        "type": "openai",
        "api_key": "sk-very-secret-key-0123456789",
    }
    policy = Policy(
        models={"m": Declared(name="m")},
        backends={"b": Declared(name="b", type="vllm_endpoint", fields=fields)},
    )
    text = emit(policy)[FILE]
    assert "sk-very" not in text
    assert yaml.safe_load(text)["model_list"][0]["litellm_params"]["model"] == "hosted_vllm/m"


def test_the_providers_are_litellms() -> None:
    assert {str(getattr(p, "value", p)) for p in litellm.provider_list} >= PROVIDERS
