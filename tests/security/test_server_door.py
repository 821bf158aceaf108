"""Who gets into the server, and with what: keys, names of hosts, kinds and sizes of bodies, and what may be reached."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from agents.errors import SettingsError
from app.server.__main__ import main
from app.server.door import LARGEST_BODY, hosts_of
from app.server.keys import Keys, make_key
from tests.support.agents import fake_agent, model_at
from tests.support.api import Api, keyring, serving
from tests.support.provider import FakeProvider, ok

HELLO = {"messages": [{"role": "user", "content": "write a poem"}]}


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    with FakeProvider(ok("A poem.")) as provider:
        yield provider


@pytest.fixture(scope="module")
def served(provider: FakeProvider) -> Iterator[tuple[Api, list[str]]]:
    keys, texts = keyring(
        {"user": "ann", "grants": ["pay"], "budget_usd": 1.0},
        {"user": "bob", "models": ["m*"], "agents": ["al*"], "preference": "cost"},
        {"user": "poor", "budget_usd": 0.0},
        {"user": "root", "debug": True},
    )
    agents = (
        fake_agent("alpha"),
        fake_agent("beta"),
        fake_agent("gamma", grants=frozenset({"pay"})),
    )
    models = [
        model_at(provider.base_url),
        model_at(provider.base_url, "n", quality={"writing": 0.9}),
    ]
    with serving(*agents, models=models, keys=keys) as api:
        yield api, texts


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


PATHS = [
    ("POST", "/v1/chat/completions", HELLO),
    ("POST", "/v1/route", HELLO),
    ("POST", "/v1/feedback", {"id": "x", "score": 1}),
    ("GET", "/v1/models", None),
    ("GET", "/v1/models/auto", None),
    ("GET", "/metrics", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PATHS)
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer sk-moma-wrong"},
        {"authorization": "Basic KEY"},
        {"authorization": "KEY"},
        {"authorization": "Bearer HASH"},
        {"x-api-key": "KEY"},
    ],
)
def test_nothing_is_served_without_a_key(
    served: tuple[Api, list[str]], method: str, path: str, body: Any, given: dict[str, str]
) -> None:
    api, (key, *_) = served
    hashed = hashlib.sha256(key.encode()).hexdigest()
    headers = {k: v.replace("KEY", key).replace("HASH", hashed) for k, v in given.items()}
    response = api.http(**headers).request(method, path, json=body)
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "invalid_api_key"
    assert response.headers["www-authenticate"] == "Bearer"
    assert key not in response.text


def test_life_and_readiness_need_no_key(served: tuple[Api, list[str]]) -> None:
    api, _ = served
    assert api.http().get("/health").json() == {"status": "ok"}
    assert api.http().get("/ready").status_code == 200


def test_a_key_has_its_grants_models_agents_and_money(served: tuple[Api, list[str]]) -> None:
    api, (ann, bob, poor, _) = served

    def models_of(key: str) -> list[str]:
        found = api.http(**bearer(key)).get("/v1/models").json()["data"]
        return [entry["id"] for entry in found if not entry["id"].startswith("auto")]

    assert models_of(ann) == ["agent:alpha", "agent:beta", "agent:gamma", "m", "n"]
    assert models_of(bob) == ["agent:alpha", "m"]
    assert api.say("gamma", headers=bearer(ann)) == "gamma did it."
    assert api.chat("gamma", headers=bearer(bob)).json()["model"] == "m"
    assert api.chat("beta", headers=bearer(bob)).json()["model"] == "m"
    for name in ("n", "agent:beta", "agent:gamma"):
        refused = api.chat("hello", headers=bearer(bob), model=name)
        assert refused.status_code == 403, name
        assert refused.json()["error"]["type"] == "permission_error"
    refused = api.chat("hello", headers=bearer(poor), model="agent:gamma")
    assert "the caller lacks the grant pay" in refused.json()["error"]["message"]
    spent = api.chat("write a poem", headers=bearer(poor))
    assert (spent.status_code, spent.json()["error"]["type"]) == (429, "insufficient_quota")


@pytest.mark.parametrize(
    "widened",
    [
        {"allowed_models": ["*"]},
        {"allowed_models": ["n"], "allowed_agents": ["beta"]},
        {"max_cost_usd": 100.0},
        {"metadata": {"session_id": "x", "user": "ann", "grants": "pay"}, "user": "ann"},
    ],
)
def test_a_request_never_widens_what_its_key_has(
    served: tuple[Api, list[str]], widened: dict[str, Any]
) -> None:
    api, (_, bob, poor, _) = served
    told = api.chat("beta gamma", headers=bearer(bob), **widened)
    assert told.status_code in (200, 403)
    assert told.status_code == 403 or told.json()["model"] == "m"
    assert api.chat("write a poem", headers=bearer(poor), **widened).status_code in (403, 429)


def test_records_are_told_to_whom_the_key_lets(served: tuple[Api, list[str]]) -> None:
    api, (ann, _, _, root) = served
    debug = {"x-moma-debug": "true"}
    assert "record" not in api.chat("alpha", headers={**bearer(ann), **debug}).json()["moma"]
    assert "record" in api.chat("alpha", headers={**bearer(root), **debug}).json()["moma"]


def test_feedback_is_taken_from_who_made_the_turn(served: tuple[Api, list[str]]) -> None:
    api, (ann, bob, *_) = served
    done = api.chat("alpha", headers=bearer(ann)).json()
    given = {"id": done["id"], "score": 0.5, "comment": "so so"}
    assert api.http(**bearer(bob)).post("/v1/feedback", json=given).status_code == 404
    told = api.http(**bearer(ann)).post("/v1/feedback", json=given)
    assert told.json()["score"] == 0.5


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "[::2]", "0.0.0.0"],
)
def test_a_foreign_host_is_refused(served: tuple[Api, list[str]], host: str) -> None:
    api, (ann, *_) = served
    for path in ("/health", "/v1/models", "/openapi.json"):
        assert api.http(**bearer(ann), host=host or "x").get(path).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:80", "[::1]:8000"])
def test_names_of_this_machine_are_its_own(served: tuple[Api, list[str]], host: str) -> None:
    api, _ = served
    assert api.http(host=host).get("/health").status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "multipart/form-data"]
)
def test_what_a_page_may_send_unasked_is_not_read(served: tuple[Api, list[str]], kind: str) -> None:
    api, (ann, *_) = served
    response = api.http(**bearer(ann)).post(
        "/v1/chat/completions", content=b"{}", headers={"content-type": kind}
    )
    assert response.status_code == 415


def test_no_other_origin_is_let_in(served: tuple[Api, list[str]]) -> None:
    api, _ = served
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    response = api.http(**{k.replace("-", "_"): v for k, v in asked.items()}).options(
        "/v1/chat/completions"
    )
    assert response.status_code == 405
    assert not [h for h in response.headers if h.startswith("access-control")]


def test_a_body_is_bounded_whether_or_not_it_says_its_length(
    served: tuple[Api, list[str]],
) -> None:
    api, (ann, *_) = served
    large = b" " * (LARGEST_BODY + 1)
    client = api.http(**bearer(ann), content_type="application/json")
    assert client.post("/v1/chat/completions", content=large).status_code == 413
    pieces = (large[n : n + 2**20] for n in range(0, len(large), 2**20))
    response = client.post("/v1/chat/completions", content=pieces)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "body_too_large"


def test_headers_are_one_plain_line_each(provider: FakeProvider) -> None:
    # An id may be in any script; a header of any client holds ASCII.
    with serving(fake_agent("агент")) as api:
        response = api.chat("агент")
        assert response.headers["x-moma-agent"].isascii()
        assert unquote(response.headers["x-moma-agent"]) == "агент"
        assert response.json()["model"] == "agent:агент"


# keys and their file


def test_a_key_is_kept_as_its_hash_alone(tmp_path: Path) -> None:
    key, entry = make_key(user="ann", grants=["pay"], budget_usd=0.5)
    assert key not in entry
    path = tmp_path / "keys.yaml"
    path.write_text(entry + make_key(user="bob")[1], encoding="utf-8")
    keys = Keys.from_file(path)
    found = keys.find(key)
    assert found is not None
    assert (found.user, found.grants, found.budget_usd) == ("ann", ("pay",), 0.5)
    assert keys.find(key[:-1]) is None
    assert keys.find("") is None
    assert keys.find("\udcff") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "holds no key"),
        ("[]", "holds no key"),
        ("- {user: ann}", "sha256"),
        ("- {sha256: abc, user: ann}", "sha256"),
        ("- {sha256: HASH, user: ''}", "user"),
        ("- {sha256: HASH, user: a/b}", "user"),
        ("- {sha256: HASH, user: ann, budget_usd: -1}", "budget_usd"),
        ("- {sha256: HASH, user: ann, budget_usd: .nan}", "budget_usd"),
        ("- {sha256: HASH, user: ann, grant: [pay]}", "unknown key"),
        ("- {sha256: HASH, user: ann, grants: pay}", "grants"),
        ("- {sha256: HASH, user: ann, preference: dear}", "preference"),
        ("- {sha256: HASH, user: ann}\n- {sha256: HASH, user: bob}", "given twice"),
        ("{", "keys.yaml:2"),
    ],
)
def test_a_broken_file_of_keys_is_told_on_one_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(text.replace("HASH", "ab" * 32), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^MOMA_API_KEYS") as caught:
        Keys.from_file(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_without_keys_it_listens_on_loopback_alone(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--host", host]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert "MOMA_API_KEYS" in error


def test_a_host_that_is_not_found_is_told_with_the_resolvers_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "keys.yaml"
    path.write_text(make_key(user="ann")[1], encoding="utf-8")
    monkeypatch.setenv("MOMA_API_KEYS", str(path))
    assert main(["--host", "nowhere.invalid", "--port", "8123"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("moma: cannot listen on nowhere.invalid:8123 (")
    assert "Unknown error" not in error
    assert error.count("\n") == 1


def test_a_taken_port_is_told_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6_has_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket(socket.AF_INET6) as taken:
        taken.bind(("::1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--host", "::1", "--port", str(port)]) == 2
    assert f"cannot listen on [::1]:{port} (" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--port", "0"], ["--port", "x"], ["--frob"], ["key"]])
def test_bad_usage_is_status_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--user", "ann", "--budget-usd", "-1"], "budget_usd: given -1.0, expected"),
        (["--user", "ann", "--budget-usd", "nan"], "budget_usd: given nan, expected"),
        (["--user", "ann", "--preference", "zz"], "preference: the preference 'zz' is not"),
        (["--user", ""], "user: given '', expected"),
        (["--user", "a/b:c"], "user: given 'a/b:c', expected"),
    ],
)
def test_the_command_makes_no_key_that_the_server_would_not_take(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["key", *arguments]) == 2
    out, error = capsys.readouterr()
    assert out == ""
    assert error.count("\n") == 1
    assert expected in error


def test_the_command_makes_a_key_that_its_entry_knows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    arguments = ["key", "--user", "ann", "--grants", "pay, read", "--budget-usd", "0.1"]
    assert main([*arguments, "--forwards-users", "--models", "gpt-*"]) == 0
    out = capsys.readouterr().out
    key = next(line.strip() for line in out.splitlines() if line.startswith("  sk-moma-"))
    path = tmp_path / "keys.yaml"
    path.write_text(out.partition("names:\n\n")[2], encoding="utf-8")
    found = Keys.from_file(path).find(key)
    assert found is not None
    assert (found.grants, found.models, found.forwards_users) == (("pay", "read"), ("gpt-*",), True)


@pytest.mark.parametrize(
    ("named", "loopback", "known", "unknown"),
    [
        ((), True, "localhost", "chat.example.org"),
        (("chat.example.org",), False, "127.0.0.1", "evil.example"),
        (("chat.example.org",), False, "chat.example.org", "evil.example"),
    ],
)
def test_names_of_a_server_are_those_it_is_given_and_loopbacks(
    named: tuple[str, ...], known: str, unknown: str, *, loopback: bool
) -> None:
    hosts = hosts_of(named, loopback=loopback)
    assert hosts is not None
    assert known in hosts
    assert unknown not in hosts


def test_a_server_that_is_given_no_name_answers_elsewhere_to_any() -> None:
    assert hosts_of((), loopback=False) is None
