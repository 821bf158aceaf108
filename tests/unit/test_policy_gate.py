"""The gate: tools and agents by the rule that holds, shut where anything cannot be known; before real MCP calls too."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from mcp import Client
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from agents.errors import DeniedError, InputError
from graphs.policy.gate import Asking, Gate, Ruling
from graphs.policy.gate_adapters import gated_call, gated_send, gated_tool
from graphs.policy.gate_text import LARGEST, flat_text
from graphs.policy.policy import Policy
from graphs.policy.projections import Projections
from graphs.policy.read import read_policy
from graphs.policy.request import Reading, Readings, Request

SOURCE = """
SIGNAL keyword secret { operator: "OR"  keywords: ["secret"] }
SIGNAL keyword wipe { operator: "OR"  keywords: ["wipe"] }
SIGNAL authz staff { subjects: [{ kind: "group", name: "staff" }] }
ROUTE nothing { PRIORITY 300  WHEN keyword("wipe")  MODEL "m"  PLUGIN tools { mode: "none" } }
ROUTE inside {
  PRIORITY 200
  WHEN keyword("secret")
  MODEL "m"
  AGENT "tasks"
  PLUGIN tools { mode: "filtered"  allow_tools: ["read", "note"]  block_tools: ["note"] }
}
ROUTE rest { MODEL "m" }
AGENT data { grants: ["data.read"] }
AGENT mail { grants: ["mail.send"]  WHEN authz("staff") }
GRANT data.read { WHEN authz("staff") }
GLOBAL { default_model: "m" }
"""
STAFF = Asking(user="ann", grants=("group:staff", "mail.send"))


class Words:
    """Reads keyword signals by their keywords and authz signals by their subjects; what is in `broken` is a fault."""

    def __init__(self, policy: Policy, broken: Mapping[str, str] | None = None) -> None:
        self.policy, self.broken = policy, broken or {}
        self.seen: list[Request] = []

    def read(self, request: Request) -> Readings:
        """Return the readings."""
        self.seen.append(request)
        found = {}
        for key, signal in self.policy.signals.items():
            if key in self.broken:
                found[key] = Reading(False, 0.0, fault=self.broken[key])
            elif signal.type == "keyword":
                fires = any(word in request.text for word in signal.fields["keywords"])
                found[key] = Reading(fires, float(fires), 0.5)
            else:
                subjects = {f"{s['kind']}:{s['name']}" for s in signal.fields["subjects"]}
                found[key] = Reading(bool(subjects & request.grants), 1.0)
        return Projections(self.policy).complete(found)


def gate(source: str = SOURCE, **broken: str) -> Gate:
    policy, findings = read_policy(source)
    assert findings == []
    return Gate(policy, Words(policy, {k.replace("__", ":"): why for k, why in broken.items()}))


def tools(fields: str) -> str:
    return f'ROUTE a {{ MODEL "m"  PLUGIN tools {{ {fields} }} }}'


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ('mode: "none"', ""),
        ('mode: "none"  enabled: false', "read send"),
        ('mode: "passthrough"', "read send"),
        ('mode: "passthrough"  block_tools: ["send"]', "read"),
        ('mode: "filtered"  allow_tools: ["read"]', "read"),
        ('mode: "filtered"  block_tools: ["send"]', "read"),
        ('mode: "filtered"  allow_tools: ["read", "send"]  block_tools: ["send"]', "read"),
        ('mode: "filtered"', ""),
        ('allow_tools: ["read"]', "read"),
        ("enabled: true", "read send"),
        ('mode: "some"', ""),
    ],
)
def test_the_rules_plugin_decides_on_tools(fields: str, allowed: str) -> None:
    ruled = gate(tools(fields))
    assert [n for n in ("read", "send") if ruled.tool_call(n, {}).allowed] == allowed.split()


@pytest.mark.parametrize(
    ("agents", "allowed"),
    [("", False), ("AGENT NONE", False), ('AGENT "tasks"', True)],
)
def test_a_rule_under_which_nothing_serves_lets_no_tool_be_called(
    agents: str, allowed: bool
) -> None:
    answers = f'ROUTE no {{ {agents}  PLUGIN fast_response {{ message: "Not here." }} }}'
    assert gate(answers).tool_call("send", {}).allowed is allowed


def test_several_plugins_must_all_let_it() -> None:
    source = 'ROUTE a { MODEL "m"  PLUGIN tools { block_tools: ["x"] }  PLUGIN tools { allow_tools: ["x", "y"] } }'
    assert [n for n in "xyz" if gate(source).tool_call(n, {}).allowed] == ["y"]


def test_the_text_of_the_arguments_chooses_the_rule() -> None:
    calls = {
        "send": {"body": ["hello", {"deep": "a secret thing"}]},
        "read": {"secret": 1},
        "other": {"body": "hello"},
    }
    rulings = {name: gate().tool_call(name, arguments) for name, arguments in calls.items()}
    assert [(r.rule, r.allowed) for r in rulings.values()] == [
        ("inside", False),
        ("inside", True),
        ("rest", True),
    ]
    assert rulings["send"].reason == "the tool send is not among those that the rule allows"
    assert rulings["read"].reason == "the rule inside allows it"


def test_a_ruling_says_on_what_it_rests_and_is_json() -> None:
    ruling = gate().tool_call("send", {"a": "secret"})
    assert ruling.hash == gate().policy.hash
    assert ruling.audit["hash"] == ruling.hash
    assert ruling.audit["audit"][0]["signal"] == "keyword:secret"
    assert json.loads(json.dumps(ruling.plain()))["rule"] == "inside"


def test_the_caller_and_the_clock_are_those_that_were_given() -> None:
    policy, _ = read_policy(SOURCE)
    reader, now = Words(policy), datetime(2026, 11, 28, tzinfo=UTC)
    Gate(policy, reader, clock=lambda: now).tool_call(
        "look",
        {"user": "root", "grants": ["group:staff"]},
        asking=Asking(user="ben", phase="engaged", metadata={"trusted": True}, previous=["hello"]),
    )
    (request,) = reader.seen
    assert (request.metadata, request.previous) == ({"trusted": True}, ("hello",))
    assert (request.user, request.grants, request.phase) == ("ben", frozenset(), "engaged")
    assert (request.now, request.tools) == (now, ("look",))


@pytest.mark.parametrize("broken", ["keyword__wipe", "keyword__secret"])
def test_a_fault_on_which_the_decision_rests_denies(broken: str) -> None:
    ruling = gate(**{broken: "its pattern is broken"}).tool_call("read", {})
    assert not ruling.allowed
    assert "could not be read: keyword:" in ruling.reason
    assert "its pattern is broken" in ruling.reason


def test_a_fault_of_a_later_rule_does_not_count() -> None:
    blind = gate(keyword__secret="broken")
    ruling = blind.tool_call("read", "wipe it")
    assert (ruling.rule, ruling.reason) == ("nothing", "the rule lets no tool be called")
    source = SOURCE.replace('mode: "none"', 'mode: "passthrough"')
    assert gate(source, keyword__secret="broken").tool_call("read", "wipe it").allowed


class Broken:
    """A reader that fails."""

    def read(self, request: Request) -> Readings:
        """Fail."""
        raise ZeroDivisionError("with a text that is the caller's: secret")


def test_whatever_breaks_shuts_the_gate_and_tells_no_text() -> None:
    ruling = Gate(read_policy(SOURCE)[0], Broken()).tool_call("read", {})
    assert (ruling.allowed, ruling.audit) == (False, {})
    assert ruling.reason == "the policy could not be asked (ZeroDivisionError)"


@pytest.mark.parametrize(
    "arguments",
    [
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": object()},
        {"a": "x" * (LARGEST + 1)},
        {"a": ["x" * 1_000] * 101},
        {"a": [0] * 20_000},
        {"a": 1 << 5_000},
    ],
)
def test_what_cannot_be_read_whole_is_denied(arguments: Any) -> None:
    assert not gate().tool_call("read", arguments).allowed


def test_deep_arguments_are_read_to_the_bottom() -> None:
    deep: Any = "secret"
    for _ in range(3_000):
        deep = [deep]
    assert gate().tool_call("read", deep).rule == "inside"
    endless: list[Any] = []
    endless.append(endless)
    assert not gate().tool_call("read", endless).allowed


def test_all_texts_and_numbers_are_read_in_their_order() -> None:
    value = {"a": ["b", 4111, {"c": "d"}, None, True], "e": 1.5}
    assert flat_text(value) == "a\nb\n4111\nc\nd\ne\n1.5"
    with pytest.raises(InputError, match="given a bytes"):
        flat_text(b"x")


def test_a_rule_names_the_agents_that_may_be_sent_to() -> None:
    assert gate().message("tasks", "a secret").allowed
    ruling = gate().message("other", "a secret")
    assert (ruling.allowed, ruling.reason) == (
        False,
        "the rule inside does not let the agent other serve",
    )
    assert not gate().message("tasks", "wipe it").allowed


@pytest.mark.parametrize(
    ("agent", "asking", "allowed"),
    [
        ("data", STAFF, True),
        ("data", Asking(grants=("data.read",)), False),
        ("mail", STAFF, True),
        ("mail", Asking(grants=("group:staff",)), False),
        ("mail", Asking(grants=("mail.send",)), False),
        ("unheard-of", Asking(), True),
    ],
)
def test_agents_and_grants_have_conditions(agent: str, asking: Asking, allowed: bool) -> None:
    assert gate().message(agent, "hello", asking=asking).allowed is allowed
    calling = Asking(user=asking.user, grants=asking.grants, agent=agent)
    assert gate().tool_call("read", {}, asking=calling).allowed is allowed


def test_a_grant_that_cannot_be_read_is_not_held() -> None:
    ruling = gate(authz__staff="no directory").message("data", "hello", asking=STAFF)
    assert not ruling.allowed
    assert "no directory" in ruling.reason


def test_where_nothing_is_said_nothing_is_allowed() -> None:
    silent = 'SIGNAL keyword a { keywords: ["a"] } ROUTE r { WHEN keyword("a")  MODEL "m" }'
    assert not gate(silent).tool_call("read", {}).allowed
    assert not gate(silent).message("tasks", "x").allowed
    default = gate(silent + ' GLOBAL { default_model: "m" }')
    assert default.tool_call("read", {}).reason == "no rule stands against it"
    assert default.message("tasks", "x").allowed


# Before real calls


def desk() -> tuple[MCPServer, list[str]]:
    """Return an MCP server with a gated tool and an open one, and what they were called with."""
    server, called = MCPServer("desk"), []
    ruled = gate()

    async def note(text: str, ctx: Context[Any, Any]) -> str:
        """Write a note."""
        called.append(text)
        return "noted"

    def read(name: str, pages: int = 1) -> str:
        """Read a file."""
        called.append(name)
        return f"{name}, {pages}"

    server.tool()(gated_tool(note, ruled, own=("ctx",), denied=ToolError))
    server.tool()(gated_tool(read, ruled, denied=ToolError))
    return server, called


async def test_a_servers_gated_tool_keeps_its_schema_and_says_why_it_does_not_run() -> None:
    server, called = desk()
    async with Client(server) as client:
        listed = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(listed["read"].input_schema["properties"]) == {"name", "pages"}
        assert set(listed["note"].input_schema["properties"]) == {"text"}
        good = await client.call_tool("read", {"name": "secret.txt"})
        bad = await client.call_tool("note", {"text": "a secret"})
        fine = await client.call_tool("note", {"text": "milk"})
    assert (good.is_error, bad.is_error, fine.is_error) == (False, True, False)
    assert "denied by the policy: the rule blocks the tool note" in str(bad.content)
    assert called == ["secret.txt", "milk"]


async def test_a_clients_gated_call_is_not_made() -> None:
    server = MCPServer("open")
    called: list[str] = []

    @server.tool()
    def send(text: str) -> str:
        """Send a text."""
        called.append(text)
        return "sent"

    told: list[Ruling] = []
    async with Client(server) as client:
        call = gated_call(client.call_tool, gate(), asking=lambda: STAFF, told=told.append)
        assert not (await call("send", {"text": "hello"})).is_error
        with pytest.raises(DeniedError, match="denied by the policy: the tool send is not among"):
            await call("send", {"text": "a secret"})
        with pytest.raises(DeniedError):
            await call(name="send", arguments={"text": "a secret"})
    assert called == ["hello"]
    assert [ruling.allowed for ruling in told] == [True, False, False]


async def test_a_gated_sending_reads_the_parts_of_a_message() -> None:
    sent: list[Any] = []

    async def execute(message: dict[str, Any], queue: list[str]) -> str:
        sent.append(message)
        return "done"

    run = gated_send(
        execute, gate(), agent="other", content=lambda message, queue: message["parts"]
    )
    message = {"id": 1, "parts": [{"text": "hello"}, {"data": {"x": "y"}}]}
    assert await run(message, queue=[]) == "done"
    with pytest.raises(DeniedError, match="does not let the agent other serve"):
        await run({"parts": [{"data": {"x": "secret"}}]}, [])
    assert sent == [message]
