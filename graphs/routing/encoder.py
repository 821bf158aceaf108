"""Turns texts into unit vectors: the contract, the choice of an encoder by its setting, and a cache.

It knows nothing of agents, models, indexes or conversations. Of a text every encoder reads the first 4,096 characters,
and of those as many tokens as its model takes, so the time for one text is bounded. A lone surrogate is read as
U+FFFD. An empty text has a vector as any other.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from agents.errors import RoutingError, SettingsError
from graphs.routing.encoders.endpoint import OPENAI_URL, OpenAIEncoder
from graphs.routing.encoders.minilm import OnnxEncoder
from graphs.routing.encoders.rows import Vectors, readable
from graphs.routing.encoders.sentence_transformer import SentenceTransformerEncoder

__all__ = ["CachedEncoder", "Encoder", "encode_checked", "make_encoder"]

_NOT_QUITE_1 = 0.01
"""By how much the square of a length may miss 1; int8 weights and half precision stay far below."""
_OPENAI_SPEC = re.compile(r"(?P<model>[^@\s]+)(?:@(?P<url>https?://[^\s/?#]+[^\s?#]*))?")


class Encoder(Protocol):
    """Whatever turns texts into vectors; `encode` may be called from several threads at once."""

    @property
    def name(self) -> str:
        """The identity of the vectors: two encoders with the same name give the same ones."""

    @property
    def dim(self) -> int:
        """The length of each vector."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one finite row of length 1 for each text, in order."""


def make_encoder(spec: str = "onnx") -> Encoder:
    """Build the encoder that a setting names.

    Args:
        spec: `onnx`, `sentence-transformers:NAME_OR_PATH`, `openai:MODEL` or `openai:MODEL@BASE_URL`.

    Raises:
        SettingsError: the setting has another form, or its extra or key is missing.
        ModelFileError: the model's files are missing or damaged.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind == "onnx" and not rest:
        return OnnxEncoder.load()
    if kind == "sentence-transformers" and rest:
        return SentenceTransformerEncoder.load(rest)
    if kind == "openai" and (match := _OPENAI_SPEC.fullmatch(rest)):
        return OpenAIEncoder.connect(match["model"], base_url=match["url"] or OPENAI_URL)
    shown = spec[:100].partition("@")[0]  # an address may hold a password
    raise SettingsError(
        f"the encoder {shown!r} is none of 'onnx', 'sentence-transformers:NAME_OR_PATH' and "
        "'openai:MODEL' (or 'openai:MODEL@BASE_URL', an http:// or https:// address without a query)"
    )


def encode_checked(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    """Return the encoder's rows for `texts`, (n, d), whoever wrote it: what is none of a vector ends here.

    Raises:
        RoutingError: there are not as many rows, they have another length, or one is not of length 1.
    """
    rows = np.asarray(encoder.encode(texts))
    if rows.shape != (len(texts), encoder.dim):
        raise RoutingError(
            f"the encoder {encoder.name} gave vectors of shape {rows.shape}, "
            f"expected ({len(texts)}, {encoder.dim})"
        )
    squares = np.einsum("nd,nd->n", rows, rows, dtype=np.float64)
    if not (np.abs(squares - 1) <= _NOT_QUITE_1).all():  # false for NaN too
        raise RoutingError(f"the encoder {encoder.name} gave a vector that is not of length 1")
    return rows


class CachedEncoder:
    """An encoder that remembers the vectors of the texts used last."""

    def __init__(self, encoder: Encoder, *, entries: int = 1024) -> None:
        self.behind = encoder
        """What encodes texts that are not remembered."""
        self._entries = entries
        self._rows: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The name of the encoder behind."""
        return self.behind.name

    @property
    def dim(self) -> int:
        """The length of each vector."""
        return self.behind.dim

    def __contains__(self, text: str) -> bool:
        return readable(text) in self._rows

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text; only texts that are not remembered reach the encoder, each once."""
        if not texts:
            return np.empty((0, self.dim), np.float32)
        keys = [readable(text) for text in texts]  # bounds what an entry can weigh
        with self._lock:
            known = {key: self._rows[key] for key in keys if key in self._rows}
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        if missing:
            rows = encode_checked(self.behind, missing)
            known.update(zip(missing, map(np.copy, rows), strict=True))
        with self._lock:
            self._rows.update(known)
            for key in keys:
                if key in self._rows:
                    self._rows.move_to_end(key)
            while len(self._rows) > self._entries:
                self._rows.popitem(last=False)
        return np.stack([known[key] for key in keys])
