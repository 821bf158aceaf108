"""The Kubernetes target: manifests of the right form that allow what the policy declares and no more."""

import hashlib
from typing import Any

import jsonschema
import pytest
import yaml

from agents.errors import PolicyError
from graphs.policy.policy import Candidate, Declared, Policy, Rule
from graphs.policy.targets.kubernetes import CONFIG_MAP, NAMES, NETWORK, PORT, emit
from graphs.policy.targets.marks import HASH_NAME
from tests.support import policy_schemas
from tests.support.policies import desk_policy

SOURCE = 'ROUTE a {\n  MODEL "x"  \n}\n# ü end\n'


def loaded(policy: Policy, file: str, source: str = SOURCE) -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(emit(policy, source)[file])
    return manifest


def to(address: str, port: int = 80) -> Policy:
    backend = Declared(name="b", type="vllm_endpoint", fields={"address": address, "port": port})
    return Policy(backends={"b": backend})


def peers(policy: Policy) -> list[Any]:
    """Return whom a policy lets connect to, without DNS."""
    rules = loaded(policy, NETWORK)["spec"]["egress"][1:]
    return [(rule["to"], [p["port"] for p in rule["ports"]]) for rule in rules]


def test_manifests_have_the_fields_of_their_kinds() -> None:
    jsonschema.validate(loaded(desk_policy(), NETWORK), policy_schemas.NETWORK_POLICY)
    jsonschema.validate(loaded(desk_policy(), CONFIG_MAP), policy_schemas.CONFIG_MAP)


def test_only_mo_mas_port_is_open_and_only_dns_and_the_backends_can_be_reached() -> None:
    spec = loaded(desk_policy(), NETWORK)["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": PORT}]}]
    assert {p["port"] for p in spec["egress"][0]["ports"]} == {53}
    assert [rule["ports"][0]["port"] for rule in spec["egress"][1:]] == [8001, 8001]


def test_a_policy_without_backends_reaches_dns_only() -> None:
    assert len(loaded(Policy(), NETWORK)["spec"]["egress"]) == 1


@pytest.mark.parametrize(
    ("address", "cidr"),
    [
        ("10.1.2.3", "10.1.2.3/32"),
        ("fd00::2", "fd00::2/128"),
        ("[fd00::2]", "fd00::2/128"),
        ("http://10.1.2.3:9/v1", "10.1.2.3/32"),
    ],
)
def test_an_address_is_a_block_of_one(address: str, cidr: str) -> None:
    assert peers(to(address)) == [([{"ipBlock": {"cidr": cidr}}], [80])]


def test_a_service_of_the_cluster_is_its_pods() -> None:
    ((peer,), ports) = peers(to("qwen.models.svc.cluster.local", 8001))[0]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "models"}
    assert peer["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "qwen"}
    assert ports == [8001]


@pytest.mark.parametrize("name", ["api.openai.com", "a_b.c.svc", "x.svc", "-a.b.svc"])
def test_a_name_outside_is_told_not_opened(name: str) -> None:
    policy = to(name, 443)
    assert peers(policy) == []
    text = emit(policy, SOURCE)[NETWORK]
    assert f"# Not opened: '{name.replace('--', '- -')}' of 'b'" in text
    assert yaml.safe_load(text)["metadata"]["annotations"][NAMES] == f"{name}:443"


def test_a_model_without_an_address_is_told_not_opened() -> None:
    policy = Policy(rules=(Rule(name="r", models=(Candidate(name="openai/gpt-5"),)),))
    told = "# Not opened: whoever serves 'openai/gpt-5'; no BACKEND says at which address."
    assert told in emit(policy, SOURCE)[NETWORK]
    assert peers(policy) == []


@pytest.mark.parametrize("address", ["", "http://", "[::1", "host:notaport", "host:99999"])
def test_what_is_no_address_opens_nothing(address: str) -> None:
    policy = Policy(backends={"b": Declared(name="b", type="vllm_endpoint", fields={"address": address})})  # fmt: skip
    assert peers(policy) == []


def test_the_config_map_holds_the_source_as_it_is() -> None:
    manifest = loaded(desk_policy(), CONFIG_MAP)
    assert manifest["data"]["policy.moma"] == SOURCE
    assert manifest["metadata"]["annotations"][HASH_NAME] == desk_policy().hash
    assert hashlib.sha256(SOURCE.encode()).hexdigest()[:12] in manifest["metadata"]["name"]


def test_a_source_too_large_for_a_config_map_is_refused() -> None:
    with pytest.raises(PolicyError, match="expected at most 1048576"):
        emit(desk_policy(), "x" * ((1 << 20) + 1))
