"""Turns texts into unit vectors: the contract, and the choice of an encoder by its setting.

It knows nothing of agents, models, indexes or conversations. Of a text every encoder reads the first 4,096 characters,
and of those as many tokens as its model takes, so the time for one text is bounded. A lone surrogate is read as
U+FFFD. An empty text has a vector as any other.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from agents.errors import SettingsError
from graphs.routing.cached_encoder import CachedEncoder, encode_checked
from graphs.routing.encoders.endpoint import OPENAI_URL, OpenAIEncoder
from graphs.routing.encoders.minilm import OnnxEncoder
from graphs.routing.encoders.rows import Vectors
from graphs.routing.encoders.sentence_transformer import SentenceTransformerEncoder

__all__ = ["CachedEncoder", "Encoder", "encode_checked", "make_encoder"]

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
