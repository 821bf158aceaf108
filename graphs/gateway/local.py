"""The language models that this machine serves itself, by name; each has a server that starts when it is first needed.

This module knows names and files. It knows no LiteLLM, no prices and no routing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents.errors import ModelFileError, SettingsError
from graphs.gateway.gguf_files import LocalModel, check_gguf, default_model, parse_local_models
from graphs.gateway.gguf_server import Endpoint, LocalServer

__all__ = [
    "Endpoint",
    "LocalModel",
    "LocalServer",
    "LocalServers",
    "check_gguf",
    "default_model",
    "parse_local_models",
]


class LocalServers:
    """A server for each local model; safe to share between threads and event loops."""

    def __init__(self, servers: Mapping[str, LocalServer], *, faults: Mapping[str, str]) -> None:
        self._servers = dict(servers)
        self._faults = dict(faults)

    @classmethod
    def from_models(
        cls,
        models: Sequence[LocalModel],
        *,
        log_dir: Path | None = None,
        on_progress: Callable[[str], None] | None = None,
    ) -> "LocalServers":
        """Look at each file once and start nothing; the arguments are those of `LocalServer`.

        Raises:
            SettingsError: two models have the same name.
        """
        servers: dict[str, LocalServer] = {}
        faults: dict[str, str] = {}
        for model in models:
            if model.name in servers:
                raise SettingsError(
                    f"local model {model.name!r} is named twice, for {servers[model.name].model.path} "
                    f"and {model.path}; give each file its own name"
                )
            servers[model.name] = LocalServer(model, log_dir=log_dir, on_progress=on_progress)
            try:
                check_gguf(model.path)
            except ModelFileError as error:
                faults[model.name] = str(error)
        return cls(servers, faults=faults)

    @property
    def names(self) -> list[str]:
        """The models, in the order given."""
        return list(self._servers)

    def fault(self, name: str) -> str | None:
        """Return why the file of `name` cannot be served, or None; reads nothing, so a loop may ask."""
        if name not in self._servers:
            return (
                f"no local model is named {name!r}; there are {', '.join(self._servers) or 'none'}"
            )
        return self._faults.get(name)

    def ensure(self, name: str) -> Endpoint:
        """Return the address of the running server of `name`; see `LocalServer.ensure`."""
        with self._noting(name) as server:
            return server.ensure()

    async def aensure(self, name: str) -> Endpoint:
        """Do as `ensure` does, without blocking the event loop."""
        with self._noting(name) as server:
            return await server.aensure()

    def processor_s(self, name: str) -> float | None:
        """Return the processor seconds that the running server of `name` has taken, None where that is not known."""
        return self._servers[name].processor_s

    def close(self) -> None:
        """End every server; a later `ensure` starts it again."""
        for server in self._servers.values():
            server.close()

    @contextmanager
    def _noting(self, name: str) -> Iterator[LocalServer]:
        """Give the server of `name` and keep in mind whether its file serves."""
        if name not in self._servers:
            raise ModelFileError(self.fault(name))
        try:
            yield self._servers[name]
        except ModelFileError as error:
            self._faults[name] = str(error)
            raise
        self._faults.pop(name, None)
