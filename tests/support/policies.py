"""Random policies and readings for property tests, and one policy as people write them.

Programs are syntax trees, so that an interpreter of the tree and the lowered policy can be compared.
"""

import random
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from graphs.policy.policy import Policy
from graphs.policy.read import read_policy
from graphs.policy.request import Reading
from graphs.policy.syntax import (
    And,
    Block,
    Branch,
    Condition,
    Field,
    Fields,
    Item,
    Not,
    Or,
    PluginUse,
    Program,
    Reference,
    Statement,
    Target,
    Value,
)  # fmt: skip

SHARES = (0.0, 0.2, 0.35, 0.5, 0.5, 0.75, 0.9, 1.0)
"""Few values, so that ties and ends of bands are met."""
PLAIN = st.sampled_from(["alpha", "beta", "gamma", "delta", "Eins", "zwei-2", "a_b", "x.y"])
ODD = st.sampled_from(
    [
        "with space", 'quo"te', "[x]", "a|b", "a:b", "ß✓", "end", "#1", "__start__", "signals", "%%", "none", "- list",
        "`tick`", "<b>", "*", "~", "&amp;", "{{x}}", "new\nline", "a\tb", "\u202e", "%41",
        "default", "!no", "--", "\ud800",
    ]
)  # fmt: skip
NAMES = PLAIN | ODD


def fields(**values: Value) -> Fields:
    """Return fields as they are written in a block."""
    return Fields(tuple(Field(key, value) for key, value in values.items()))


def conditions(references: list[Reference], *, leaves: int = 5) -> st.SearchStrategy[Condition]:
    """Return conditions over references."""
    base: st.SearchStrategy[Condition] = st.sampled_from(references)
    return st.recursive(
        base,
        lambda inner: (
            st.builds(Not, inner)
            | st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(flat(And, parts)))
            | st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(flat(Or, parts)))
        ),
        max_leaves=leaves,
    )


def flat(kind: type[And] | type[Or], parts: list[Condition]) -> tuple[Condition, ...]:
    """Return parts with those of the same kind spread out, as the parser makes them."""
    return tuple(p for part in parts for p in (part.parts if isinstance(part, kind) else (part,)))


@st.composite
def programs(draw: st.DrawFn, *, largest: int = 6) -> Program:
    """Return a program that lowers without findings: signals, groups, scores, bands, and rules or a tree."""
    names = draw(st.lists(NAMES, min_size=2, max_size=6, unique=True))
    kinds = {name: draw(st.sampled_from(["embedding", "keyword", "authz"])) for name in names}
    blocks = [Block("SIGNAL", name=name, type=kind) for name, kind in kinds.items()]
    references = [Reference(kind, name) for name, kind in kinds.items()]
    blocks += draw(_groups([n for n in names if kinds[n] == "embedding"]))
    mappings, bands = draw(_projections(references))
    blocks += mappings
    references += bands
    if draw(st.booleans()):
        blocks += draw(_routes(references, largest))
    else:
        blocks += draw(_trees(references, largest))
    strategy = draw(st.sampled_from(["priority", "confidence", ""]))
    default = {"default_model": "m0"} if draw(st.integers(0, 3)) else {}
    settings = fields(**(default | ({"strategy": strategy} if strategy else {})))
    order = draw(st.permutations([*blocks, Block("GLOBAL", fields=settings)]))
    return Program(tuple(order))


@st.composite
def _groups(draw: st.DrawFn, names: list[str]) -> list[Block]:
    if len(names) < 2 or draw(st.booleans()):
        return []
    members = tuple(draw(st.permutations(names)))
    values: dict[str, Value] = {"members": members, "default": draw(st.sampled_from(members))}
    if draw(st.booleans()):
        values |= {
            "semantics": "softmax_exclusive",
            "temperature": draw(st.sampled_from([0.1, 1.0])),
        }
    if draw(st.booleans()):
        return [Block("SIGNAL_GROUP", name="group", fields=fields(**values))]
    return [Block("PROJECTION", name="group", type="partition", fields=fields(**values))]


@st.composite
def _projections(
    draw: st.DrawFn, references: list[Reference]
) -> tuple[list[Block], list[Reference]]:
    """Return scores with their mappings; a later score may read an earlier one's bands."""
    blocks: list[Block] = []
    bands: list[Reference] = []
    for number in range(draw(st.integers(0, 2))):
        terms = []
        for reference in draw(
            st.lists(st.sampled_from([*references, *bands]), min_size=1, max_size=3, unique=True)
        ):
            given: dict[str, Value] = {"type": reference.type, "name": reference.name}
            given["weight"] = draw(st.sampled_from([0.25, 0.5, 1, -0.5]))
            if source := draw(st.sampled_from(["", "confidence", "score", "fires"])):
                given["value_source"] = source
            terms.append(fields(**given))
        inputs: dict[str, Value] = {"method": "weighted_sum", "inputs": tuple(terms)}
        blocks.append(Block("PROJECTION", name=f"s{number}", type="score", fields=fields(**inputs)))
        cut = draw(st.sampled_from([0.25, 0.35, 0.5]))
        outputs = (fields(name=f"low{number}", lt=cut), fields(name=f"high{number}", gte=cut))
        mapping: dict[str, Value] = {"source": f"s{number}", "outputs": outputs}
        if draw(st.booleans()):
            mapping["calibration"] = fields(method="sigmoid_distance", slope=5)
        blocks.append(
            Block("PROJECTION", name=f"m{number}", type="mapping", fields=fields(**mapping))
        )
        bands += [Reference("projection", f"{word}{number}") for word in ("low", "high")]
    return blocks, bands


@st.composite
def _body(draw: st.DrawFn) -> list[Item]:
    models = draw(st.lists(st.sampled_from(["m0", "m1", "local/m2"]), max_size=3, unique=True))
    items: list[Item] = [Statement("MODEL", tuple(Target(m) for m in models))] if models else []
    some_agents = st.lists(st.sampled_from(["a0", "a1"]), max_size=2, unique=True)
    if (agents := draw(st.none() | some_agents)) is not None:
        items.append(Statement("AGENT", tuple(Target(a) for a in agents)))
    if draw(st.booleans()):
        mode = draw(st.sampled_from(["none", "filtered", "passthrough"]))
        items.append(PluginUse("tools", fields(mode=mode, allow_tools=("look",))))
    return items


@st.composite
def _routes(draw: st.DrawFn, references: list[Reference], largest: int) -> list[Block]:
    blocks = []
    with_tiers = draw(st.booleans())
    for name in draw(st.lists(NAMES, max_size=largest, unique=True)):
        body = draw(_body())
        if draw(st.booleans()):
            body.append(Statement("PRIORITY", draw(st.sampled_from([0, 10, 20]))))
        if with_tiers and draw(st.booleans()):
            body.append(Statement("TIER", draw(st.sampled_from([1, 2]))))
        if draw(st.integers(0, 5)):
            body.append(Statement("WHEN", draw(conditions(references))))
        blocks.append(Block("ROUTE", name=name, body=tuple(body)))
    return blocks


@st.composite
def _trees(draw: st.DrawFn, references: list[Reference], largest: int) -> list[Block]:
    names = draw(st.lists(NAMES, min_size=1, max_size=largest, unique=True))
    branches = []
    for name in names:
        when = None if name == names[-1] else draw(conditions(references))
        body: list[Item] = draw(_body())
        if draw(st.integers(0, 3)):
            body.append(Statement("NAME", name))
        branches.append(Branch(when, tuple(body)))
    return [Block("DECISION_TREE", name="tree", branches=tuple(branches))]


def random_readings(program: Program, rng: random.Random) -> dict[str, Reading]:
    """Return readings of the signals that a program declares."""
    return {
        f"{block.type}:{block.name}": Reading(rng.random() < 0.5, rng.choice(SHARES), 0.5)
        for block in program.blocks
        if block.kind == "SIGNAL"
    }


def desk_policy(**changes: Any) -> Policy:
    """Return the policy of `DESK`, with other values for its fields."""
    policy, findings = read_policy(DESK)
    assert findings == []
    return replace(policy, **changes)


DESK = """\
SIGNAL keyword secret { operator: "OR"  keywords: ["local only", "keep inside", "do not share", "internal"] }
SIGNAL authz staff { role: "staff"  subjects: [{ kind: "group", name: "data-team" }] }
SIGNAL embedding code { threshold: 0.75  candidates: ["Why does this loop not end?"] }
SIGNAL embedding law { threshold: 0.7  candidates: ["May my landlord do that?"] }
SIGNAL jailbreak attack { threshold: 0.8 }
SIGNAL time office { days: ["mon", "tue"]  from: "09:00"  to: "17:00"  zone: "Europe/Berlin" }

SIGNAL_GROUP topics { members: ["code", "law"]  default: "law" }
PROJECTION score risk {
  method: "weighted_sum"
  inputs: [{ type: "jailbreak", name: "attack", weight: 1.0, value_source: "score" }]
}
PROJECTION mapping risks {
  source: "risk"
  method: "threshold_bands"
  outputs: [{ name: "low", lt: 0.4 }, { name: "high", gte: 0.4 }]
}

ROUTE block {
  PRIORITY 300
  TIER 1
  WHEN jailbreak("attack")
  MODEL "local/qwen"
  AGENT NONE
  PLUGIN tools { mode: "none" }
}
ROUTE private {
  PRIORITY 200
  TIER 1
  WHEN (keyword("secret") OR projection("high")) AND NOT authz("staff")
  MODEL "local/qwen" (reasoning = false)
  AGENT "tasks"
  PLUGIN tools { mode: "filtered"  allow_tools: ["read_file"]  block_tools: ["send_mail"] }
}
ROUTE code (description = "Programs.") { TIER 2  WHEN embedding("code")  MODEL "openai/large", "local/qwen" }
ROUTE rest { TIER 3  MODEL "openai/small", "local/qwen" }

MODEL local/qwen { context_window_size: 32768 }
MODEL openai/large { provider_profile: "openai_main"  model: "large-2" }
BACKEND vllm_endpoint local { address: "10.1.2.3"  port: 8001  type: "vllm"  weight: 2 }
BACKEND vllm_endpoint inside { address: "qwen.models.svc.cluster.local"  port: 8001  models: ["local/qwen"] }
BACKEND provider_profile openai_main {
  type: "openai"
  base_url: "https://api.openai.com/v1"
  api_key_env: "OPENAI_API_KEY"
}
AGENT tasks { }
AGENT data { grants: ["data.read"]  WHEN NOT projection("high") }
GRANT data.read { WHEN authz("staff") AND time("office") }
GLOBAL { default_model: "local/qwen"  strategy: "priority" }
"""
