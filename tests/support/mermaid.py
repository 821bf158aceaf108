"""What of Mermaid's flowcharts MoMA writes, as rules that each line must follow; Mermaid itself is not in the tests."""

import re

__all__ = ["faults_of"]

_ID = r"[a-z]+\d*"
_CHARACTERS = r"(?:[\w .,:()/+=!?'*-]|#\d{1,7};|<br/>)+"
_LABEL = rf'"{_CHARACTERS}"'
_NODE = rf"{_ID}(?:\[{_LABEL}\]|\(\[{_LABEL}\]\)|\[/{_LABEL}/\]|\[\[{_LABEL}\]\]|\{{\{{{_LABEL}\}}\}}|\(\[a turn\]\))"
_EDGE = rf"{_ID} -->(?:\|[\w ]+\|)? {_ID}"
_LINE = re.compile(rf"\s+(?:{_NODE}|{_EDGE}|subgraph {_ID}\[{_LABEL}\]|end)")
_WORDS = frozenset({"end", "graph", "subgraph", "style", "class", "click", "default", "o", "x"})


def faults_of(chart: str) -> list[str]:
    """Return the lines that are not of the form, ids that nobody declares, and blocks that do not end."""
    first, head, *lines = chart.rstrip("\n").split("\n")
    faults = [] if first.startswith("%% ") and head == "flowchart TD" else [first, head]
    faults += [line for line in lines if not _LINE.fullmatch(line) or "--" in _labels(line)]
    starts = [line for line in lines if line.lstrip().startswith("subgraph ")]
    if len(starts) != sum(line.strip() == "end" for line in lines):
        faults.append("a block does not end")
    declared = {
        m[1] for line in lines if (m := re.match(rf"\s+(?:subgraph )?({_ID})[\[({{]", line))
    }
    used = {
        i
        for line in lines
        if (m := re.fullmatch(rf"\s+({_ID}) --.*[> ]({_ID})", line))
        for i in m.groups()
    }
    faults += [f"{name} is not declared" for name in sorted(used - declared)]
    return faults + sorted(_WORDS & declared)


def _labels(line: str) -> str:
    return "".join(re.findall(r'"([^"]*)"', line))
