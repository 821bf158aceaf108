"""The policy as JSON: everything that it means, for programs that decide or gate by it elsewhere."""

import json

from graphs.policy.policy import Policy

__all__ = ["FILE", "emit"]

FILE = "policy.json"


def emit(policy: Policy) -> dict[str, str]:
    """Return the file."""
    content = {"hash": policy.hash, "strategy": policy.strategy, "policy": policy.plain()}
    return {FILE: json.dumps(content, indent=1) + "\n"}
