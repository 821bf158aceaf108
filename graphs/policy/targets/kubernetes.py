"""What a cluster enforces of a policy: where MoMA's pods may connect to, and the policy's source for them to read.

It knows fields of Kubernetes' NetworkPolicy and ConfigMap, no cluster. A NetworkPolicy knows addresses and pods, not
names: a name outside the cluster stays shut, and is listed in an annotation for whoever runs an egress gateway.
"""

import hashlib
import ipaddress
from typing import Any

from agents.errors import PolicyError
from graphs.policy.policy import Policy
from graphs.policy.targets.endpoints import Endpoint, endpoints, model_names, served
from graphs.policy.targets.marks import HASH_NAME, banner, comment_text, comments, yaml_text

__all__ = ["CONFIG_MAP", "NAMES", "NETWORK", "PORT", "emit"]

NETWORK = "network-policy.yaml"
CONFIG_MAP = "config-map.yaml"
PORT = 8000
"""On which MoMA serves."""
NAMES = "moma.policy/names-not-opened"
"""The annotation with the names that a NetworkPolicy cannot let through."""
_APP = "app.kubernetes.io/name"
_SOURCE_HASH = "moma.policy/source-sha256"
_LARGEST_SOURCE = 1 << 20
_SCOPE = (
    "Ingress: MoMA's port only. Egress: DNS and the addresses of the policy's BACKEND and MODEL blocks, nothing else.",
    "What is not opened needs an egress gateway, or a policy with its addresses.",
    "A port is that of the pod or host behind the address; where a Service maps ports, put the pod's in its place.",
    "A name in the cluster, as SERVICE.NAMESPACE.svc, is taken for the pods with the label",
    f"{_APP}: SERVICE in that namespace.",
)


def emit(policy: Policy, source: str, *, name: str = "moma") -> dict[str, str]:
    """Return the manifests.

    Args:
        policy: what to emit.
        source: the policy's text, for the ConfigMap.
        name: of the application whose pods it is for, in their label `app.kubernetes.io/name`.
    """
    return {
        NETWORK: _network_policy(policy, name=name),
        CONFIG_MAP: banner(policy) + yaml_text(_config_map(policy, source, name=name)),
    }


def _network_policy(policy: Policy, *, name: str) -> str:
    egress: list[dict[str, Any]] = [_dns()]
    outside: list[str] = []
    notes: list[str] = []
    for endpoint in endpoints(policy):
        peer = _peer(endpoint.host)
        if peer is None:
            outside.append(f"{comment_text(endpoint.host)}:{endpoint.port}")
            notes.append(
                f"Not opened: {endpoint.host!r} of {endpoint.name!r}; a NetworkPolicy knows no names outside."
            )
        elif (rule := _egress(peer, endpoint)) not in egress:
            egress.append(rule)
    notes += [
        f"Not opened: whoever serves {model!r}; no BACKEND says at which address."
        for model in model_names(policy)
        if not any(endpoint.host for endpoint, _ in served(policy, model))
    ]
    annotations = {HASH_NAME: policy.hash}
    if outside:
        annotations[NAMES] = ", ".join(dict.fromkeys(outside))
    manifest = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(f"{name}-policy", name, annotations),
        "spec": {
            "podSelector": {"matchLabels": {_APP: name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": PORT}]}],
            "egress": egress,
        },
    }
    return banner(policy) + comments(*_SCOPE, *notes) + yaml_text(manifest)


def _config_map(policy: Policy, source: str, *, name: str) -> dict[str, Any]:
    content = source.encode("utf-8", "surrogatepass")
    if len(content) > _LARGEST_SOURCE:
        raise PolicyError(
            f"the policy has {len(content)} bytes, expected at most {_LARGEST_SOURCE} in a ConfigMap"
        )
    digest = hashlib.sha256(content).hexdigest()
    annotations = {HASH_NAME: policy.hash, _SOURCE_HASH: digest}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        # Its name changes with its content, so that pods roll to the one that they were checked with.
        "metadata": _metadata(f"{name}-policy-{digest[:12]}", name, annotations),
        "immutable": True,
        "data": {"policy.moma": source, "hash": policy.hash},
    }


def _metadata(resource: str, name: str, annotations: dict[str, str]) -> dict[str, Any]:
    return {"name": resource, "labels": {_APP: name}, "annotations": annotations}


def _dns() -> dict[str, Any]:
    return {
        "to": [
            {
                "namespaceSelector": {
                    "matchLabels": {"kubernetes.io/metadata.name": "kube-system"}
                },
                "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
            }
        ],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def _egress(peer: dict[str, Any], endpoint: Endpoint) -> dict[str, Any]:
    return {"to": [peer], "ports": [{"protocol": "TCP", "port": endpoint.port}]}


def _peer(host: str) -> dict[str, Any] | None:
    """Return who a host is to a NetworkPolicy: an address, or pods of a service; None for a name outside."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return _pods(host)
    return {"ipBlock": {"cidr": f"{address}/{address.max_prefixlen}"}}


def _pods(host: str) -> dict[str, Any] | None:
    parts = host.rstrip(".").split(".")
    if len(parts) < 3 or parts[2] != "svc" or not all(map(_is_label, parts)):
        return None
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": parts[1]}},
        "podSelector": {"matchLabels": {_APP: parts[0]}},
    }


def _is_label(text: str) -> bool:
    """Return whether a text may be a name of the cluster's: RFC 1123."""
    inner = text.replace("-", "")
    return (
        0 < len(text) < 64
        and inner.isascii()
        and inner.isalnum()
        and not text.startswith("-")
        and not text.endswith("-")
    )
