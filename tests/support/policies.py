"""Random policies and readings for property tests, and one policy as people write them.

Programs are syntax trees, so that an interpreter of the tree and the lowered policy can be compared.
"""

from typing import Any

from hypothesis import strategies as st

from graphs.policy.policy import (
    Band, Bands, Candidate, Declared, Group, Plugin, Policy, Rule, Score, Signal, Term,
)  # fmt: skip
from graphs.policy.request import Reading
from graphs.policy.syntax import (
    And, Block, BlockKind, Branch, Condition, Field, Fields, Item, Not, Or, PluginUse, Program, Reference, Statement,
    Target, Value,
)  # fmt: skip

SHARES = st.sampled_from([0.0, 0.2, 0.35, 0.5, 0.5, 0.75, 0.9, 1.0])
"""Few values, so that ties and ends of bands are met."""
PLAIN = st.sampled_from(["alpha", "beta", "gamma", "delta", "Eins", "zwei-2", "a_b", "x.y"])
ODD = st.sampled_from(["with space", 'quo"te', "[x]", "a|b", "a:b", "ß✓", "end", "#1", "__start__", "signals", "%%", "none_",
                       "- list", "`tick`", "<b>", "*", "~", "&amp;", "{{x}}", "new\nline", "\t", "\u202e", "%41"])  # fmt: skip
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
            | st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=2, max_size=3))
            | st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=2, max_size=3))
        ),
        max_leaves=leaves,
    )


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
    settings = fields(**({"default_model": "m0"} | ({"strategy": strategy} if strategy else {})))
    order = draw(st.permutations([*blocks, Block("GLOBAL", fields=settings)]))
    return Program(tuple(order))


@st.composite
def _groups(draw: st.DrawFn, names: list[str]) -> list[Block]:
    if len(names) < 2 or draw(st.booleans()):
        return []
    members = tuple(draw(st.permutations(names)))
    values: dict[str, Value] = {"members": members, "default": draw(st.sampled_from(members))}
    if draw(st.booleans()):
        values |= {"semantics": "softmax_exclusive", "temperature": draw(st.sampled_from([0.1, 1.0]))}  # fmt: skip
    if draw(st.booleans()):
        return [Block("SIGNAL_GROUP", name="group", fields=fields(**values))]
    return [Block("PROJECTION", name="group", type="partition", fields=fields(**values))]


@st.composite
def _projections(draw: st.DrawFn, references: list[Reference]) -> tuple[list[Block], list[Reference]]:
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
        inputs = {"method": "weighted_sum", "inputs": tuple(terms)}
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
    if (agents := draw(st.none() | st.lists(st.sampled_from(["a0", "a1"]), max_size=2, unique=True))) is not None:  # fmt: skip
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


@st.composite
def base_readings(draw: st.DrawFn, program: Program, *, faults: bool = False) -> dict[str, Reading]:
    """Return readings of the signals that a program declares."""
    found = {}
    for block in program.blocks:
        if block.kind == "SIGNAL":
            fires, score = draw(st.booleans()), draw(SHARES)
            fault = "cannot be read" if faults and not draw(st.integers(0, 4)) else ""
            found[f"{block.type}:{block.name}"] = Reading(fires and not fault, score, 0.5, fault=fault)  # fmt: skip
    return found


def block(kind: BlockKind, name: str = "", type_: str = "", **values: Value) -> Block:
    """Return a block with fields."""
    return Block(kind, name=name, type=type_, fields=fields(**values))


def desk_policy(**changes: Any) -> Policy:
    """Return a policy with some of everything: tiers, a group, bands, agents, grants, backends, tools."""
    signals = [
        Signal(type="keyword", name="secret", fields={"operator": "OR", "keywords": ["local only", "keep inside", "do not share", "internal"]}),
        Signal(type="authz", name="staff", fields={"role": "staff", "subjects": [{"kind": "group", "name": "data-team"}]}),
        Signal(type="embedding", name="code", fields={"threshold": 0.75, "candidates": ["Why does this loop not end?"]}),
        Signal(type="embedding", name="law", fields={"threshold": 0.7, "candidates": ["May my landlord do that?"]}),
        Signal(type="jailbreak", name="attack", fields={"threshold": 0.8}),
        Signal(type="time", name="office", fields={"days": ["mon", "tue"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}),
    ]  # fmt: skip
    secret, staff = Reference("keyword", "secret"), Reference("authz", "staff")
    high = Reference("projection", "high")
    rules = (
        Rule(name="block", tier=1, priority=300, when=Reference("jailbreak", "attack"), models=(Candidate(name="local/qwen"),), agents=(), plugins=(Plugin(type="tools", fields={"mode": "none"}),)),
        Rule(name="private", tier=1, priority=200, when=And((Or((secret, high)), Not(staff))), models=(Candidate(name="local/qwen", options={"reasoning": False}),), agents=(Candidate(name="tasks"),), plugins=(Plugin(type="tools", fields={"mode": "filtered", "allow_tools": ["read_file"], "block_tools": ["send_mail"]}),)),
        Rule(name="code", tier=2, when=Reference("embedding", "code"), models=(Candidate(name="openai/large"), Candidate(name="local/qwen")), description="Programs."),
        Rule(name="rest", tier=3, models=(Candidate(name="openai/small"), Candidate(name="local/qwen"))),
    )  # fmt: skip
    values: dict[str, Any] = {
        "signals": {s.key: s for s in signals},
        "groups": (
            Group(
                name="topics", members=("embedding:code", "embedding:law"), default="embedding:law"
            ),
        ),
        "scores": {
            "risk": Score(
                name="risk", terms=(Term(signal="jailbreak:attack", weight=1.0, source="score"),)
            )
        },
        "mappings": (
            Bands(
                name="risks", source="risk", bands=(Band(name="low", lt=0.4), Band(name="high", gte=0.4))
            ),
        ),
        "rules": rules,
        "models": {
            "local/qwen": Declared(name="local/qwen", fields={"context_window_size": 32768}),
            "openai/large": Declared(
                name="openai/large", fields={"provider_profile": "openai_main", "model": "large-2"}
            ),
        },
        "backends": {
            "local": Declared(
                name="local", type="vllm_endpoint", fields={"address": "10.1.2.3", "port": 8001, "type": "vllm", "weight": 2}
            ),
            "inside": Declared(
                name="inside", type="vllm_endpoint", fields={"address": "qwen.models.svc.cluster.local", "port": 8001, "models": ["local/qwen"]}
            ),
            "openai_main": Declared(
                name="openai_main", type="provider_profile",
                fields={"type": "openai", "base_url": "https://api.openai.com/v1", "api_key_env": "OPENAI_API_KEY"},
            ),
        },
        "agents": {
            "tasks": Declared(name="tasks", fields={}),
            "data": Declared(name="data", fields={"grants": ["data.read"]}, when=Not(high)),
        },
        "grants": {"data.read": Declared(name="data.read", when=And((staff, Reference("time", "office"))))},
        "settings": {"default_model": "local/qwen", "strategy": "priority"},
    }  # fmt: skip
    return Policy(**(values | changes))
