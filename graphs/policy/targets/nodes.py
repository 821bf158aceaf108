"""The shape of the LangGraph target: a node that reads and decides, a node for each rule, and one for no rule.

It knows no LangGraph: `graph.json` says the shape to other programs, and `targets.graph` builds it.
"""

import json
from urllib.parse import quote

from graphs.policy.policy import Policy

__all__ = ["FILE", "NO_RULE", "SIGNALS", "emit", "no_rule_label", "node_name", "path_map"]

FILE = "graph.json"
SIGNALS = "signals"
"""The node that reads the signals and decides."""
NO_RULE = "none"
"""The node for turns for which no rule holds."""


def node_name(rule: str) -> str:
    """Return the name of a rule's node: no two rules share one, and it has no character that LangGraph reserves."""
    return f"rule.{quote(rule, safe='', errors='surrogatepass')}"


def path_map(policy: Policy) -> dict[str, str]:
    """Return the node of each rule by the rule's name, and the one for no rule by `no_rule_label`."""
    return {rule.name: node_name(rule.name) for rule in policy.rules} | {
        no_rule_label(policy): NO_RULE
    }


def no_rule_label(policy: Policy) -> str:
    """Return the label of the edge for no rule: `none`, unless a rule has that name."""
    label, names = NO_RULE, {rule.name for rule in policy.rules}
    while label in names:
        label = f"({label})"
    return label


def emit(policy: Policy) -> dict[str, str]:
    """Return the file with the shape."""
    shape = {"hash": policy.hash, "entry": SIGNALS, "path_map": path_map(policy)}
    return {FILE: json.dumps(shape, indent=1) + "\n"}
