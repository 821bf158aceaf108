"""An embedding endpoint that speaks OpenAI's API. It cannot know whether the model behind the name changed."""

import ipaddress
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import numpy as np

from agents.errors import RoutingError, SettingsError
from graphs.routing.encoders.rows import BATCH_TEXTS, Vectors, one_line, readable, unit_rows

if TYPE_CHECKING:
    from langchain_openai import OpenAIEmbeddings

__all__ = ["OPENAI_URL", "OpenAIEncoder"]

OPENAI_URL = "https://api.openai.com/v1"
_SECONDS = 10.0


class OpenAIEncoder:
    """An endpoint that speaks OpenAI's `/embeddings`; its name cannot tell if the model behind it changed."""

    def __init__(self, *, client: "OpenAIEmbeddings", name: str) -> None:
        self.name = name
        self._client = client
        self._dim: int | None = None

    @classmethod
    def connect(cls, model: str, *, base_url: str = OPENAI_URL) -> "OpenAIEncoder":
        """Make a client with the key in OPENAI_API_KEY; nothing is sent yet.

        Raises:
            SettingsError: the address is none or holds a password, or there is no key and it is not on loopback.
        """
        # Imported here: it takes over a second.
        from langchain_openai import OpenAIEmbeddings
        from pydantic import SecretStr

        host = _host(base_url)
        key = os.environ.get("OPENAI_API_KEY") or ("none" if _is_loopback(host) else "")
        if not key:
            raise SettingsError(
                f"the encoder 'openai:{model}' needs OPENAI_API_KEY, which is not set"
            )
        client = OpenAIEmbeddings(
            model=model,
            base_url=base_url,
            api_key=SecretStr(key),
            check_embedding_ctx_length=False,  # else it sends token ids, which only OpenAI takes
            chunk_size=BATCH_TEXTS,
            timeout=_SECONDS,
            max_retries=0,  # a router that waits is worse than one that opens to its default
        )
        return cls(client=client, name=f"openai:{model}@{base_url.rstrip('/')}")

    @property
    def dim(self) -> int:
        """The length of each vector; asks the endpoint if nothing was encoded yet."""
        if self._dim is None:
            self.encode(["dimension"])
        assert self._dim is not None
        return self._dim

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one row a text.

        Raises:
            RoutingError: the endpoint did not answer in time, or not with the vectors asked for.
        """
        import openai  # its import takes a second

        if not texts:
            return np.empty((0, self.dim), np.float32)
        try:
            # OpenAI refuses an empty text.
            answer = self._client.embed_documents([readable(text) or " " for text in texts])
            given = np.asarray(answer, np.float64)
        except (openai.OpenAIError, ValueError, TypeError, KeyError, AttributeError) as error:
            # The last four are how the client and numpy fail on an answer of another shape.
            raise RoutingError(
                f"the encoder {self.name} gave no vectors: {one_line(error)}"
            ) from error
        vectors = unit_rows(given, rows=len(texts), encoder=self.name)
        if self._dim not in (None, vectors.shape[1]):
            raise RoutingError(
                f"the encoder {self.name} gave vectors of {vectors.shape[1]} numbers, before of {self._dim}"
            )
        self._dim = vectors.shape[1]
        return vectors


def _host(base_url: str) -> str:
    try:
        parts = urlsplit(base_url)
        if "@" not in parts.netloc and parts.port != 0:
            return parts.hostname or ""
    except ValueError:
        pass  # a port or an IPv6 address that is none
    # The address itself is not repeated, since it may hold a password.
    raise SettingsError(
        "the encoder's BASE_URL is no http:// or https:// address without user and password: "
        "give one such as http://127.0.0.1:8080/v1, and the key in OPENAI_API_KEY"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
