"""What the gateway knows of a model before it calls it: name, price, window, abilities, places, assumed quality.

It knows no provider's API; `transport` does. Money is in US dollars, prices in US dollars a million tokens.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field

from graphs.masks import ModelFacts

_STRICT = ConfigDict(extra="forbid")
_Money = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
_Tokens = Annotated[int, Field(gt=0, strict=True)]

BYTES_A_TOKEN = 4
"""A rough ratio, in UTF-8, so that Chinese or emoji count for more than Latin letters; it sizes windows and
reservations, and what is paid comes from the provider's count."""
TOKENS_A_MESSAGE, TOKENS_AN_IMAGE = 4, 1_000
_LETTERS_A_TOKEN = {"wav": 640, "": 64}
"""Of a recording in base64, by its format: providers count up to 32 tokens a second, which is 21,000 letters of plain
sound at 8 kHz, and 2,000 of the most compressed speech."""


def _http(address: str) -> str:
    if address and not address.startswith(("http://", "https://")):
        raise ValueError("an address that begins with http:// or https://")
    return address


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs, in USD a million tokens."""

    __pydantic_config__ = _STRICT

    input: _Money
    output: _Money

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Return the price of a call in USD."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
"""How hard a model is asked to think before it answers, in the words of OpenAI's `reasoning_effort`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortFacts:
    """What is different of a model at one effort."""

    __pydantic_config__ = _STRICT

    quality: dict[str, _Share] = field(default_factory=dict)
    """By kind of task, where it is another than the model's own."""
    thinking_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    """How many tokens it is expected to think, which are paid as output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A language model of the catalogue."""

    __pydantic_config__ = _STRICT

    id: str
    litellm: str
    """LiteLLM's name for it; `local/NAME` is served by this process's own llama.cpp."""
    key: str = ""
    """The environment variable with its key; empty if it needs none."""
    base_url: Annotated[str, AfterValidator(_http)] = ""
    """Its address; empty where its provider has one of its own."""
    base_url_env: str = ""
    """The environment variable with its address; without it the model is masked."""
    price: Price | None = None
    """None: not known, which is never taken for zero."""
    context_tokens: _Tokens
    max_output_tokens: _Tokens = 4096
    modalities: frozenset[str] = frozenset({"text"})
    abilities: frozenset[str] = frozenset()
    residency: frozenset[str] = frozenset()
    """Where it runs: `local`, `eu`, `us`, `cn`, ..."""
    quality: dict[str, _Share] = field(default_factory=dict)
    """Assumed quality by kind of task, until a profile is measured."""
    path: str = ""
    """For `local/NAME`: a GGUF file; empty takes the one that is installed."""
    efforts: dict[Effort, EffortFacts] = field(default_factory=dict)
    """Each is a candidate of its own, `ID-EFFORT`, in the place of the model."""
    effort: Effort | None = None
    """What it is asked for, unless the request asks for another; None leaves it to the provider."""
    thinking_tokens: Annotated[int, Field(ge=0, strict=True)] = 0
    """How many tokens it is expected to think before an answer, which are paid as output."""

    def candidates(self) -> "tuple[Model, ...]":
        """Return the model by its efforts, each as a model; without efforts itself."""
        if not self.efforts:
            return (self,)
        return tuple(
            replace(
                self,
                id=f"{self.id}-{effort}",
                effort=effort,
                efforts={},
                quality=self.quality | facts.quality,
                thinking_tokens=facts.thinking_tokens,
            )
            for effort, facts in self.efforts.items()
        )

    @property
    def local(self) -> bool:
        """Whether this process serves it itself."""
        return self.litellm.startswith("local/")

    @property
    def provider(self) -> str:
        """Who serves it: models with the same text here share a door, and stand or fall together."""
        if self.local:
            return self.litellm
        at = self.base_url or self.base_url_env
        return f"{self.litellm.partition('/')[0]}@{at}" if at else self.litellm.partition("/")[0]

    @property
    def mean_quality(self) -> float:
        """The assumed quality over all kinds, 0.5 if none is stated."""
        return sum(self.quality.values()) / len(self.quality) if self.quality else 0.5

    def facts(
        self,
        *,
        input_tokens: int,
        breaker_open: bool = False,
        held_s: float = 0.0,
        missing_file: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> ModelFacts:
        """Return what masks need to know of the model for a turn of `input_tokens`."""
        env = os.environ if environment is None else environment
        needed = [name for name in (self.key, self.base_url_env) if name]
        missing = next((name for name in needed if not env.get(name)), None)
        return ModelFacts(
            id=self.id,
            context_tokens=self.context_tokens,
            modalities=self.modalities,
            residency=self.residency,
            abilities=self.abilities,
            missing_key=missing,
            missing_file=missing_file,
            cheapest_call_usd=None if self.price is None else self.price.of(input_tokens, 1),
            breaker_open=breaker_open,
            held_s=held_s,
        )


def count_tokens(texts: Iterable[str]) -> int:
    """Return roughly how many tokens a chat of `texts` has."""
    return sum(_tokens(text) + TOKENS_A_MESSAGE for text in texts)


def count_message(message: Mapping[str, Any]) -> int:
    """Return roughly how many tokens a message in OpenAI's form has, with its images, recordings and tool calls."""
    content = message.get("content") or ""
    parts = [{"text": content}] if isinstance(content, str) else content
    tokens = sum(map(_tokens_of_part, parts))
    calls = [str(call["function"]) for call in message.get("tool_calls") or ()]
    return tokens + sum(map(_tokens, calls)) + TOKENS_A_MESSAGE


def _tokens_of_part(part: Mapping[str, Any]) -> int:
    if "text" in part:
        return _tokens(part["text"])
    recording = part.get("input_audio")
    if not isinstance(recording, Mapping):
        return TOKENS_AN_IMAGE
    letters = _LETTERS_A_TOKEN.get(str(recording.get("format")), _LETTERS_A_TOKEN[""])
    return max(TOKENS_AN_IMAGE, len(str(recording.get("data"))) // letters)


def _tokens(text: str) -> int:
    return -(-len(text.encode(errors="replace")) // BYTES_A_TOKEN)


def resolve_path(path: str) -> Path:
    """Return `path` with `~` and variables of the environment resolved."""
    return Path(os.path.expandvars(path)).expanduser()
