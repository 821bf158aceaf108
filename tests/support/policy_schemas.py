"""The fields of Kubernetes' objects that MoMA writes, as JSON schemas: nothing else may be in them."""

from typing import Any

_NAME = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"}
_LABEL = {"type": "string", "maxLength": 63, "pattern": r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"}  # fmt: skip
_LABELS = {"type": "object", "additionalProperties": _LABEL}
_SELECTOR = {"type": "object", "properties": {"matchLabels": _LABELS}, "additionalProperties": False}  # fmt: skip
_PORTS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["protocol", "port"],
        "properties": {
            "protocol": {"enum": ["TCP", "UDP"]},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        },
        "additionalProperties": False,
    },
}
_PEER = {
    "oneOf": [
        {
            "type": "object",
            "required": ["ipBlock"],
            "properties": {
                "ipBlock": {
                    "type": "object",
                    "required": ["cidr"],
                    "properties": {"cidr": {"type": "string", "pattern": r"^[0-9a-f:.]+/(32|128)$"}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
        {
            "type": "object",
            "required": ["namespaceSelector", "podSelector"],
            "properties": {"namespaceSelector": _SELECTOR, "podSelector": _SELECTOR},
            "additionalProperties": False,
        },
    ]
}  # fmt: skip
_METADATA = {
    "type": "object",
    "required": ["name", "labels", "annotations"],
    "properties": {
        "name": _NAME,
        "labels": _LABELS,
        "annotations": {
            "type": "object",
            "propertyNames": {"pattern": r"^([a-z0-9.-]+/)?[A-Za-z0-9][-A-Za-z0-9_.]{0,62}$"},
            "additionalProperties": {"type": "string"},
        },
    },
    "additionalProperties": False,
}


def _rules(side: str) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {side: {"type": "array", "items": _PEER, "minItems": 1}, "ports": _PORTS},
            "additionalProperties": False,
        },
    }


NETWORK_POLICY: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "networking.k8s.io/v1"},
        "kind": {"const": "NetworkPolicy"},
        "metadata": _METADATA,
        "spec": {
            "type": "object",
            "required": ["podSelector", "policyTypes", "ingress", "egress"],
            "properties": {
                "podSelector": _SELECTOR,
                "policyTypes": {"const": ["Ingress", "Egress"]},
                "ingress": _rules("from"),
                "egress": _rules("to"),
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
CONFIG_MAP: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "data"],
    "properties": {
        "apiVersion": {"const": "v1"},
        "kind": {"const": "ConfigMap"},
        "metadata": _METADATA,
        "immutable": {"type": "boolean"},
        "data": {
            "type": "object",
            "propertyNames": {"pattern": r"^[-._a-zA-Z0-9]{1,253}$"},
            "additionalProperties": {"type": "string"},
        },
    },
    "additionalProperties": False,
}
