"""What all files that are made from a policy have in common: a first line with its hash, and how they are written.

It knows no target.
"""

import re
from typing import Any, Literal

import yaml

from graphs.policy.policy import Policy

__all__ = ["HASH_NAME", "banner", "comment_text", "comments", "hash_in", "yaml_text"]

HASH_NAME = "moma.policy/hash"
"""The annotation that holds the hash where a format has annotations."""
_FRAMES = {"#": ("# ", ""), "%%": ("%% ", ""), "<!--": ("<!-- ", " -->")}
_HASH = re.compile(r"MoMA policy ([0-9a-f]{64})")
Frame = Literal["#", "%%", "<!--"]


def banner(policy: Policy, *, frame: Frame = "#") -> str:
    """Return a file's first line."""
    before, behind = _FRAMES[frame]
    return f"{before}MoMA policy {policy.hash}; made from it: change the policy, not this file.{behind}\n"


def hash_in(text: str) -> str | None:
    """Return the hash that a file's first line bears."""
    found = _HASH.search(text.partition("\n")[0])
    return found[1] if found else None


def comment_text(text: str, *, longest: int = 300) -> str:
    """Return text as it may stand in a comment of any of the formats: on one line, with nothing that ends it."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    short = " ".join(printable.split())
    short = short if len(short) <= longest else short[: longest - 3] + "..."
    return short.replace("--", "- -").replace("%%", "% %")


def comments(*lines: str) -> str:
    """Return lines as YAML comments."""
    return "".join(f"# {comment_text(line)}\n" if line else "#\n" for line in lines)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and equal values each in full."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write no anchors: a reader sees each value where it counts."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    )


_Dumper.add_representer(str, _text)


def yaml_text(value: Any) -> str:
    """Return JSON-plain values as YAML, in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
