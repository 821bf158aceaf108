"""Every error that MoMA raises on purpose, in one tree. This module knows no room of the house.

MomaError
├── SetupError                raised before the first turn
│   ├── CatalogError          the catalogue or a card is broken or contradicts itself
│   ├── SettingsError         an environment variable or `.env` line is wrong
│   ├── ModelFileError        a file that a local model or the encoder needs is missing or damaged
│   └── PolicyError           the policy cannot be read or fails its checks
├── InputError                what the caller sent cannot be a turn
│   ├── LengthError           it is too long
│   └── ThreadError           the thread is not the caller's
├── DeniedError               the policy does not let a tool be called or an agent be sent to
├── OverloadError             too many turns are under way; refused at once, with when to come again
│   ├── CallerOverloadError   too many of them are this caller's
│   └── DrainingError         the process is about to end
├── RoutingError              the routers failed; the choice opens to the declared default
├── ProviderError             a language model could not answer
│   ├── NoModelError          no model may serve this turn
│   ├── BudgetError           the money for this turn is spent
│   ├── DeadlineError         the time for this turn is over
│   ├── RefusedError          the provider takes the request itself for a wrong one
│   └── BrokenAnswerError     the provider's answer was cut, empty or malformed
├── AgentError                an agent broke its contract or failed
│   └── UnreachableError      the server behind an agent does not answer as it should
└── CheckpointError           the thread could not be read or written; the turn is refused
"""

from typing import ClassVar, Literal

Remedy = Literal[
    "any",  # any other deployment may do better
    "key",  # only one with another key
    "provider",  # only one of another provider
    "window",  # only one with a larger window
]
"""Which other deployment can help after a failure."""


class MomaError(Exception):
    """The root. Its text is one line, safe to show to a caller: given, expected, what to do."""

    retryable: ClassVar[bool] = False
    status: ClassVar[int] = 500


class SetupError(MomaError):
    """Something that the operator wrote is wrong; nothing has run yet."""


class CatalogError(SetupError):
    """The catalogue or a card is broken; the text names the file, the line, the key and what was expected."""


class SettingsError(SetupError):
    """A setting has a wrong value or an unknown name."""


class ModelFileError(SetupError):
    """A model file is missing or is not what it should be."""


class PolicyError(SetupError):
    """The policy cannot be read or fails its checks; the text names the first finding and how many there are."""


class InputError(MomaError):
    """The caller's text or options cannot make a turn."""

    status: ClassVar[int] = 400


class LengthError(InputError):
    """What the caller sent is longer than what is taken."""

    status: ClassVar[int] = 413


class ThreadError(InputError):
    """The thread is another caller's; for this one there is none."""

    status: ClassVar[int] = 404


class DeniedError(MomaError):
    """The policy does not allow the call; the text says which rule and why."""

    status: ClassVar[int] = 403


class OverloadError(MomaError):
    """Too many turns are under way; this one was refused before anything was done for it."""

    status: ClassVar[int] = 503

    def __init__(self, text: str, *, retry_after: float) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        """The seconds after which it is worth to come again."""


class CallerOverloadError(OverloadError):
    """The caller has too many turns under way; others may still have places."""

    status: ClassVar[int] = 429


class DrainingError(OverloadError):
    """The process is about to end; a turn that had begun goes on when its message is sent again."""


class RoutingError(MomaError):
    """A router could not decide."""


class ProviderError(MomaError):
    """A language model could not answer."""

    status: ClassVar[int] = 502

    def __init__(
        self,
        text: str,
        *,
        model: str | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        remedy: Remedy = "any",
    ) -> None:
        super().__init__(text)
        self.model = model
        self.may_retry = retryable
        """Whether the same deployment may do better."""
        self.retry_after = retry_after
        """The seconds to wait before it is asked again, if they are known."""
        self.remedy = remedy
        self.shown = ""
        """What of an answer had been passed on before it broke off."""


class NoModelError(ProviderError):
    """Every model is masked; the text says why."""

    status: ClassVar[int] = 503


class BudgetError(ProviderError):
    """A reservation would pass the budget."""

    status: ClassVar[int] = 402


class DeadlineError(ProviderError):
    """The turn's deadline has passed."""

    status: ClassVar[int] = 504


class RefusedError(ProviderError):
    """The provider refused what was asked, so that asking it again is of no use; nobody else could answer either."""

    status: ClassVar[int] = 400


class BrokenAnswerError(ProviderError):
    """The answer was cut, empty or malformed, although the transport called it a success."""


class AgentError(MomaError):
    """An agent failed, or returned something that is not an outcome."""


class UnreachableError(AgentError):
    """The server behind an agent is not there, hangs, or answers what its protocol does not know."""

    status: ClassVar[int] = 502


class CheckpointError(MomaError):
    """The thread's saved state could not be read or written."""

    status: ClassVar[int] = 503
