"""The operator's settings: environment over `.env` over default, read once at the start. It starts nothing.

Own settings have the prefix `MOMA_`; providers' keys keep their usual names and are only ever read by name.
"""

import difflib
import errno
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from dotenv import load_dotenv
from dotenv.parser import parse_stream
from pydantic import AfterValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agents.errors import InputError, SettingsError
from graphs.catalog import Catalog
from graphs.checking.names import DEFAULT_CHECKS
from graphs.gateway.gguf_files import check_gguf, parse_local_models
from graphs.gateway.models import Model, Price
from graphs.routing.choice import preference_weight

PREFIX = "MOMA_"
_Words = Annotated[tuple[str, ...], NoDecode]
# No shell reads `.env`, so a path that begins with `~` is expanded here.
_Path = Annotated[Path, AfterValidator(lambda path: Path(os.path.expanduser(path)))]
_Turns = Annotated[int, Field(ge=1, le=100_000)]
_Seconds = Annotated[float, Field(gt=0, le=3600)]


def _home() -> Path:
    return Path(platformdirs.user_data_dir("moma", appauthor=False))


class Settings(BaseSettings):
    """Every setting, with its default."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid"
    )

    catalog: _Path = Field(
        default=Path("catalog.yaml"), description="The agents and models that may serve."
    )
    home: _Path = Field(
        default_factory=_home, description="Where threads and the agents' files are kept."
    )
    checkpoints: Annotated[str, AfterValidator(os.path.expanduser)] | None = Field(
        default=None,
        description="The SQLite file or postgresql:// address of the threads; empty: threads.sqlite in MOMA_HOME.",
    )
    encoder: str = Field(
        default="onnx",
        description="onnx, sentence-transformers:NAME_OR_PATH or openai:MODEL@BASE_URL.",
    )
    profile: _Path | None = Field(
        default=None,
        description="The folder of a measured profile of models; empty: the catalogue's assumed qualities.",
    )
    feedback: Literal["off", "record", "live"] = Field(
        default="off",
        description="Words on answers as evidence on the profile: off, record, or live: they correct it within limits.",
    )
    canary_share: Annotated[float, Field(ge=0, le=0.2)] = Field(
        default=0.03,
        description="The share of turns that look beyond the first choice of a model while feedback is live.",
    )
    policy: _Path | None = Field(
        default=None,
        description="The policy file that every turn is judged by; empty: none.",
    )
    policy_classifiers: str = Field(
        default="",
        description="Plug-ins for the policy's signals: type=package.module:callable, ...",
    )
    preference: str = Field(
        default="auto",
        description="cost, auto, performance, or a number from 0 (cheapest) to 1 (best).",
    )
    budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="The most that a turn may cost; empty: no limit."
    )
    thread_budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None, description="The most that all turns of a thread may cost; empty: no limit."
    )
    user_budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="The most that all turns of a user may cost in a day (UTC); empty: no limit.",
    )
    day_budget_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(
        default=None,
        description="The most that all turns of everybody may cost in a day (UTC); empty: no limit.",
    )
    grants: _Words = Field(
        default=(), description="What every caller is granted, with commas between."
    )
    residency: _Words = Field(
        default=(), description="Where models may run (local, eu, us, cn); empty: anywhere."
    )
    max_hops: Annotated[int, Field(ge=0, le=30)] = Field(
        default=6, description="How many hand-overs a turn may have."
    )
    routing_seconds: _Seconds = Field(
        default=2.0,
        description="The longest that choosing may take; then the default model answers.",
    )
    shadow_catalog: _Path | None = Field(
        default=None, description="Another catalogue that turns are decided under for comparison."
    )
    shadow_profile: _Path | None = Field(
        default=None, description="Another profile that turns are decided under for comparison."
    )
    shadow_policy: _Path | None = Field(
        default=None, description="Another policy that turns are decided under for comparison."
    )
    shadow_preference: str | None = Field(
        default=None, description="Another preference that turns are decided under for comparison."
    )
    checked_answers: bool = Field(
        default=False,
        description="Whether models' answers are checked before they are shown, and dearer models asked if need be.",
    )
    answer_checks: _Words = Field(
        default=DEFAULT_CHECKS,
        description="The checks: form, agreement, logprobs, verifier (needs MOMA_VERIFIER), confidence.",
    )
    verifier: str | None = Field(
        default=None, description="The id of the model that verifies answers; empty: none."
    )
    tie_break: bool = Field(
        default=False,
        description="Whether a model is asked which of a few agents is meant before the user is.",
    )
    local_models: str = Field(
        default="", description="More local models: name=path/to/file.gguf, ..."
    )
    local_threads: Annotated[int, Field(ge=1, le=256)] = Field(
        default=1, description="Processor threads of a local model."
    )
    turns_at_once: _Turns = Field(default=64, description="How many turns may run at once.")
    turns_waiting: Annotated[int, Field(ge=0, le=100_000)] = Field(
        default=64, description="How many more may wait; what comes on top is refused at once."
    )
    turns_per_user: _Turns | None = Field(
        default=None, description="How many turns of one user may be under way; empty: no limit."
    )
    connect_seconds: _Seconds = Field(default=5.0, description="The longest wait for a connection.")
    first_token_seconds: _Seconds = Field(
        default=30.0, description="The longest wait for a first token."
    )
    idle_seconds: _Seconds = Field(
        default=15.0, description="The longest pause between two tokens."
    )
    turn_seconds: _Seconds = Field(default=120.0, description="The longest that a turn may take.")

    provider_calls: Annotated[int, Field(ge=1)] = Field(
        default=128, description="How many calls one provider may have open at once."
    )
    caller_calls: Annotated[int, Field(ge=1)] = Field(
        default=32, description="How many calls one user may have open at once."
    )

    log: Literal["text", "json"] = Field(
        default="text", description="How the server logs: text, or json with a line for each turn."
    )
    api_keys: _Path | None = Field(
        default=None,
        description="The file of the server's keys (python -m app.server key makes one); empty: loopback only.",
    )
    server_hosts: _Words = Field(
        default=(),
        description="The server's names besides loopback's, with commas between; empty: loopback's there, else any.",
    )
    a2a_url: str | None = Field(
        default=None,
        description="The server's address as A2A agents reach it, http(s)://...; empty: it is no A2A agent.",
        pattern="^https?://",
    )
    drain_seconds: _Seconds = Field(
        default=30.0,
        description="How long turns that run may go on when the server is told to end.",
    )

    @field_validator("grants", "residency", "server_hosts", "answer_checks", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(word.strip() for word in value.split(",") if word.strip())
        return value

    @field_validator("preference", "shadow_preference")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                preference_weight(value)
        except InputError as error:
            raise ValueError(str(error)) from None
        return value

    @property
    def threads_place(self) -> str:
        """Where the threads are kept: a path or an address."""
        return self.checkpoints or str(self.home / "threads.sqlite")

    def make_home(self) -> Path:
        """Return the folder of MoMA's files, made if it is not there, for its owner only.

        Raises:
            SettingsError: it cannot be made or written.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not os.access(self.home, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except OSError as error:
            raise SettingsError(
                f"MOMA_HOME: {self.home} cannot be used as a folder ({error.strerror}); "
                "set it to one that you may write"
            ) from error
        return self.home

    def read_catalog(self, *, setting: str = "MOMA_CATALOG") -> Catalog:
        """Return the catalogue with the operator's own local models.

        Args:
            setting: which one names the catalogue.

        Raises:
            CatalogError: the file is broken.
            SettingsError: MOMA_LOCAL_MODELS is.
            ModelFileError: a file that it names is missing or is no GGUF file.
        """
        catalog = Catalog.from_file(self.catalog, setting=setting)
        own = parse_local_models(self.local_models)
        for model in own:
            check_gguf(model.path)
        return catalog.with_models([_local(m.name, m.path) for m in own])


def read_settings(env_file: Path = Path(".env")) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is wrong or a name with the prefix is unknown; the text says which and what is expected.
    """
    _load(env_file)
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            # Without the prefix, which all have in common.
            bare = {k.removeprefix(PREFIX): k for k in known}
            close = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
            hint = (
                f"did you mean {bare[close[0]]}?" if close else f"known: {', '.join(sorted(known))}"
            )
            raise SettingsError(f"{name}: unknown setting; {hint}")
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        expected = first["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{name}: given {first['input']!r:.60}; {expected:.300}") from None


def _load(env_file: Path) -> None:
    """Take the file's values into the environment, where they are not set there: all of them or none."""
    if not env_file.exists():
        return
    try:
        with env_file.open(encoding="utf-8") as lines:
            wrong = next(
                (b.original for b in parse_stream(lines) if b.error or (b.key and b.value is None)),
                None,
            )
        if wrong is None:
            load_dotenv(env_file, override=False)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{env_file}: cannot be read ({error}); write it as UTF-8 text"
        ) from error
    if wrong is not None:
        # Not shown: it may hold a key.
        raise SettingsError(
            f"{env_file}, line {wrong.line}: expected NAME=value, with a closing quote for each that opens"
        )


def _local(name: str, path: Path) -> Model:
    return Model(
        id=name,
        litellm=f"local/{name}",
        path=str(path),
        price=Price(input=0.0, output=0.0),
        context_tokens=8192,
        max_output_tokens=1024,
        residency=frozenset({"local"}),
    )
